//! The start page while there are no runs: how to connect a workflow, and a light that turns green.

use super::{frame::query_signal, toasts::ToastList};
use crate::{api::lab::load_lab, session::session, ui::CopyLine};
use leptos::prelude::*;
use view::clients::{Step, Way};

/// What is needed to see the first run.
#[component]
pub fn FirstRun(
    base_url: String,
    /// How to connect a client.
    ways: Vec<Way>,
    /// Whether the first event has arrived.
    heard: RwSignal<bool>,
) -> impl IntoView {
    let client = query_signal("c");
    let toasts = ToastList::get();
    let may_write = session().may_write;
    let load = Action::new(move |(): &()| async move {
        match load_lab().await {
            Ok(()) => toasts.say("The demo lab is running; its runs appear here."),
            Err(error) => toasts.say(error.to_string()),
        }
    });
    let address = base_url.trim_start_matches("http://").trim_start_matches("https://").to_owned();
    let tab = move |key: Option<String>, label: String| {
        let href = key.as_ref().map_or_else(|| "/runs".to_owned(), |key| format!("/runs?c={key}"));
        let here = move || (client.get() == key).then_some("page");
        view! { <a href=href aria-current=here>{label}</a> }
    };
    let tabs = ways.iter().map(|way| tab(way.key.clone(), way.label.clone())).collect_view();
    let steps = move || {
        let key = client.get();
        let way = ways.iter().find(|way| way.key == key).or(ways.first());
        let steps = way.map(|way| way.steps.clone()).unwrap_or_default();
        steps.into_iter().enumerate().map(|(at, step)| view! { <OneStep number=at + 1 step/> }).collect_view()
    };
    view! {
        <div class="first-run">
            <header>
                <h1>"Waiting for the first run"</h1>
                <p>"Flowo is running. Send it a workflow, and its jobs appear here as they happen. Nothing leaves this machine."</p>
            </header>
            <section class="card" aria-label="Connect a workflow">
                <nav class="tabs" aria-label="Client">{tabs}</nav>
                <ol>{steps}</ol>
                <div class="wait" role="status">
                    <span class="lamp" aria-hidden="true" data-on=move || heard.get().then_some("")></span>
                    <div>
                        <b>{move || if heard.get() { "The first event is here" } else { "No event yet" }}</b>
                        " "
                        <span class="soft">"· listening on " <code>{address}</code> "; this turns green at the first event"</span>
                    </div>
                </div>
            </section>
            {may_write
                .then(|| {
                    view! {
                        <div class="also">
                            <span>"No workflow at hand?"</span>
                            <button class="link" type="button" on:click=move |_| { load.dispatch(()); }>"Load the demo lab"</button>
                        </div>
                    }
                })}
        </div>
    }
}

/// One numbered step: a line to copy, and a hint.
#[component]
fn OneStep(number: usize, step: Step) -> impl IntoView {
    let Step { title, line, copy, hint } = step;
    let hint = (!hint.is_empty()).then(|| {
        let words = hint
            .into_iter()
            .enumerate()
            .map(|(at, words)| if at % 2 == 0 { words.into_any() } else { view! { <code>{words}</code> }.into_any() });
        view! { <p class="hint">{words.collect_view()}</p> }
    });
    view! {
        <li>
            <span class="no" aria-hidden="true">{number}</span>
            <h2>{title}</h2>
            <CopyLine text=line label=copy/>
            {hint}
        </li>
    }
}
