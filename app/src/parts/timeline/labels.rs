//! Names of the timeline's groups beside their lanes. A label is updated only when its own group changed.

use super::paint;
use leptos::prelude::*;
use model::run::NO_RULE;
use std::collections::HashMap;
use view::timeline::Group;

/// What one label shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Label {
    /// Upper end and height, in pixels of the sheet.
    top: u32,
    height: u32,
    folded: bool,
    says: String,
}

/// The labels for `names`, in their order; a click passes the name to `turn`.
#[component]
pub fn Labels(names: Memo<Vec<String>>, labels: Memo<HashMap<String, Label>>, turn: Callback<String>) -> impl IntoView {
    view! {
        <div class="tl-labels">
            <For each=move || names.get() key=Clone::clone let:name>
                <One labels turn name/>
            </For>
        </div>
    }
}

#[component]
fn One(labels: Memo<HashMap<String, Label>>, turn: Callback<String>, name: String) -> impl IntoView {
    let shown = if name.is_empty() { NO_RULE.to_owned() } else { name.clone() };
    let found = name.clone();
    let label = Memo::new(move |_| labels.with(|labels| labels.get(&found).cloned()));
    let says = move || label.with(|label| label.as_ref().map(|label| label.says.clone()));
    let title = {
        let shown = shown.clone();
        move || says().map_or_else(|| shown.clone(), |says| format!("{shown}: {says}"))
    };
    let style = move || {
        let at = label.with(|label| label.as_ref().map(|label| (label.top, label.height)));
        at.map(|(top, height)| format!("inset-block-start:{top}px;block-size:{height}px"))
    };
    let unfolded = move || label.with(|label| label.as_ref().is_none_or(|label| !label.folded).to_string());
    view! {
        <button class="tl-label" type="button" style=style title=title aria-expanded=unfolded on:click=move |_| turn.run(name.clone())>
            <b>{shown}</b>
            <span>{says}</span>
        </button>
    }
}

/// The label of `group`, which extends from `top` to `bottom` below the curve.
pub fn label(group: &Group, (top, bottom): (u32, u32), folded: bool) -> Label {
    Label { top: top + paint::HEAD, height: bottom - top, folded, says: group.says() }
}
