//! The views beside the graph of a run, each with its data.

use super::resources::Resources;
use crate::{
    error::AppError,
    live::Watch,
    parts::{
        code_view::Code,
        files_view::Files,
        history_view::History,
        info_view::Info,
        job_graph::{JobGraphView, LiveStates},
        job_table::{JobTable, LiveJobs},
        logs_view::Logs,
        matrix::{LiveMatrix, Matrix},
        refresh::Refresh,
        results_view::Results,
        timeline::Timeline,
    },
    paths::{self, RunPlace},
    ui::{Bone, Icon, If, rendered_once, submit_in_place},
};
use leptos::prelude::*;
use model::{
    JobStatus, RunId,
    live::LiveCursor,
    run::{JobCounts, NO_RULE, RuleRow},
    text,
};
use view::{jobs::JobList, tabs::View};

/// The parts of the page that follow the stream.
#[derive(Clone, Copy)]
pub struct Live {
    pub jobs: LiveJobs,
    pub cells: LiveMatrix,
    pub states: LiveStates,
    /// Incremented with every change of the run's jobs.
    pub changed: RwSignal<u32>,
    /// Whether the run is running.
    pub active: Signal<bool>,
    /// The file that is followed as well.
    pub watch: Watch,
    /// Where the stream began.
    pub cursor: LiveCursor,
}

/// The view beside the graph.
#[component]
pub fn RunView(id: RunId, place: Memo<RunPlace>, resources: Resources, live: Live) -> impl IntoView {
    // Reads again if the data is older than the stream's beginning, or if too much arrived in the meantime.
    let again_if = move |early: Option<LiveCursor>, incomplete: bool| {
        Effect::new(move |_| {
            let early = early.is_some_and(|read_at| read_at.epoch == live.cursor.epoch && read_at.seq < live.cursor.seq);
            if early || incomplete {
                resources.view.refetch();
            }
        });
    };
    let refresh = Refresh { changed: live.changed, active: live.active, watch: live.watch };
    let show = move |found: View| match found {
        View::Jobs(JobList { page, cursor }) => {
            let complete = live.jobs.show(page, &place.get_untracked());
            again_if(Some(cursor), !complete);
            view! { <JobTable live=live.jobs run=id place/> }.into_any()
        }
        View::Matrix(found) => {
            again_if(found.as_ref().map(|found| found.cursor), false);
            view! { <Matrix id found place live=live.cells/> }.into_any()
        }
        View::JobGraph(found) => view! { <JobGraphView id found place live=live.states/> }.into_any(),
        View::Timeline(found) => view! { <Timeline id found place changed=live.changed/> }.into_any(),
        View::Results(found) => view! { <Results id found place refresh/> }.into_any(),
        View::Logs(found) => view! { <Logs id found place watch=live.watch/> }.into_any(),
        View::Code(found) => view! { <Code id found place/> }.into_any(),
        View::Files(found) => view! { <Files id found place/> }.into_any(),
        View::History(found) => view! { <History id found place refresh/> }.into_any(),
        View::Info(found) => view! { <Info id found=*found place/> }.into_any(),
    };
    view! {
        <Transition fallback=Bone>
            {move || Suspend::new(async move {
                match resources.view.await {
                    Err(error) => view! { <Note error/> }.into_any(),
                    Ok(found) => rendered_once(move || show(found)),
                }
            })}
        </Transition>
    }
}

/// An error in place of one part; the other parts are unaffected.
#[component]
pub fn Note(error: AppError) -> impl IntoView {
    view! { <p class="graph-note" role="status">{error.to_string()}</p> }
}

/// Rules offered as filters beside the list; all of them are under Info.
const RULES: usize = 200;

