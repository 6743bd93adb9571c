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
    /// The position in the live stream at which it was read.
    pub cursor: LiveCursor,
}

/// Which jobs of a run, as the URL says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobAsk {
    pub rule: Option<String>,
    /// Statuses separated by commas.
    pub status: Option<String>,
    /// Text in a wildcard's value.
    pub find: Option<String>,
    pub sort: Option<String>,
    /// The position after which the list continues.
    pub after: Option<String>,
    /// The jobs as they were at a past moment.
    pub at: Option<AsOf>,
}

/// A job with its command, if it has one, as highlighted HTML.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenJob {
    pub detail: JobDetail,
    pub command: Option<String>,
    /// The last lines of its first logs, at most 4 logs.
    pub logs: Vec<LogTail>,
    /// What resources it used, from its benchmark file.
    pub benchmark: Option<Benchmark>,
}

/// What failed, with the last lines of the log of the job shown as an example.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailuresView {
    pub failures: Failures,
    /// The last lines of that job's first logs, at most 4 logs.
    pub logs: Vec<LogTail>,
}
