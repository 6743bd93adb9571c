//! The jobs of a run, or of one rule, as a dependency graph.

use model::{JobKey, JobStatus};
use serde::{Deserialize, Serialize};

/// A job, or several jobs of one rule drawn as one. A tuple on the wire, because there are many.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Wire", into = "Wire")]
pub struct JobNode {
    /// The job, or the most urgent of several.
    pub job: JobKey,
    pub jobs: u32,
    /// An index into the graph's rules.
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
    /// More jobs, including those that connect them, than one picture can show.
    TooLarge { jobs: u64 },
    /// No job is known, or no job names files from which dependencies could be derived.
    Unlinked,
    Drawn {
        rules: Vec<String>,
        nodes: Vec<JobNode>,
        /// From and to, as indexes into `nodes`.
        edges: Vec<(u32, u32)>,
        width: i32,
        height: i32,
    },
}
