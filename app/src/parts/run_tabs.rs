//! The views of a run; one of them is shown beside its graph.

use crate::paths::{self, RunPlace};
use leptos::prelude::*;
use model::RunId;
use view::tabs::Tab;

/// Links to the views; they keep the selected rule.
#[component]
pub fn RunTabs(id: RunId, place: Memo<RunPlace>, tab: Memo<Tab>, #[prop(into)] jobs: Signal<String>) -> impl IntoView {
    let links = Tab::ALL.map(|one| {
        let here = move || (tab.get() == one).then_some("page");
        let href = move || paths::run_at(id, &place.get().of_tab(one.word()));
        view! {
            <a href=href aria-current=here>
                {one.label()}
                {(one == Tab::Jobs).then(|| view! { <span class="num">{jobs}</span> })}
            </a>
        }
    });
    view! { <nav class="tabs views" aria-label="Views of the run">{links.into_iter().collect_view()}</nav> }
}
