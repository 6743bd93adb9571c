//! The head of a run's page: what the run is and its state.

use crate::{
    api::runs::{read_left, rename_run},
    error::AppError,
    paths::{self, RunPlace},
    session::session,
    ui::{Ago, CopyLink, Icon, If, JobBar, StatusIcon, StatusMark, Took},
};
use leptos::{ev, html, prelude::*, task::spawn_local};
use model::{
    JobStatus, Millis, RunStatus,
    run::{Attempt, RunSummary},
    text,
};
use std::time::Duration;

/// States of jobs in the order of their counts.
const COUNTS: [JobStatus; 6] =
    [JobStatus::Failed, JobStatus::Lost, JobStatus::Running, JobStatus::Success, JobStatus::Skipped, JobStatus::Waiting];

/// How often the remaining time is requested while a run is running.
const LEFT: Duration = Duration::from_secs(10);

/// The server's estimate of the remaining time. In the browser only, and only while the run is running.
fn band(run: RwSignal<RunSummary>) -> RwSignal<Option<(Millis, Millis)>> {
    let band = RwSignal::new(None);
    let id = run.with_untracked(|run| run.id);
    let running = Memo::new(move |_| run.with(|run| run.status == RunStatus::Running));
    let ask = move || {
        if !document().hidden() {
            spawn_local(async move {
                if let Ok(left) = read_left(id).await {
                    band.try_set(left);
                }
            });
        }
    };
    Effect::new(move |_| {
        if running.get() {
            ask();
            if let Ok(timer) = set_interval_with_handle(ask, LEFT) {
                on_cleanup(move || timer.clear());
            }
        }
    });
    band
}

/// Name and tags, which can be edited in place.
#[component]
fn Label(run: RwSignal<RunSummary>, editing: RwSignal<bool>) -> impl IntoView {
    let (id, name, tags) = run.with_untracked(|run| (run.id, run.name.clone(), run.tags.join(", ")));
    let (name_field, tags_field) = (NodeRef::<html::Input>::new(), NodeRef::<html::Input>::new());
    let error = RwSignal::new(None::<AppError>);
    Effect::new(move |_| {
        if let Some(field) = name_field.get() {
            let _ = field.focus();
            field.select();
        }
    });
    let save = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let (Some(name), Some(tags)) = (name_field.get_untracked(), tags_field.get_untracked()) else { return };
        let tags: Vec<String> = tags.value().split(',').map(str::to_owned).collect();
        let name = name.value();
        spawn_local(async move {
            match rename_run(id, name, tags).await {
                Ok(()) => {
                    editing.try_set(false);
                }
                Err(why) => {
                    error.try_set(Some(why));
                }
            }
        });
    };
    let leave = move |event: ev::KeyboardEvent| {
        if event.key() == "Escape" {
            event.stop_propagation();
            editing.set(false);
        }
    };
    view! {
        <form class="label" on:submit=save on:keydown=leave>
            <label>"Name"<input class="field" node_ref=name_field value=name maxlength="500" autocomplete="off"/></label>
            <label>"Tags"<input class="field" node_ref=tags_field value=tags placeholder="qc, rna" autocomplete="off"/></label>
            <button class="btn small" type="submit">"Save"</button>
            <button class="btn ghost small" type="button" on:click=move |_| editing.set(false)>"Cancel"</button>
            <span class="wrong" role="alert">{move || error.get().map(|error| error.to_string())}</span>
        </form>
    }
}

