//! Names of the timeline's groups beside their lanes. A label is written again only when its own group changed.

use super::{board::Board, paint};
use crate::api::timeline::Group;
use leptos::prelude::*;
use model::text;
use std::collections::HashMap;

/// What one label shows.
#[derive(Clone, PartialEq, Eq)]
struct Label {
    /// Where it begins and how far it reaches, in pixels of the sheet.
    top: u32,
    height: u32,
    folded: bool,
    says: String,
}

/// A press folds or unfolds a group.
#[component]
pub fn Labels(board: Board) -> impl IntoView {
    let labels = Memo::new(move |_| board.labels(label));
    let names = Memo::new(move |_| board.names());
    view! {
        <div class="tl-labels">
            <For each=move || names.get() key=Clone::clone let:name>
                <One board labels name/>
            </For>
        </div>
    }
}

#[component]
fn One(board: Board, labels: Memo<HashMap<String, Label>>, name: String) -> impl IntoView {
    let shown = if name.is_empty() { "not told yet".to_owned() } else { name.clone() };
    let title = shown.clone();
    let found = name.clone();
    let label = Memo::new(move |_| labels.with(|labels| labels.get(&found).cloned()));
    let style = move || {
        let at = label.with(|label| label.as_ref().map(|label| (label.top, label.height)));
        at.map(|(top, height)| format!("inset-block-start:{top}px;block-size:{height}px"))
    };
    let unfolded = move || label.with(|label| label.as_ref().is_none_or(|label| !label.folded).to_string());
    view! {
        <button class="tl-label" type="button" style=style title=title aria-expanded=unfolded on:click=move |_| board.turn(&name)>
            <b>{shown}</b>
            <span>{move || label.with(|label| label.as_ref().map(|label| label.says.clone()))}</span>
        </button>
    }
}

fn label(group: &Group, (top, bottom): (u32, u32), folded: bool) -> Label {
    let jobs = format!("{} {}", text::count(i64::from(group.jobs)), if group.jobs == 1 { "job" } else { "jobs" });
    let says = match (group.failed, group.running) {
        (0, 0) => jobs,
        (0, running) => format!("{jobs} · {running} running"),
        (failed, _) => format!("{jobs} · {failed} failed"),
    };
    Label { top: top + paint::HEAD, height: bottom - top, folded, says }
}
