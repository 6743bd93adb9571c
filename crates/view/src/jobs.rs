//! Jobs of a run: a window of the list, one with all its details, and what failed.

use crate::logs::LogTail;
use model::{
    AsOf,
    job::{Failures, JobDetail, JobRow},
    live::LiveCursor,
    page::Page,
    preview::Benchmark,
};
use serde::{Deserialize, Serialize};

/// A window of a run's jobs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobList {
    pub page: Page<JobRow>,
    /// The point at which it was read.
    pub cursor: LiveCursor,
}

/// Which jobs of a run, as the address says it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobAsk {
    pub rule: Option<String>,
    /// Words joined by commas.
    pub status: Option<String>,
    /// Words in a wildcard's value.
    pub find: Option<String>,
    pub sort: Option<String>,
    /// The place after which the list goes on.
    pub after: Option<String>,
    /// As they were at a moment of the past.
    pub at: Option<AsOf>,
}

/// A job with its command as HTML with classes, where it has one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenJob {
    pub detail: JobDetail,
    pub command: Option<String>,
    /// The ends of its first logs, at most 4.
    pub logs: Vec<LogTail>,
    /// What it took, by its benchmark file.
    pub benchmark: Option<Benchmark>,
}

/// What failed, with the end of the log of the job that stands for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailuresView {
    pub failures: Failures,
    /// The ends of its first logs, at most 4.
    pub logs: Vec<LogTail>,
}
