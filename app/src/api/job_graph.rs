//! The jobs of a run, or of one rule, as a dependency graph.

use super::prelude::*;
#[cfg(feature = "ssr")]
use model::JobStatus;
use model::{AsOf, RunId};
use view::job_graph::JobGraph;

/// The graph of a run's jobs, or of one rule's jobs and their neighbours; with the states of a past moment if `at` is given.
#[server(prefix = "/_fn", endpoint = "jobs/graph", input = Json)]
pub async fn read_job_graph(id: RunId, rule: Option<String>, at: Option<AsOf>) -> Result<JobGraph, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(fail)?);
    let mut conn = state.reader.store.conn().await?;
    read::check(&mut conn, &viewer, id).await.map_err(fail)?;
    let found = store::jobs::edges::graph(&mut conn, id, rule.as_deref(), read::job_graphs::MOST).await?;
    let Some(mut found) = found else {
        return Ok(JobGraph::TooLarge { jobs: store::jobs::count(&mut conn, id, rule.as_deref()).await? });
    };
    drop(conn); // Released here, because the layout takes its time.
    if let Some(at) = at {
        let then = state.reader.jobs.then(id, at).await.map_err(fail)?;
        for node in &mut found.nodes {
            node.status = store::past::find(&then.snapshot.marks, node.job).map_or(JobStatus::Waiting, |mark| mark.status);
        }
    }
    state.reader.job_graphs.lay_out(found, rule.as_deref()).await.map_err(fail)
}
