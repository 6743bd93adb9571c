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
    parts::job_table::LiveJobs,
    paths::RunPlace,
};
use chart::graph::Direction;
use leptos::prelude::*;
use model::{JobKey, RunId};
use serde::{Serialize, de::DeserializeOwned};
use view::{
    jobs::{FailuresView, OpenJob},
    rule_graph::{Graphed, RuleGraph},
    runs::RunView,
    tabs::{Ask, View},
};

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
                    let span = place.with_untracked(RunPlace::time_span);
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
