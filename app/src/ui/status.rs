//! Statuses as a shape and a word.

use leptos::prelude::*;
use model::{JobStatus, RunStatus};

/// The shape alone, for places where the word is beside it or in the label.
#[component]
pub fn StatusMark(#[prop(into)] word: Signal<&'static str>) -> impl IntoView {
    view! {
        <svg class="st-i" aria-hidden="true">
            <use href=move || format!("#st-{}", word.get())></use>
        </svg>
    }
}

/// A run's status.
#[component]
pub fn StatusBadge(#[prop(into)] status: Signal<RunStatus>) -> impl IntoView {
    view! {
        <span class="st" data-status=move || status.get().as_str()>
            <StatusMark word=Signal::derive(move || status.get().as_str())/>
            {move || status.get().label()}
        </span>
    }
}

/// A job's status.
#[component]
pub fn JobBadge(#[prop(into)] status: Signal<JobStatus>) -> impl IntoView {
    view! {
        <span class="st" data-status=move || status.get().as_str()>
            <StatusMark word=Signal::derive(move || status.get().as_str())/>
            {move || status.get().label()}
        </span>
    }
}
