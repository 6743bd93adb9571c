//! The start page while there are no runs: how to connect a workflow, and a light that turns green.

use super::{frame::query_signal, toasts::ToastList};
use crate::{api::lab::load_lab, session::session, ui::CopyLine};
use leptos::prelude::*;

/// What is needed to see the first run.
#[component]
pub fn FirstRun(
    base_url: String,
    client_config: String,
    /// Whether the first event has arrived.
    heard: RwSignal<bool>,
) -> impl IntoView {
    let client = query_signal("c");
    let toasts = ToastList::get();
    let may_write = session().may_write;
    let load = Action::new(move |(): &()| async move {
        match load_lab().await {
            Ok(()) => toasts.say("The demo lab is being played; its runs appear here."),
            Err(error) => toasts.say(error.to_string()),
        }
    });
    let address = base_url.trim_start_matches("http://").trim_start_matches("https://").to_owned();
    let tab = move |key: Option<&'static str>, label: &'static str| {
        let here = move || (client.get().as_deref() == key).then_some("page");
        let href = key.map_or_else(|| "/runs".to_owned(), |key| format!("/runs?c={key}"));
        view! { <a href=href aria-current=here>{label}</a> }
    };
    let insert = "psql … -c \"INSERT INTO workflow_runs (workflow_name, status) VALUES ('test_workflow', 'running')\"";
    let monitor = format!("snakemake --wms-monitor {base_url} --cores 8");
    let steps = move || {
        if client.get().as_deref() == Some("older") {
            view! {
                <li>
                    <span class="no" aria-hidden="true">"1"</span>
                    <h2>"Give it a token"</h2>
                    <CopyLine
                        text="export WMS_MONITOR_TOKEN=$(flowod token create --name snakemake --scope report)"
                        label="Copy the token command"
                    />
                </li>
                <li>
                    <span class="no" aria-hidden="true">"2"</span>
                    <h2>"Run as always, with one flag more"</h2>
                    <CopyLine text=monitor.clone() label="Copy the run command"/>
                    <p class="hint">
                        "Whoever used Panoptes has that flag already: " <code>"flowod --panoptes-listen 127.0.0.1:5000"</code>
                        " opens its port, and asks programs of this machine for no token there."
                    </p>
                </li>
            }
            .into_any()
        } else if client.get().as_deref() == Some("other") {
            view! {
                <li>
                    <span class="no" aria-hidden="true">"1"</span>
                    <h2>"Write a row from anything that speaks SQL"</h2>
                    <CopyLine text=insert label="Copy the statement"/>
                    <p class="hint">
                        "With DATABASE_URL Flowo uses your own PostgreSQL; a row committed there appears here at once."
                    </p>
                </li>
            }
            .into_any()
        } else {
            let config = client_config.clone();
            view! {
                <li>
                    <span class="no" aria-hidden="true">"1"</span>
                    <h2>"Add the logger to the environment Snakemake runs in"</h2>
                    <CopyLine text="pip install snakemake-logger-plugin-flowo" label="Copy the install command"/>
                </li>
                <li>
                    <span class="no" aria-hidden="true">"2"</span>
                    <h2>"Run as always, with one flag more"</h2>
                    <CopyLine text="snakemake --logger flowo --cores 8" label="Copy the run command"/>
                    <p class="hint">
                        "Address and token of this machine's user are in "
                        <code>{config}</code>
                        ". Elsewhere set FLOWO_HOST and FLOWO_USER_TOKEN; "
                        <code>"flowod token create --scope report"</code>
                        " makes a token."
                    </p>
                </li>
            }
            .into_any()
        }
    };
    view! {
        <div class="first-run">
            <header>
                <h1>"Waiting for the first run"</h1>
                <p>"Flowo is up and listening. Point a workflow at it and its jobs appear here while they happen. Nothing leaves this machine."</p>
            </header>
            <section class="card" aria-label="Connect a workflow">
                <nav class="tabs" aria-label="Client">{tab(None, "Snakemake 9")} {tab(Some("older"), "5 to 8")} {tab(Some("other"), "Other")}</nav>
                <ol>{steps}</ol>
                <div class="wait" role="status">
                    <span class="lamp" aria-hidden="true" data-on=move || heard.get().then_some("")></span>
                    <div>
                        <b>{move || if heard.get() { "The first event is here" } else { "No event yet" }}</b>
                        " "
                        <span class="soft">"· listening on " <code>{address}</code> ", this line turns green by itself"</span>
                    </div>
                </div>
            </section>
            {may_write
                .then(|| {
                    view! {
                        <div class="also">
                            <span>"Nothing at hand?"</span>
                            <button class="link" type="button" on:click=move |_| { load.dispatch(()); }>"Load the demo lab"</button>
                        </div>
                    }
                })}
        </div>
    }
}
