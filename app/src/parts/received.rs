//! A client's report as received. Collapsed, it shows only its name.

use crate::{paths, ui::Ago};
use leptos::prelude::*;
use model::{RunId, event::RawEvent, text};

/// Reports in order of arrival. A long one ends with how much of it is missing, and links to all of it.
#[component]
pub fn Reports(run: RunId, events: Vec<RawEvent>) -> impl IntoView {
    let rows = events.into_iter().map(|event| {
        let at = event.received_at;
        let odd = event.outcome != "applied";
        let rest = (event.missing > 0).then(|| {
            let missing = i64::try_from(event.missing).unwrap_or(i64::MAX);
            let says = format!("… {} more letters. ", text::count(missing));
            view! { <p class="dim">{says}<a class="link" href=paths::kept_report(run, event.id) rel="external">"The whole report"</a></p> }
        });
        view! {
            <li>
                <details>
                    <summary>
                        <code>{event.event}</code>
                        <Ago at=Signal::stored(Some(at))/>
                        {odd.then(|| view! { <span class="tag">{event.outcome}</span> })}
                        <span class="dim">{event.detail}</span>
                    </summary>
                    <pre class="code wrap">{event.body}</pre>
                    {rest}
                </details>
            </li>
        }
    });
    view! { <ol class="reports">{rows.collect_view()}</ol> }
}