/// The active filters, and the rules as filters for people who do not use the graph.
#[component]
pub fn Chosen(id: RunId, rules: RwSignal<Vec<RuleRow>>, place: Memo<RunPlace>) -> impl IntoView {
    let rule = Memo::new(move |_| place.with(|place| place.rule.clone()));
    // The number of jobs in all windows of the list, and the number including planned ones.
    let count = Memo::new(move |_| {
        let (one, words) = place.with(|place| (place.rule.clone(), place.status.clone().unwrap_or_default()));
        let statuses: Vec<JobStatus> = words.split(',').filter_map(|word| word.parse().ok()).collect();
        let chosen: Vec<RuleRow> =
            rules.with(|rules| rules.iter().filter(|rule| one.as_ref().is_none_or(|one| *one == rule.name)).cloned().collect());
        let reported: Vec<RuleRow> =
            chosen.iter().map(|rule| RuleRow { jobs: JobCounts { planned: None, ..rule.jobs }, ..rule.clone() }).collect();
        (i64::from(model::run::total(&reported, &statuses)), i64::from(model::run::total(&chosen, &statuses)))
    });
    let names = Memo::new(move |_| {
        rules.with(|rules| rules.iter().filter(|rule| rule.jobs.total() > 0).map(|rule| rule.name.clone()).take(RULES).collect::<Vec<_>>())
    });
    let others = Memo::new(move |_| rules.with(|rules| rules.iter().filter(|rule| rule.jobs.total() > 0).skip(RULES).count()));
    let rest = move || {
        let href = paths::run_at(id, &place.get().of_tab(Some("info")));
        let says = text::more(others.get() as u64, "rule");
        (others.get() > 0).then(|| view! { <a href=href>{says}</a> })
    };
    let links = move || {
        let links = names.get().into_iter().map(|name| {
            let href = {
                let name = name.clone();
                move || paths::run_at(id, &place.get().of_rule(Some(&name)))
            };
            let label = if name.is_empty() { NO_RULE.to_owned() } else { name.clone() };
            let total =
                Memo::new(move |_| rules.with(|rules| rules.iter().find(|rule| rule.name == name).map_or(0, |rule| rule.jobs.total())));
            view! { <a href=href>{label}<span class="num">{total}</span></a> }
        });
        links.collect_view()
    };
    let at = place.get_untracked();
    let kept = [
        ("rule", at.rule.clone()),
        ("status", at.status.clone()),
        ("sort", at.sort.clone()),
        ("as", at.form.clone()),
        ("by", at.by.clone()),
        ("dir", at.dir.clone()),
    ];
    let kept = kept.into_iter().filter_map(|(name, value)| Some(view! { <input type="hidden" name=name value=value?/> })).collect_view();
    let form = move |word: Option<&'static str>, icon: &'static str, label: &'static str| {
        let here = move || (place.with(|place| place.form.as_deref() == word)).then_some("true");
        let href = move || paths::run_at(id, &RunPlace { form: word.map(str::to_owned), sort: None, after: None, by: None, ..place.get() });
        view! { <a href=href aria-current=here><Icon name=icon small=true/>{label}</a> }
    };
    let found = Memo::new(move |_| place.with(|place| place.find.clone()));
    let says = move || match (found.get(), count.get()) {
        (Some(_), _) => String::new(),
        (None, (n, planned)) if planned > n => format!("{} of {} planned jobs", text::count(n), text::count(planned)),
        (None, (1, _)) => "1 job".to_owned(),
        (None, (n, _)) => format!("{} jobs", text::count(n)),
    };
    view! {
        <form class="tool" method="get" action=paths::run(id) role="search" on:submit=submit_in_place()>
            <If when=Signal::derive(move || rule.get().is_some())>
                <span class="chip">
                    <span><i>"rule:"</i>{move || rule.get()}</span>
                    <a href=move || paths::run_at(id, &place.get().of_rule(None)) aria-label=move || format!("Remove rule:{}", rule.get().unwrap_or_default())>
                        <Icon name="i-x" small=true/>
                    </a>
                </span>
            </If>
            <If when=Signal::derive(move || found.get().is_some())>
                <span class="chip">
                    <span><i>"find:"</i>{move || found.get()}</span>
                    <a href=move || paths::run_at(id, &RunPlace { find: None, after: None, ..place.get() }) aria-label="Remove the words">
                        <Icon name="i-x" small=true/>
                    </a>
                </span>
            </If>
            <span class="dim num">{says}</span>
            <span class="grow"></span>
            {kept}
            <div class="seg" role="group" aria-label="Jobs as">
                {form(None, "i-rows", "Table")}
                {form(Some("matrix"), "i-grid", "Matrix")}
                {form(Some("graph"), "i-graph", "Graph")}
            </div>
            <input class="field" type="search" name="find" value=at.find placeholder="Find a sample" aria-label="Find jobs by a wildcard" autocomplete="off"/>
        </form>
        <If when=Signal::derive(move || rule.get().is_none() && place.with(|place| place.form.is_none()))>
            <nav class="tabs" aria-label="Rules">{links}{rest}</nav>
        </If>
    }
}
