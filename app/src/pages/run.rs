//! One run: its head, what went wrong, and its jobs, live.

mod moment;
mod resources;
mod views;

use crate::{
    live::{Wanted, Watch, follow},
    parts::{
        confirm::{ConfirmDelete, Doomed},
        error::ErrorPage,
        failure_card::FailureCard,
        job_drawer::JobDrawer,
        job_graph::LiveStates,
        job_table::LiveJobs,
        matrix::LiveMatrix,
        rule_graph::RuleGraphView,
        run_head::RunHead,
        run_tabs::RunTabs,
        scrubber::Scrubber,
    },
    paths::{self, RunPlace},
    ui::{Bone, Icon, If, rendered_once},
};
use leptos::{prelude::*, text_prop::TextProp};
use leptos_meta::Title;
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate, use_params_map},
};
use model::{
    JobStatus, RunId, RunStatus,
    live::{RunChange, replaces},
    text,
};
use moment::Head;
use resources::Resources;
use view::{rule_graph::Graphed, tabs::Tab};
use views::{Chosen, Live, Note, RunView};

lazy_page! {
    /// `/runs/{id}`
    RunRoute => RunPage
}

#[component]
fn RunPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id")).and_then(|id| id.parse::<RunId>().ok()));
    let search = use_location().search;
    let place = Memo::new(move |_| search.with(|search| RunPlace::of(search)));
    let jobs = LiveJobs::new();
    let resources = Resources::new(id, place, jobs);
    view! {
        <Transition fallback=Bone>
            {move || Suspend::new(async move {
                match resources.run.await {
                    Err(error) => view! { <ErrorPage error/> }.into_any(),
                    Ok(found) => view! { <Loaded found resources place jobs/> }.into_any(),
                }
            })}
        </Transition>
    }
}

