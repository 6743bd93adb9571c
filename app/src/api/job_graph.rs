//! The jobs of a run, or of one rule, as a graph of what waits for what.

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::state::{state, viewer};
use leptos::prelude::*;
use model::{JobKey, JobStatus, Millis, RunId};
use serde::{Deserialize, Serialize};
use server_fn::codec::Json;

/// A job, or several of one rule drawn as one. A tuple on the wire: there are many.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Wire", into = "Wire")]
pub struct JobNode {
    /// The job, or the one of several that needs attention most.
    pub job: JobKey,
    pub jobs: u32,
    /// A place in the graph's rules.
    pub rule: u32,
    pub status: JobStatus,
    /// Its wildcards' values.
    pub label: String,
    /// The upper left corner of its box.
    pub x: i32,
    pub y: i32,
}

type Wire = (JobKey, u32, u32, JobStatus, String, i32, i32);

impl From<Wire> for JobNode {
    fn from((job, jobs, rule, status, label, x, y): Wire) -> Self {
        Self { job, jobs, rule, status, label, x, y }
    }
}

impl From<JobNode> for Wire {
    fn from(JobNode { job, jobs, rule, status, label, x, y }: JobNode) -> Self {
        (job, jobs, rule, status, label, x, y)
    }
}

/// A graph of jobs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum JobGraph {
    /// More jobs than one picture can show.
    TooLarge,
    /// No job is known, or none names files by which one could tell.
    Unlinked,
    Drawn {
        rules: Vec<String>,
        nodes: Vec<JobNode>,
        /// From and to, by place in `nodes`.
        edges: Vec<(u32, u32)>,
        width: i32,
        height: i32,
    },
}

/// The graph of a run's jobs, or of those of one rule and around them; with the states they had at a moment of the past.
#[server(prefix = "/_fn", endpoint = "jobs/graph", input = Json)]
pub async fn read_job_graph(id: RunId, rule: Option<String>, at: Option<Millis>) -> Result<JobGraph, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(AppError::told)?);
    let mut conn = state.store.conn().await?;
    viewer.sees(&mut conn, id).await.map_err(AppError::told)?;
    let found = store::jobs::edges::graph(&mut conn, id, rule.as_deref(), crate::job_graphs::MOST).await?;
    drop(conn); // The layout takes its time.
    let Some(mut found) = found else { return Ok(JobGraph::TooLarge) };
    if let Some(at) = at {
        let then = state.marks.then(id, at).await.map_err(AppError::told)?;
        for node in &mut found.nodes {
            node.status = store::past::find(&then.snapshot.marks, node.job).map_or(JobStatus::Waiting, |mark| mark.status);
        }
    }
    state.job_graphs.lay_out(found, rule.as_deref()).await.map_err(AppError::told)
}
