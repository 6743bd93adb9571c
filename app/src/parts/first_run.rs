//! The start page while there are no runs: how to connect a workflow, and a light that turns green.

use super::{frame::query_signal, toasts::ToastList};
use crate::{api::demo::load_demo, session::session, ui::CopyLine};
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
        match load_demo().await {
            Ok(()) => toasts.say("The demo lab is running; its runs appear here."),
            Err(error) => toasts.say(error.to_string()),
        }
    });
    let address = base_url.trim_start_matches("http://").trim_start_matches("https://").to_owned();
    let chosen = move || client.get().unwrap_or_default();
    let tab = move |key: String, label: String| {
        let href = if key.is_empty() { "/runs".to_owned() } else { format!("/runs?c={key}") };
        let here = move || (chosen() == key).then_some("page");
        view! { <a href=href aria-current=here>{label}</a> }
    };
    let tabs = ways.iter().map(|(key, label, _)| tab(key.clone(), label.clone())).collect_view();
    let steps = move || {
        let key = chosen();
        let way = ways.iter().find(|(name, ..)| *name == key).or(ways.first());
        let steps = way.map(|(.., steps)| steps.clone()).unwrap_or_default();
        steps.into_iter().enumerate().map(|(at, step)| one_step(at + 1, step)).collect_view()
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
                        <span class="soft">"· listening on " <code>{address}</code> "; the light turns green at the first event"</span>
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
fn one_step(number: usize, step: Step) -> AnyView {
    let mut texts = step.into_iter();
    let mut next = || texts.next().unwrap_or_default();
    let (title, line, copy) = (next(), next(), next());
    let hint: Vec<AnyView> =
        texts.enumerate().map(|(at, text)| if at % 2 == 0 { text.into_any() } else { view! { <code>{text}</code> }.into_any() }).collect();
    view! {
        <li>
            <span class="no" aria-hidden="true">{number}</span>
            <h2>{title}</h2>
            <CopyLine text=line label=copy/>
            {(!hint.is_empty()).then(|| view! { <p class="hint">{hint}</p> })}
        </li>
    }
    .into_any()
}
