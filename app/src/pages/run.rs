//! One run: its head, what went wrong, and its jobs as they come and go.

use crate::{
    api::{
        graph::{RuleGraph, read_graph},
        jobs::{JobList, list_jobs, read_failures, read_job},
        runs::{RunView, read_run},
    },
    codec::Json,
    error::AppError,
    live::{Wanted, follow},
    parts::{
        confirm::{ConfirmDelete, Doomed},
        error::ErrorPage,
        failure_card::FailureCard,
        frame::query_signal,
        job_drawer::JobDrawer,
        job_table::{JobTable, LiveJobs},
        rule_graph::RuleGraphView,
        run_head::RunHead,
    },
    paths::{self, RunPlace},
    ui::{Icon, If, once},
};
use chart::graph::Direction;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{
    LazyRoute, NavigateOptions,
    hooks::{use_navigate, use_params_map},
};
use model::{
    JobKey, JobStatus, RunId, RunStatus,
    job::{Failures, JobDetail},
    live::{RunChange, replaces},
    run::{JobCounts, RuleRow},
    text,
};
use serde::{Serialize, de::DeserializeOwned};

/// `/runs/{id}`. Its code is loaded when it is first opened, where the WASM is split.
#[derive(Clone, Copy, Debug)]
pub struct RunRoute;

#[cfg(any(feature = "ssr", feature = "split"))]
#[leptos_router::lazy_route]
impl LazyRoute for RunRoute {
    fn data() -> Self {
        Self
    }

    fn view(this: Self) -> AnyView {
        let _ = this;
        view! { <RunPage/> }.into_any()
    }
}

#[cfg(not(any(feature = "ssr", feature = "split")))]
impl LazyRoute for RunRoute {
    fn data() -> Self {
        Self
    }

    async fn view(_: Self) -> AnyView {
        view! { <RunPage/> }.into_any()
    }
}

/// What the page reads. Each part is read again only when what it depends on changes.
#[derive(Clone, Copy)]
struct Sources {
    run: Resource<Result<RunView, AppError>, Json>,
    graph: Resource<Result<RuleGraph, AppError>, Json>,
    jobs: Resource<Result<JobList, AppError>, Json>,
    job: Resource<Result<Option<JobDetail>, AppError>, Json>,
    failures: Resource<Result<Failures, AppError>, Json>,
    /// No graph was reported yet.
    graphless: StoredValue<bool>,
}

impl Sources {
    fn new(id: Memo<Option<RunId>>, place: Memo<RunPlace>, live: LiveJobs) -> Self {
        let dir = Memo::new(move |_| Direction::of(place.with(|place| place.dir.clone()).as_deref()));
        let listed = Memo::new(move |_| place.with(|place| (place.rule.clone(), place.status.clone(), place.after.clone())));
        let open = Memo::new(move |_| place.with(|place| place.job.as_ref().and_then(|job| job.parse::<JobKey>().ok())));
        Self {
            graphless: StoredValue::new(false),
            failures: resource(move || id.get(), |id| async move { read_failures(known(id)?).await }),
            run: resource(move || id.get(), |id| async move { read_run(known(id)?).await }),
            graph: resource(move || (id.get(), dir.get()), |(id, dir)| async move { read_graph(known(id)?, dir).await }),
            jobs: resource(
                move || (id.get(), listed.get()),
                move |(id, (rule, status, after))| {
                    live.awaited();
                    async move { list_jobs(known(id)?, rule, status, after).await }
                },
            ),
            job: resource(
                move || (id.get(), open.get()),
                |(id, job)| async move {
                    match job {
                        Some(job) => read_job(known(id)?, job).await.map(Some),
                        None => Ok(None),
                    }
                },
            ),
        }
    }

    /// Reads everything again.
    fn again(self) {
        self.run.refetch();
        self.failures.refetch();
        self.graph.refetch();
        self.jobs.refetch();
        self.job.refetch();
    }
}

