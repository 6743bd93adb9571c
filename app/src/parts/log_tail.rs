//! The last lines of a log, where it can be read.

use crate::{
    api::tail::LogTail,
    paths::{self, RunPlace},
};
use leptos::prelude::*;
use model::{RunId, file::FileRef};

/// The end of a log under its name; or why it is not there.
#[component]
pub fn Tail(run: RunId, log: LogTail) -> impl IntoView {
    let LogTail { path, text, more } = log;
    let whole = RunPlace { tab: Some("logs".into()), file: Some(FileRef::Named(path.clone()).to_string()), ..RunPlace::default() };
    let whole = view! { <a class="link" href=paths::run_at(run, &whole)>"Open the log"</a> };
    match text {
        Ok(text) if text.is_empty() => view! { <p class="dim tail-name"><code>{path}</code>" is empty so far."</p> }.into_any(),
        Ok(text) => {
            let says = if more { "The last lines of " } else { "All of " };
            view! {
                <p class="dim tail-name">{says}<code>{path}</code>" "{whole}</p>
                <div class="tail" tabindex="0" role="region" aria-label="End of the log"><pre>{text}</pre></div>
            }
            .into_any()
        }
        Err(why) => view! { <p class="dim tail-name"><code>{path}</code>{format!(": {why}")}</p> }.into_any(),
    }
}
