//! The views of a run; one of them is shown beside its graph.

use crate::paths::{self, RunPlace};
use leptos::prelude::*;
use model::RunId;

/// The view beside the graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    #[default]
    Jobs,
    Timeline,
    Results,
    Logs,
    Code,
    Files,
    History,
    Info,
}

impl Tab {
    pub const ALL: [Self; 8] = [Self::Jobs, Self::Timeline, Self::Results, Self::Logs, Self::Code, Self::Files, Self::History, Self::Info];

    /// The tab in a URL; unknown words mean the jobs tab.
    pub fn of(place: &RunPlace) -> Self {
        Self::ALL.into_iter().find(|tab| tab.word() == place.tab.as_deref()).unwrap_or_default()
    }

    /// The word in the URL; the first tab needs none.
    pub const fn word(self) -> Option<&'static str> {
        match self {
            Self::Jobs => None,
            Self::Timeline => Some("timeline"),
            Self::Results => Some("results"),
            Self::Logs => Some("logs"),
            Self::Code => Some("code"),
            Self::Files => Some("files"),
            Self::History => Some("history"),
            Self::Info => Some("info"),
        }
    }

    pub const fn label(self) -> &'static str {
        match self {
            Self::Jobs => "Jobs",
            Self::Timeline => "Timeline",
            Self::Results => "Results",
            Self::Logs => "Logs",
            Self::Code => "Code",
            Self::Files => "Files",
            Self::History => "History",
            Self::Info => "Info",
        }
    }
}

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
