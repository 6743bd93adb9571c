//! One run: its head, what went wrong, and its jobs as they come and go.

use crate::{
    api::runs::{RunView, read_run},
    codec::Json,
    error::AppError,
    live::{Wanted, follow},
    parts::{
        confirm::{ConfirmDelete, Doomed},
        error::ErrorPage,
        frame::query_signal,
        job_table::{JobTable, LiveJobs},
        run_head::{FailureCard, RunHead},
    },
    paths,
    ui::{If, once},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_params_map},
};
use model::{
    RunId, RunStatus,
    live::{RunChange, replaces},
};

/// `/runs/{id}`
#[component]
pub fn RunPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id")).and_then(|id| id.parse::<RunId>().ok()));
    let (rule, status, after) = (query_signal("rule"), query_signal("status"), query_signal("after"));
    let run = Resource::<_, Json>::new_with_options(
        move || (id.get(), rule.get(), status.get(), after.get()),
        |(id, rule, status, after)| async move {
            match id {
                Some(id) => read_run(id, rule, status, after).await,
                None => Err(not_found()),
            }
        },
        true,
    );
    view! {
        <Transition fallback=|| view! { <div class="bone" style="block-size:20px;margin:16px 24px" aria-busy="true"></div> }>
            {move || Suspend::new(async move {
                match run.await {
                    Err(error) => view! { <ErrorPage error/> }.into_any(),
                    Ok(found) => {
                        let again = Callback::new(move |()| run.refetch());
                        once(move || view! { <Loaded found rule status after again/> }.into_any())
                    }
                }
            })}
        </Transition>
    }
}

fn not_found() -> AppError {
    #[cfg(feature = "ssr")]
    return AppError::NotFound.told();
    #[cfg(not(feature = "ssr"))]
    AppError::NotFound
}

/// The page with its data.
#[component]
fn Loaded(
    found: RunView,
    rule: Memo<Option<String>>,
    status: Memo<Option<String>>,
    after: Memo<Option<String>>,
    again: Callback<()>,
) -> impl IntoView {
    let RunView { detail, jobs, cursor } = found;
    let id = detail.run.id;
    let name = detail.run.title().to_owned();
    let run = RwSignal::new(detail.run);
    let (rule, word) = (rule.get_untracked(), status.get_untracked());
    let live = LiveJobs::new(jobs.items, rule.clone(), word.as_deref(), after.get_untracked().is_none());
    let gone = RwSignal::new(false);
    let rules = RwSignal::new(detail.rules.clone());

    follow(
        Wanted { scope: format!("run:{id}"), after: cursor },
        move |frame| {
            for change in &frame.runs {
                match change {
                    RunChange::Now(now) => {
                        let held = run.with_untracked(|run| (run.revision, run.status));
                        if replaces(Some(held.0), now.revision) {
                            let failed_now = now.status == RunStatus::Failed && held.1 != RunStatus::Failed;
                            run.set((**now).clone());
                            gone.set(false);
                            if failed_now {
                                again.run(()); // What went wrong is not in the frames.
                                return;
                            }
                        } else if gone.get_untracked() {
                            gone.set(false);
                        }
                    }
                    RunChange::Gone(_) => gone.set(true),
                }
            }
            if !frame.rules.is_empty() {
                rules.set(frame.rules.clone());
            }
            if frame.jobs_stale {
                again.run(());
            } else {
                live.apply(&frame);
            }
        },
        move || again.run(()),
    );

    let failed = Memo::new(move |_| run.with(|run| run.status == RunStatus::Failed || run.jobs.failed > 0));
    let doomed = RwSignal::new(Doomed::new());
    let navigate = use_navigate();
    let delete = Callback::new(move |()| doomed.set(vec![(id, run.with_untracked(|run| run.title().to_owned()))]));
    let left = Callback::new(move |_| navigate(paths::RUNS, NavigateOptions::default()));
    let title = format!("{name} · Flowo");
    view! {
        <Title text=title/>
        <div class="run">
            <If when=Signal::derive(move || gone.get())>
                <div class="stale" role="status">"This run was deleted. What you see is the last that was known of it."</div>
            </If>
            <RunHead run attempts=detail.attempts client=detail.client_version status delete/>
            <FailureCard id errors=detail.errors rules failed/>
            <section class="run-jobs" aria-label="Jobs">
                <Rules id rules=detail.rules chosen=rule.clone()/>
                <JobTable live run=id rule status=word next=jobs.next/>
            </section>
        </div>
        <ConfirmDelete doomed gone=left back=Callback::new(|()| ())/>
    }
}

/// The rules as filters of the job table.
#[component]
fn Rules(id: RunId, rules: Vec<model::run::RuleRow>, chosen: Option<String>) -> impl IntoView {
    let links = rules
        .into_iter()
        .filter(|rule| rule.jobs.total() > 0)
        .take(200)
        .map(|rule| {
            let here = chosen.as_deref() == Some(rule.name.as_str());
            let href = paths::run_jobs(id, (!here).then_some(rule.name.as_str()), None, None);
            let label = if rule.name.is_empty() { "not told yet".to_owned() } else { rule.name.clone() };
            view! {
                <a href=href aria-current=here.then_some("true")>
                    {label}
                    <span class="num">{rule.jobs.total()}</span>
                </a>
            }
        })
        .collect_view();
    view! { <nav class="tabs" aria-label="Rules">{links}</nav> }
}
