//! The last lines of a log, where they can be read.

use crate::paths::{self, RunPlace};
use leptos::prelude::*;
use model::{JobStatus, RunId, file::FileRef};
use view::logs::{LINES, LogTail};

/// The end of a log below its name, or why it cannot be shown. `writer` is the status of the job that writes the log.
#[component]
pub fn Tail(run: RunId, log: LogTail, writer: JobStatus) -> impl IntoView {
    let LogTail { path, text, more } = log;
    let whole = RunPlace { tab: Some("logs".into()), file: Some(FileRef::Named(path.clone()).to_string()), ..RunPlace::default() };
    let whole = view! { <a class="link" href=paths::run_at(run, &whole)>"Open the log"</a> };
    match text {
        Ok(text) if text.is_empty() => {
            let says = if writer.is_end() { " is empty." } else { " is empty so far." };
            view! { <p class="dim tail-name"><code>{path}</code>{says}</p> }.into_any()
        }
        Ok(text) => {
            let label = format!("End of the log {path}");
            let says = if more { format!("The last {LINES} lines of ") } else { "All of ".to_owned() };
            view! {
                <p class="dim tail-name">{says}<code>{path}</code>" "{whole}</p>
                <div class="tail" tabindex="0" role="region" aria-label=label><pre>{text}</pre></div>
            }
            .into_any()
        }
        Err(why) => view! { <p class="dim tail-name"><code>{path}</code>{format!(": {why} ")}{whole}</p> }.into_any(),
    }
}
