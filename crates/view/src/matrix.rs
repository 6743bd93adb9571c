//! The jobs of a run as samples against rules.

use model::{AsOf, JobKey, JobStatus, live::LiveCursor};
use serde::{Deserialize, Serialize};

/// Which part of a matrix.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatrixAsk {
    /// The wildcard whose values are the rows; without, the one that most rules have.
    pub by: Option<String>,
    /// Only this column.
    pub rule: Option<String>,
    /// Only rows with these words, whatever their case.
    pub find: Option<String>,
    /// Only rows with a job in one of these states, words joined by commas.
    pub status: Option<String>,
    /// `name`, `time`, or what failed first.
    pub sort: Option<String>,
    /// The first row.
    pub from: u32,
    /// Only these rows, at most 200; empty: all.
    #[serde(default)]
    pub values: Vec<String>,
    /// As they were at a moment of the past.
    pub at: Option<AsOf>,
}

/// Where a row and a column meet. A tuple on the wire: there are many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(JobKey, JobStatus, u32, i64)", into = "(JobKey, JobStatus, u32, i64)")]
pub struct Cell {
    /// The job that needs attention most.
    pub job: JobKey,
    pub status: JobStatus,
    /// Jobs that meet here.
    pub jobs: u32,
    /// Milliseconds they took together, of those that have ended.
    pub ms: i64,
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
    /// One for each column; `None` where no job is.
    pub cells: Vec<Option<Cell>>,
    /// Milliseconds of all its jobs that have ended.
    pub ms: i64,
}

/// A part of a matrix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatrixView {
    /// Wildcards that could be rows, those of most rules first.
    pub wildcards: Vec<String>,
    pub by: String,
    /// Rules in the order of the graph.
    pub columns: Vec<String>,
    /// Rules that have no column, as there are too many.
    pub more_columns: u32,
    /// Rows in all.
    pub total: u32,
    pub rows: Vec<MatrixRow>,
    /// The largest `ms` of a row.
    pub longest: i64,
    /// The point at which it was read.
    pub cursor: LiveCursor,
}