/// Name, state, facts, progress and counts. Each count is a filter of the job table.
#[component]
pub fn RunHead(
    run: RwSignal<RunSummary>,
    attempts: Vec<Attempt>,
    client: Option<String>,
    notes: Vec<String>,
    place: Memo<RunPlace>,
    delete: Callback<()>,
) -> impl IntoView {
    let id = run.with_untracked(|run| run.id);
    let (now, then) = (session().now, session().then);
    let may_write = session().may_write;
    let state = Memo::new(move |_| run.with(|run| run.status));
    let jobs = Memo::new(move |_| run.with(|run| run.jobs));
    let title = Memo::new(move |_| run.with(|run| run.title().to_owned()));
    let tags = Memo::new(move |_| run.with(|run| run.tags.clone()));
    let started = Memo::new(move |_| run.with(|run| run.started_at));
    let ended = Memo::new(move |_| run.with(|run| run.ended_at));
    // The server knows how long each rule takes; until its estimate arrives, the pace so far is used.
    let band = band(run);
    let left = Memo::new(move |_| match band.get() {
        _ if state.get() != RunStatus::Running || then.get().is_some() => None,
        Some((low, high)) => Some(text::between(low, high)),
        None => run.with(|run| run.remaining(now.get())).map(text::remaining),
    });
    // The moment at which the viewer leaves the present. It is set when the viewer is about to leave, because a link
    // with the current time would be rewritten every second.
    let leaving = RwSignal::new(now.get_untracked());
    let leave = move || leaving.set(js_sys::Date::now() as Millis);
    let rewind = move || paths::run_at(id, &place.get().of_moment(Some(ended.get().unwrap_or_else(|| leaving.get()))));
    let editing = RwSignal::new(false);
    let dry = run.with_untracked(|run| run.dry_run);
    let user = run.with_untracked(|run| run.user.clone());
    let source = run.with_untracked(|run| run.source.clone());
    let directory = run.with_untracked(|run| run.directory.clone());
    let quarantined = Memo::new(move |_| run.with(|run| run.quarantined));
    let several = attempts.len() > 1;
    let tries = attempts
        .into_iter()
        .map(|attempt| {
            // This page follows its own run; the status of the others is that of when the page was made.
            let is_here = attempt.id == id;
            let status = Signal::derive(move || if is_here { state.get() } else { attempt.status });
            view! {
                <a href=paths::run(attempt.id) aria-current=is_here.then_some("page")>
                    <StatusIcon word=Signal::derive(move || status.get().as_str()) label=Signal::derive(move || status.get().label())/>
                    {format!("#{}", attempt.attempt)}
                </a>
            }
        })
        .collect_view();
    let counts = COUNTS.map(|kind| {
        let count = Memo::new(move |_| jobs.get().of(kind));
        let here = move || place.with(|place| place.status.as_deref() == Some(kind.as_str()));
        let href = move || paths::run_at(id, &place.get().of_status((!here()).then_some(kind.as_str())));
        view! {
            <If when=Signal::derive(move || { count.get() > 0 || here() })>
                <a href=href aria-current=move || here().then_some("true")>
                    <span class="st" data-status=kind.as_str()><StatusMark word=kind.as_str()/></span>
                    <b>{move || text::count(i64::from(count.get()))}</b>
                    {kind.label().to_ascii_lowercase()}
                </a>
            </If>
        }
    });
    view! {
        <header class="run-head">
            <div class="line">
                <span class="pill" data-status=move || state.get().as_str()>
                    <StatusMark word=Signal::derive(move || state.get().as_str())/>
                    {move || state.get().label()}
                </span>
                <h1>{title}</h1>
                {may_write
                    .then(|| {
                        view! {
                            <button class="btn ghost small icon" type="button" aria-label="Edit name and tags" title="Edit name and tags" on:click=move |_| editing.set(true)>
                                <Icon name="i-edit" small=true/>
                            </button>
                        }
                    })}
                {dry.then(|| view! { <span class="tag">"dry run"</span> })}
                {several.then(|| view! { <nav class="tries" aria-label="Attempts">{tries}</nav> })}
                {move || tags.get().into_iter().map(|tag| view! { <a class="tag" href=paths::runs_with("tag", &tag)>{tag.clone()}</a> }).collect_view()}
                <div class="acts">
                    <CopyLink/>
                    <If when=Signal::derive(move || place.with(|place| place.moment().is_none()))>
                        <a
                            class="btn ghost small"
                            href=rewind
                            title="Show this run at an earlier time"
                            on:pointerenter=move |_| leave()
                            on:pointerdown=move |_| leave()
                            on:focus=move |_| leave()
                            on:keydown=move |_| leave()
                        >
                            <Icon name="i-undo" small=true/>
                            "Rewind"
                        </a>
                    </If>
                    <a class="btn ghost small" href=paths::run_report(id) download="">
                        <Icon name="i-save" small=true/>
                        "Report"
                    </a>
                    {may_write
                        .then(|| {
                            view! {
                                <button class="btn small" type="button" on:click=move |_| delete.run(())>
                                    <Icon name="i-trash" small=true/>
                                    "Delete"
                                </button>
                            }
                        })}
                </div>
            </div>
            <If when=Signal::derive(move || editing.get())><Label run editing/></If>
            <dl class="facts">
                <div><dt>"Started"</dt><dd><Ago at=started/></dd></div>
                <div><dt>"Duration"</dt><dd><Took started ended/></dd></div>
                <If when=Signal::derive(move || left.get().is_some())>
                    <div><dt>"Left"</dt><dd class="num">{move || left.get()}</dd></div>
                </If>
                {(!user.is_empty())
                    .then(|| view! { <div><dt>"User"</dt><dd><a href=paths::runs_with("user", &user)>{user.clone()}</a></dd></div> })}
                <div><dt>"Source"</dt><dd>{source} {client.map(|client| format!(" · {client}"))}</dd></div>
                {directory.map(|directory| view! { <div><dt>"Directory"</dt><dd><code>{directory}</code></dd></div> })}
                <If when=Signal::derive(move || { quarantined.get() > 0 })>
                    <div>
                        <dt>"Invalid reports"</dt>
                        <dd title="Stored as received, with the reason">
                            {move || match quarantined.get() {
                                1 => "1 report".to_owned(),
                                n => format!("{n} reports"),
                            }}
                        </dd>
                    </div>
                </If>
            </dl>
            {notes.into_iter().map(|note| view! { <p class="dim" role="note">{note}"."</p> }).collect_view()}
            <JobBar jobs/>
            <nav class="counts" aria-label="Jobs by status">{counts.into_iter().collect_view()}</nav>
        </header>
    }
}
