//! What a run's page reads, part by part.

use crate::{
    api::{
        code::read_code,
        files::read_files,
        graph::read_graph,
        history::read_history,
        info::read_info,
        job_graph::read_job_graph,
        jobs::{list_jobs, read_failures, read_job},
        logs::read_logs,
        matrix::read_matrix,
        results::read_results,
        runs::read_run,
        timeline::read_timeline,
    },
    codec::Json,
    error::AppError,
    parts::{
        job_table::LiveJobs,
        run_tabs::Tab,
        timeline::{arrangement, span_of},
    },
    paths::RunPlace,
};
use chart::graph::Direction;
use leptos::prelude::*;
use model::{AsOf, JobKey, RunId, run::RuleRow};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeSet;
use view::{
    code::CodeView,
    files::{FilesAsk, FilesView},
    history::HistoryView,
    info::InfoView,
    job_graph::JobGraph,
    jobs::{FailuresView, JobAsk, JobList, OpenJob},
    logs::{LogsAsk, LogsView},
    matrix::{MatrixAsk, MatrixView},
    results::{ResultsAsk, ResultsView},
    rule_graph::RuleGraph,
    runs::RunView,
    timeline::{Arrangement, TimelineView},
};

/// The view beside the graph, as the URL requests it.
#[derive(Clone, Debug, PartialEq)]
enum Ask {
    Jobs(JobAsk),
    Matrix(MatrixAsk),
    /// The rule, and the moment.
    JobGraph(Option<String>, Option<AsOf>),
    /// The second field requests the table instead of the canvas.
    Timeline(Arrangement, bool),
    Results(ResultsAsk),
    Logs(LogsAsk),
    Code(Option<String>),
    Files(FilesAsk),
    /// The kind of lines, and the line before which the page begins.
    History(Option<String>, Option<String>),
    Info(Option<String>),
}

impl Ask {
    fn of(place: &RunPlace) -> Self {
        match (Tab::of(place), place.form.as_deref()) {
            (Tab::Jobs, Some("matrix")) => Self::Matrix(place.matrix_ask()),
            (Tab::Jobs, Some("graph")) => Self::JobGraph(place.rule.clone(), place.moment()),
            (Tab::Jobs, _) => Self::Jobs(place.job_ask()),
            (Tab::Timeline, form) => Self::Timeline(arrangement(place), form == Some("table")),
            (Tab::Results, _) => {
                let RunPlace { rule, after, files_of, file, tree, encoding, .. } = place.clone();
                let encoding = encoding.and_then(|encoding| encoding.parse().ok());
                let job = files_of.and_then(|job| job.parse().ok());
                Self::Results(ResultsAsk { rule, job, after, file: file.and_then(|file| file.parse().ok()), tree, encoding })
            }
            (Tab::Logs, _) => {
                let number = |text: &Option<String>| text.as_ref().and_then(|text| text.parse().ok());
                let file = place.file.as_ref().and_then(|file| file.parse().ok());
                let encoding = place.encoding.as_ref().and_then(|encoding| encoding.parse().ok());
                Self::Logs(LogsAsk { rule: place.rule.clone(), after: place.after.clone(), file, at: number(&place.from), encoding })
            }
            (Tab::Code, _) => Self::Code(place.rule.clone()),
            (Tab::Files, _) => {
                let RunPlace { path, find, rule, files_of, form, after, .. } = place.clone();
                let job = files_of.and_then(|job| job.parse().ok());
                Self::Files(FilesAsk { path, find, rule, job, role: form, after })
            }
            (Tab::History, _) => Self::History(place.form.clone(), place.after.clone()),
            (Tab::Info, _) => Self::Info(place.after.clone()),
        }
    }
}

/// The view beside the graph. All views share one resource: a view stays untouched until the next one has arrived, and
/// is then replaced.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum View {
    Jobs(JobList),
    Matrix(Option<MatrixView>),
    JobGraph(JobGraph),
    Timeline(Option<TimelineView>),
    Results(ResultsView),
    Logs(LogsView),
    Code(CodeView),
    Files(FilesView),
    History(HistoryView),
    Info(Box<InfoView>),
}

