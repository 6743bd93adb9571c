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

/// The shape with a label. `word` is the status in the style sheet.
#[component]
pub fn StatusLabel(#[prop(into)] word: Signal<&'static str>, #[prop(into)] label: Signal<&'static str>) -> impl IntoView {
    view! { <span class="st" data-status=word><StatusMark word/>{label}</span> }
}

/// The shape with a label that only screen readers get.
#[component]
pub fn StatusIcon(#[prop(into)] word: Signal<&'static str>, #[prop(into)] label: Signal<&'static str>) -> impl IntoView {
    view! { <span class="st" data-status=word><StatusMark word/><span class="sr">{label}</span></span> }
}

/// A run's status.
#[component]
pub fn StatusBadge(#[prop(into)] status: Signal<RunStatus>) -> impl IntoView {
    let word = Signal::derive(move || status.get().as_str());
    view! { <StatusLabel word label=Signal::derive(move || status.get().label())/> }
}

/// A job's status.
#[component]
pub fn JobBadge(#[prop(into)] status: Signal<JobStatus>) -> impl IntoView {
    let word = Signal::derive(move || status.get().as_str());
    view! { <StatusLabel word label=Signal::derive(move || status.get().label())/> }
}
