//! States as shape and word.

use leptos::prelude::*;
use model::{JobStatus, RunStatus};

/// The shape alone, where the word stands beside it or in the name.
#[component]
pub fn StatusMark(#[prop(into)] word: Signal<&'static str>) -> impl IntoView {
    view! {
        <svg class="st-i" aria-hidden="true">
            <use href=move || format!("#st-{}", word.get())></use>
        </svg>
    }
}

/// A run's state.
#[component]
pub fn StatusBadge(#[prop(into)] status: Signal<RunStatus>) -> impl IntoView {
    view! {
        <span class="st" data-status=move || status.get().as_str()>
            <StatusMark word=Signal::derive(move || status.get().as_str())/>
            {move || status.get().label()}
        </span>
    }
}

/// A job's state.
#[component]
pub fn JobBadge(#[prop(into)] status: Signal<JobStatus>) -> impl IntoView {
    view! {
        <span class="st" data-status=move || status.get().as_str()>
            <StatusMark word=Signal::derive(move || status.get().as_str())/>
            {move || status.get().label()}
        </span>
    }
}