async fn view(id: RunId, ask: Ask, span: Option<(i64, i64)>) -> Result<View, AppError> {
    Ok(match ask {
        Ask::Jobs(ask) => View::Jobs(list_jobs(id, ask).await?),
        Ask::Matrix(ask) => View::Matrix(read_matrix(id, ask).await?),
        Ask::JobGraph(rule, at) => View::JobGraph(read_job_graph(id, rule, at).await?),
        Ask::Timeline(arrangement, _) => {
            // For a page without script; once hydrated, the page requests a window that fits its size.
            let span = span.map(|(from, to)| (from.into(), to.into()));
            let ask = view::timeline::Ask { arrangement, span, pixels: 480, top: 0, bottom: 600, turned: Vec::new() };
            View::Timeline(read_timeline(id, ask).await?)
        }
        Ask::Results(ask) => View::Results(read_results(id, ask).await?),
        Ask::Logs(ask) => View::Logs(read_logs(id, ask).await?),
        Ask::Code(rule) => View::Code(read_code(id, rule).await?),
        Ask::Files(ask) => View::Files(read_files(id, ask).await?),
        Ask::History(of, before) => View::History(read_history(id, of, before).await?),
        Ask::Info(after) => View::Info(Box::new(read_info(id, after).await?)),
    })
}

/// What a rule graph may be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Graphed {
    /// Everything: no graph was reported.
    Absent,
    /// Nothing that reading again would add.
    Whole,
    /// Any rule that is not among these.
    Names(BTreeSet<String>),
}

impl Graphed {
    pub fn of(graph: &RuleGraph) -> Self {
        match graph {
            RuleGraph::Absent => Self::Absent,
            RuleGraph::Drawn { names, .. } => Self::Names(names.iter().cloned().collect()),
            RuleGraph::Unreadable | RuleGraph::TooLarge => Self::Whole,
        }
    }

    /// Whether reading again may add something, now that these rules have jobs. Returns `true` once per new rule.
    pub fn lacks(&mut self, rules: &[RuleRow]) -> bool {
        match self {
            Self::Absent => true,
            Self::Whole => false,
            Self::Names(names) => {
                let before = names.len();
                names.extend(rules.iter().filter(|rule| !rule.name.is_empty() && rule.jobs.total() > 0).map(|rule| rule.name.clone()));
                names.len() > before
            }
        }
    }
}

/// The resources of the page. Each is read again only when its inputs change.
#[derive(Clone, Copy)]
pub struct Resources {
    pub run: Resource<Result<RunView, AppError>, Json>,
    pub graph: Resource<Result<RuleGraph, AppError>, Json>,
    pub view: Resource<Result<View, AppError>, Json>,
    pub job: Resource<Result<Option<OpenJob>, AppError>, Json>,
    pub failures: Resource<Result<FailuresView, AppError>, Json>,
    /// What the graph shows.
    pub graphed: StoredValue<Graphed>,
}

impl Resources {
    pub fn new(id: Memo<Option<RunId>>, place: Memo<RunPlace>, live: LiveJobs) -> Self {
        let dir = Memo::new(move |_| Direction::of(place.with(|place| place.dir.clone()).as_deref()));
        let at = Memo::new(move |_| place.with(RunPlace::moment));
        let ask = Memo::new(move |_| place.with(Ask::of));
        let open = Memo::new(move |_| place.with(|place| place.job.as_ref().and_then(|job| job.parse::<JobKey>().ok())));
        Self {
            graphed: StoredValue::new(Graphed::Whole),
            failures: resource(move || (id.get(), at.get()), |(id, at)| async move { read_failures(known(id)?, at).await }),
            // A change of moment does not reload this resource; it updates the existing page (`pages/run/moment.rs`).
            run: resource(
                move || id.get(),
                move |id| {
                    let at = at.get_untracked();
                    async move { read_run(known(id)?, at).await }
                },
            ),
            graph: resource(move || (id.get(), dir.get()), |(id, dir)| async move { read_graph(known(id)?, dir).await }),
            view: resource(
                move || (id.get(), ask.get()),
                move |(id, ask)| {
                    live.awaited();
                    let span = place.with_untracked(|place| place.span.as_deref().and_then(span_of));
                    async move { view(known(id)?, ask, span).await }
                },
            ),
            job: resource(
                move || (id.get(), open.get(), at.get()),
                |(id, job, at)| async move {
                    match job {
                        Some(job) => read_job(known(id)?, job, at).await.map(Some),
                        None => Ok(None),
                    }
                },
            ),
        }
    }

    /// Reads everything again.
    pub fn again(self) {
        self.run.refetch();
        self.failures.refetch();
        self.graph.refetch();
        self.view.refetch();
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

fn not_found() -> AppError {
    #[cfg(feature = "ssr")]
    return AppError::NotFound.failed();
    #[cfg(not(feature = "ssr"))]
    AppError::NotFound
}
