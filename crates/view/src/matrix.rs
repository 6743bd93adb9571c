//! The jobs of a run as a matrix of samples and rules.

use model::{AsOf, JobKey, JobStatus, live::LiveCursor, text};
use serde::{Deserialize, Serialize};

/// Which part of a matrix to show.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatrixAsk {
    /// The wildcard whose values are the rows; `None` is the one that most rules have.
    pub by: Option<String>,
    /// Only this column.
    pub rule: Option<String>,
    /// Only rows that contain this text, ignoring case.
    pub find: Option<String>,
    /// Only rows with a job in one of these states, separated by commas.
    pub status: Option<String>,
    /// `name` or `time`; otherwise rows with the most failed and lost cells come first.
    pub sort: Option<String>,
    /// The first row.
    pub from: u32,
    /// Only these rows, at most 200; empty: all.
    #[serde(default)]
    pub values: Vec<String>,
    /// The jobs as they were at a past moment.
    pub at: Option<AsOf>,
}

/// One cell of the matrix. A tuple on the wire, because there are many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(JobKey, JobStatus, u32, i64)", into = "(JobKey, JobStatus, u32, i64)")]
pub struct Cell {
    /// The most urgent job in the cell.
    pub job: JobKey,
    pub status: JobStatus,
    /// The number of jobs in the cell.
    pub jobs: u32,
    /// The total duration of those that have ended, in milliseconds.
    pub ms: i64,
}

impl Cell {
    /// The cell in words, as that of a row and of a rule.
    pub fn says(self, value: &str, rule: &str) -> String {
        let took = if self.ms > 0 { format!(", {}", text::duration(self.ms)) } else { String::new() };
        let jobs = if self.jobs > 1 { format!(", {} jobs", self.jobs) } else { String::new() };
        format!("{value}, {rule}: {}{took}{jobs}", self.status.label())
    }
}

impl From<(JobKey, JobStatus, u32, i64)> for Cell {
    fn from((job, status, jobs, ms): (JobKey, JobStatus, u32, i64)) -> Self {
        Self { job, status, jobs, ms }
    }
}

impl From<Cell> for (JobKey, JobStatus, u32, i64) {
    fn from(Cell { job, status, jobs, ms }: Cell) -> Self {
        (job, status, jobs, ms)
    }
}

/// One value of the wildcard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatrixRow {
    pub value: String,
    /// One cell for each column; `None` if it contains no job.
    pub cells: Vec<Option<Cell>>,
    /// The total duration of all its jobs that have ended, in milliseconds.
    pub ms: i64,
}

/// A part of a matrix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatrixView {
    /// Wildcards that could be the rows, those used by most rules first.
    pub wildcards: Vec<String>,
    /// How many wildcards are not listed because there are too many. Each can still be asked for by its name.
    pub more_wildcards: u32,
    pub by: String,
    /// Rules in the order of the graph.
    pub columns: Vec<String>,
    /// How many rules have no column because there are too many.
    pub more_columns: u32,
    /// The total number of rows.
    pub total: u32,
    pub rows: Vec<MatrixRow>,
    /// The largest `ms` of a row.
    pub longest: i64,
    /// The position in the live stream at which it was read.
    pub cursor: LiveCursor,
}
