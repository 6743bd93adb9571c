//! A report of a client as it came, folded to its name.

use crate::ui::Ago;
use leptos::prelude::*;
use model::event::RawEvent;

/// Reports in the order they came.
#[component]
pub fn Reports(events: Vec<RawEvent>) -> impl IntoView {
    let rows = events.into_iter().map(|event| {
        let at = event.received_at;
        let odd = event.outcome != "applied";
        view! {
            <li>
                <details>
                    <summary>
                        <code>{event.event}</code>
                        <Ago at=Signal::stored(Some(at))/>
                        {odd.then(|| view! { <span class="tag">{event.outcome}</span> })}
                        <span class="dim">{event.detail}</span>
                    </summary>
                    <pre class="code wrap">{event.body} {event.cut.then_some(" …")}</pre>
                </details>
            </li>
        }
    });
    view! { <ol class="reports">{rows.collect_view()}</ol> }
}
