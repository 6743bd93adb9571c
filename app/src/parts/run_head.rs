//! The head of a run's page: what it is and how it stands.

use crate::{
    paths::{self, RunPlace},
    session::session,
    ui::{Ago, Icon, If, JobBar, StatusMark, Took},
};
use leptos::prelude::*;
use model::{
    JobStatus,
    run::{Attempt, RunSummary},
    text,
};

/// States of jobs in the order of their counts.
const COUNTS: [JobStatus; 6] =
    [JobStatus::Failed, JobStatus::Lost, JobStatus::Running, JobStatus::Success, JobStatus::Skipped, JobStatus::Waiting];

/// Name, state, facts, progress and counts. Counts are filters of the job table.
#[component]
pub fn RunHead(
    run: RwSignal<RunSummary>,
    attempts: Vec<Attempt>,
    client: Option<String>,
    place: Memo<RunPlace>,
    delete: Callback<()>,
) -> impl IntoView {
    let id = run.with_untracked(|run| run.id);
    let now = session().now;
    let may_write = session().may_write;
    let state = Memo::new(move |_| run.with(|run| run.status));
    let jobs = Memo::new(move |_| run.with(|run| run.jobs));
    let title = Memo::new(move |_| run.with(|run| run.title().to_owned()));
    let tags = Memo::new(move |_| run.with(|run| run.tags.clone()));
    let started = Memo::new(move |_| run.with(|run| run.started_at));
    let ended = Memo::new(move |_| run.with(|run| run.ended_at));
    let left = Memo::new(move |_| run.with(|run| run.remaining(now.get())).map(text::remaining));
    let dry = run.with_untracked(|run| run.dry_run);
    let user = run.with_untracked(|run| run.user.clone());
    let source = run.with_untracked(|run| run.source.clone());
    let directory = run.with_untracked(|run| run.directory.clone());
    let quarantined = Memo::new(move |_| run.with(|run| run.quarantined));
    let several = attempts.len() > 1;
    let tries = attempts
        .into_iter()
        .map(|attempt| {
            let here = (attempt.id == id).then_some("page");
            view! {
                <a href=paths::run(attempt.id) aria-current=here>
                    <span class="st" data-status=attempt.status.as_str()>
                        <StatusMark word=attempt.status.as_str()/>
                        <span class="sr">{attempt.status.label()}</span>
                    </span>
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
                {dry.then(|| view! { <span class="tag">"dry run"</span> })}
                {several.then(|| view! { <nav class="tries" aria-label="Attempts">{tries}</nav> })}
                {move || tags.get().into_iter().map(|tag| view! { <a class="tag" href=paths::runs_with("tag", &tag)>{tag.clone()}</a> }).collect_view()}
                <div class="acts">
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
            <dl class="facts">
                <div><dt>"Started"</dt><dd><Ago at=started/></dd></div>
                <div><dt>"Duration"</dt><dd><Took started ended/></dd></div>
                <If when=Signal::derive(move || left.get().is_some())>
                    <div><dt>"ETA"</dt><dd class="num">{move || left.get()}</dd></div>
                </If>
                <div><dt>"User"</dt><dd><a href=paths::runs_with("user", &user)>{user.clone()}</a></dd></div>
                <div><dt>"Source"</dt><dd>{source} {client.map(|client| format!(" · {client}"))}</dd></div>
                {directory.map(|directory| view! { <div><dt>"Directory"</dt><dd><code>{directory}</code></dd></div> })}
                <If when=Signal::derive(move || { quarantined.get() > 0 })>
                    <div>
                        <dt>"Not understood"</dt>
                        <dd title="Kept as they came, with the reason">{move || format!("{} reports", quarantined.get())}</dd>
                    </div>
                </If>
            </dl>
            <JobBar jobs/>
            <nav class="counts" aria-label="Jobs by status">{counts.into_iter().collect_view()}</nav>
        </header>
    }
}