/// The page with its data.
#[component]
fn Loaded(found: view::runs::RunView, resources: Resources, place: Memo<RunPlace>, jobs: LiveJobs) -> impl IntoView {
    let view::runs::RunView { detail, cursor, then } = found;
    let id = detail.run.id;
    let notes = detail.notes();
    let run = RwSignal::new(detail.run);
    let gone = RwSignal::new(false);
    let rules = RwSignal::new(detail.rules);
    let then = RwSignal::new(then);
    Head { run, rules, then }.follow(id, place, resources);
    let changed = RwSignal::new(0_u32);
    let watch = Watch::of_nothing();
    let active = Signal::derive(move || run.with(|run| run.status == RunStatus::Running));
    let live = Live { jobs, cells: LiveMatrix::new(), states: LiveStates::new(), changed, active, watch, cursor };
    let again = move || resources.again();

    follow(
        Wanted { scope: format!("run:{id}"), after: cursor, watch: Some(watch) },
        move |frame| {
            let past = place.with_untracked(|place| place.moment().is_some());
            let mut failures_changed = frame.jobs.iter().any(|job| job.status == JobStatus::Failed);
            for change in &frame.runs {
                match change {
                    RunChange::Now(_) if past => {}
                    RunChange::Now(now) => {
                        let held = run.with_untracked(|run| (run.revision, run.status, run.jobs.failed));
                        if replaces(Some(held.0), now.revision) {
                            let fails = |status, failed| (status == RunStatus::Failed, failed);
                            // Frames do not carry errors. After a run has failed, its log may add to them.
                            failures_changed |=
                                now.status == RunStatus::Failed || fails(now.status, now.jobs.failed) != fails(held.1, held.2);
                            run.set((**now).clone());
                            gone.set(false);
                        } else if gone.get_untracked() {
                            gone.set(false);
                        }
                    }
                    RunChange::Gone(_) => gone.set(true),
                }
            }
            if past {
                return; // Current changes do not affect the past.
            }
            if failures_changed {
                resources.failures.refetch();
            }
            if !frame.rules.is_empty() {
                rules.set(frame.rules.clone());
                if resources.graphed.try_update_value(|graphed| graphed.lacks(&frame.rules)).unwrap_or(false) {
                    resources.graph.refetch(); // The graph arrives right after the start, and checkpoints add to it.
                }
            }
            let open = place.with_untracked(|place| place.job.clone());
            if open.is_some_and(|open| frame.jobs.iter().any(|job| job.id.to_string() == open)) {
                resources.job.refetch();
            }
            if frame.jobs_stale || !frame.jobs.is_empty() || !frame.gone_jobs.is_empty() {
                changed.update(|changed| *changed = changed.wrapping_add(1));
            }
            let (tab, form) = place.with_untracked(|place| (Tab::of(place), place.form.clone()));
            let (tab, form) = (tab == Tab::Jobs, form.as_deref());
            live.states.apply(&frame, tab && form == Some("graph"));
            if frame.jobs_stale {
                live.jobs.lost_track();
            } else {
                live.jobs.apply(&frame);
            }
            if tab && form == Some("matrix") {
                live.cells.apply(&frame);
            }
        },
        again,
    );

    let folded = Memo::new(move |_| place.with(|place| place.graph.as_deref() == Some("closed")));
    let unfold = move || paths::run_at(id, &RunPlace { graph: None, ..place.get() });
    let tab = Memo::new(move |_| place.with(Tab::of));
    let total = Signal::derive(move || run.with(|run| text::count(i64::from(run.jobs.seen()))));
    let failed = Memo::new(move |_| run.with(|run| run.status == RunStatus::Failed || run.jobs.failed > 0));
    let failed_first = failed.get_untracked();
    let doomed = RwSignal::new(Doomed::new());
    let navigate = use_navigate();
    let delete = Callback::new(move |()| doomed.set(vec![(id, run.with_untracked(|run| run.title().to_owned()))]));
    let left = Callback::new(move |_| navigate(paths::RUNS, NavigateOptions::default()));
    // The title is rendered outside of this request's owner, where a signal could belong to another request.
    let titled = move || run.try_with(|run| format!("{} · Flowo", run.title())).unwrap_or_default();
    let title = if cfg!(feature = "ssr") { TextProp::from(untrack(titled)) } else { TextProp::from(titled) };
    view! {
        <Title text=title/>
        <div class="run">
            <If when=Signal::derive(move || gone.get())>
                <div class="stale" role="status">"This run was deleted. This page shows its last known state."</div>
            </If>
            <If when=Signal::derive(move || then.with(Option::is_some))><Scrubber id shown=then place/></If>
            <RunHead run attempts=detail.attempts client=detail.client_version notes place delete/>
            <Transition>
                {move || Suspend::new(async move {
                    match resources.failures.await {
                        // The component that awaited this may be gone by now, and its signals with it.
                        Ok(found) if failed.try_get().unwrap_or(failed_first) => rendered_once(move || view! { <FailureCard id found place/> }.into_any()),
                        _ => ().into_any(),
                    }
                })}
            </Transition>
            <div class="split" data-graph=move || folded.get().then_some("closed")>
                <If when=Signal::derive(move || folded.get())>
                    <section class="graph-fold" aria-label="Rule graph">
                        <a class="btn ghost small icon" href=unfold aria-label="Open the rule graph" title="Open the rule graph"><Icon name="i-panel" small=true/></a>
                        <span>{move || format!("Rules · {}", rules.with(Vec::len))}</span>
                    </section>
                </If>
                <section class="graph" aria-label="Rule graph" hidden=folded>
                    <Transition fallback=Bone>
                        {move || Suspend::new(async move {
                            match resources.graph.await {
                                Err(error) => view! { <Note error/> }.into_any(),
                                Ok(graph) => {
                                    resources.graphed.try_set_value(Graphed::of(&graph));
                                    rendered_once(move || view! { <RuleGraphView id graph rules place/> }.into_any())
                                }
                            }
                        })}
                    </Transition>
                </section>
                <section class="jobs" aria-label="Views">
                    <RunTabs id place tab jobs=total/>
                    <If when=Signal::derive(move || tab.get() == Tab::Jobs)><Chosen id rules place/></If>
                    <RunView id place resources live/>
                </section>
            </div>
        </div>
        <Transition>
            {move || Suspend::new(async move {
                match resources.job.await {
                    Ok(Some(job)) => rendered_once(move || view! { <JobDrawer run=id job place/> }.into_any()),
                    Ok(None) => ().into_any(),
                    Err(error) => view! { <aside class="drawer" aria-label="Job"><Note error/></aside> }.into_any(),
                }
            })}
        </Transition>
        <ConfirmDelete doomed gone=left back=Callback::new(|()| ())/>
    }
}