fn resource<K, T, F>(
    key: impl Fn() -> K + Send + Sync + 'static,
    read: impl Fn(K) -> F + Send + Sync + 'static,
) -> Resource<Result<T, AppError>, Json>
where
    K: PartialEq + Clone + Send + Sync + 'static,
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
    F: Future<Output = Result<T, AppError>> + Send + 'static,
{
    Resource::new_with_options(key, read, true)
}

fn known(id: Option<RunId>) -> Result<RunId, AppError> {
    id.ok_or_else(not_found)
}

#[component]
fn RunPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id")).and_then(|id| id.parse::<RunId>().ok()));
    let (rule, status, after) = (query_signal("rule"), query_signal("status"), query_signal("after"));
    let (job, dir) = (query_signal("job"), query_signal("dir"));
    let place = Memo::new(move |_| RunPlace { rule: rule.get(), status: status.get(), after: after.get(), job: job.get(), dir: dir.get() });
    let live = LiveJobs::new();
    let sources = Sources::new(id, place, live);
    view! {
        <Transition fallback=Bone>
            {move || Suspend::new(async move {
                match sources.run.await {
                    Err(error) => view! { <ErrorPage error/> }.into_any(),
                    Ok(found) => view! { <Loaded found sources place live/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Bone() -> impl IntoView {
    view! { <div class="bone" style="block-size:20px;margin:16px 24px" aria-busy="true"></div> }
}

fn not_found() -> AppError {
    #[cfg(feature = "ssr")]
    return AppError::NotFound.told();
    #[cfg(not(feature = "ssr"))]
    AppError::NotFound
}

/// The page with its data.
#[component]
fn Loaded(found: RunView, sources: Sources, place: Memo<RunPlace>, live: LiveJobs) -> impl IntoView {
    let RunView { detail, cursor } = found;
    let id = detail.run.id;
    let name = detail.run.title().to_owned();
    let run = RwSignal::new(detail.run);
    let gone = RwSignal::new(false);
    let rules = RwSignal::new(detail.rules);
    let again = move || sources.again();

    follow(
        Wanted { scope: format!("run:{id}"), after: cursor },
        move |frame| {
            for change in &frame.runs {
                match change {
                    RunChange::Now(now) => {
                        let held = run.with_untracked(|run| (run.revision, run.status, run.jobs.failed));
                        if replaces(Some(held.0), now.revision) {
                            let fails = |status, failed| (status == RunStatus::Failed, failed);
                            if fails(now.status, now.jobs.failed) != fails(held.1, held.2) {
                                sources.failures.refetch(); // What went wrong is not in the frames.
                            }
                            run.set((**now).clone());
                            gone.set(false);
                        } else if gone.get_untracked() {
                            gone.set(false);
                        }
                    }
                    RunChange::Gone(_) => gone.set(true),
                }
            }
            if !frame.rules.is_empty() {
                rules.set(frame.rules.clone());
                if sources.graphless.get_value() {
                    sources.graph.refetch(); // It comes right after the start.
                }
            }
            let open = place.with_untracked(|place| place.job.clone());
            if open.is_some_and(|open| frame.jobs.iter().any(|job| job.id.to_string() == open)) {
                sources.job.refetch();
            }
            if frame.jobs_stale {
                sources.jobs.refetch();
            } else {
                live.apply(&frame);
            }
        },
        again,
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
            <RunHead run attempts=detail.attempts client=detail.client_version place delete/>
            <Transition>
                {move || Suspend::new(async move {
                    match sources.failures.await {
                        Ok(found) if failed.get() => once(move || view! { <FailureCard id found place/> }.into_any()),
                        _ => ().into_any(),
                    }
                })}
            </Transition>
            <div class="split">
                <section class="graph" aria-label="Rule graph">
                    <Transition fallback=Bone>
                        {move || Suspend::new(async move {
                            match sources.graph.await {
                                Err(error) => view! { <Note error/> }.into_any(),
                                Ok(graph) => {
                                    sources.graphless.set_value(graph == RuleGraph::Absent);
                                    once(move || view! { <RuleGraphView id graph rules place/> }.into_any())
                                }
                            }
                        })}
                    </Transition>
                </section>
                <section class="jobs" aria-label="Jobs">
                    <Chosen id rules place/>
                    <Transition fallback=Bone>
                        {move || Suspend::new(async move {
                            match sources.jobs.await {
                                Err(error) => view! { <Note error/> }.into_any(),
                                Ok(JobList { page, cursor: read_at }) => {
                                    let shown = place.get_untracked();
                                    once(move || {
                                        let complete = live.show(page.items, &shown);
                                        // Read before the stream began, or overtaken by too much.
                                        Effect::new(move |_| {
                                            let early = read_at.epoch == cursor.epoch && read_at.seq < cursor.seq;
                                            if early || !complete {
                                                sources.jobs.refetch();
                                            }
                                        });
                                        view! { <JobTable live run=id place next=page.next/> }.into_any()
                                    })
                                }
                            }
                        })}
                    </Transition>
                </section>
            </div>
        </div>
        <Transition>
            {move || Suspend::new(async move {
                match sources.job.await {
                    Ok(Some(job)) => once(move || view! { <JobDrawer run=id job place/> }.into_any()),
                    Ok(None) => ().into_any(),
                    Err(error) => view! { <aside class="drawer" aria-label="Job"><Note error/></aside> }.into_any(),
                }
            })}
        </Transition>
        <ConfirmDelete doomed gone=left back=Callback::new(|()| ())/>
    }
}

/// A part that could not be read; the others stand.
#[component]
fn Note(error: AppError) -> impl IntoView {
    view! { <p class="graph-note" role="status">{error.to_string()}</p> }
}

/// What the list is narrowed to, and the rules as filters for those who do not use the graph.
#[component]
fn Chosen(id: RunId, rules: RwSignal<Vec<RuleRow>>, place: Memo<RunPlace>) -> impl IntoView {
    let rule = Memo::new(move |_| place.with(|place| place.rule.clone()));
    // As many as the list has in all its windows.
    let count = Memo::new(move |_| {
        let (one, words) = place.with(|place| (place.rule.clone(), place.status.clone().unwrap_or_default()));
        let statuses: Vec<JobStatus> = words.split(',').filter_map(|word| word.parse().ok()).collect();
        let of = |jobs: &JobCounts| if statuses.is_empty() { jobs.total() } else { statuses.iter().map(|status| jobs.of(*status)).sum() };
        rules.with(|rules| {
            rules.iter().filter(|rule| one.as_ref().is_none_or(|one| *one == rule.name)).map(|rule| i64::from(of(&rule.jobs))).sum::<i64>()
        })
    });
    let names = Memo::new(move |_| {
        rules.with(|rules| rules.iter().filter(|rule| rule.jobs.total() > 0).map(|rule| rule.name.clone()).take(200).collect::<Vec<_>>())
    });
    let links = move || {
        let links = names.get().into_iter().map(|name| {
            let href = {
                let name = name.clone();
                move || paths::run_at(id, &place.get().of_rule(Some(&name)))
            };
            let label = if name.is_empty() { "not told yet".to_owned() } else { name.clone() };
            let total =
                Memo::new(move |_| rules.with(|rules| rules.iter().find(|rule| rule.name == name).map_or(0, |rule| rule.jobs.total())));
            view! { <a href=href>{label}<span class="num">{total}</span></a> }
        });
        links.collect_view()
    };
    view! {
        <div class="tool">
            <If when=Signal::derive(move || rule.get().is_some())>
                <span class="chip">
                    <span><i>"rule:"</i>{move || rule.get()}</span>
                    <a href=move || paths::run_at(id, &place.get().of_rule(None)) aria-label=move || format!("Remove rule:{}", rule.get().unwrap_or_default())>
                        <Icon name="i-x" small=true/>
                    </a>
                </span>
            </If>
            <span class="dim num">{move || { let n = count.get(); format!("{} {}", text::count(n), if n == 1 { "job" } else { "jobs" }) }}</span>
        </div>
        <If when=Signal::derive(move || rule.get().is_none())>
            <nav class="tabs" aria-label="Rules">{links}</nav>
        </If>
    }
}
