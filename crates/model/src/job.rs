//! Jobs as they are shown in a table.

use crate::{JobKey, JobStatus, Millis, run::ReportedError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One attempt of one job, as a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobRow {
    pub id: JobKey,
    /// The client's own number; `None` for rows written by hand without one.
    pub job_id: Option<i64>,
    pub attempt: i32,
    /// A newer attempt of the same job exists.
    pub superseded: bool,
    /// `None` until the client tells.
    pub rule: Option<String>,
    pub status: JobStatus,
    pub wildcards: BTreeMap<String, String>,
    pub threads: Option<i32>,
    pub reason: Option<String>,
    pub message: Option<String>,
    pub started_at: Option<Millis>,
    pub ended_at: Option<Millis>,
    pub revision: i64,
}

impl JobRow {
    /// Milliseconds it took, or has taken by `now`; `None` before it began.
    pub fn duration(&self, now: Millis) -> Option<Millis> {
        Some((self.ended_at.unwrap_or(now) - self.started_at?).max(0))
    }
}

/// What a file is to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FileRole {
    Input,
    Output,
    Log,
    Benchmark,
}

impl FileRole {
    pub const ALL: [Self; 4] = [Self::Input, Self::Output, Self::Log, Self::Benchmark];

    /// The role of a stored word; `None` for any other word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::Log => "log",
            Self::Benchmark => "benchmark",
        }
    }

    /// As a heading.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Input => "Inputs",
            Self::Output => "Outputs",
            Self::Log => "Logs",
            Self::Benchmark => "Benchmark",
        }
    }
}

/// A file that a job names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFile {
    pub role: FileRole,
    /// As the client wrote it, mostly relative to the run's directory.
    pub path: String,
    /// Of an input: the job of this run that makes it, with its rule.
    pub made_by: Option<(JobKey, String)>,
    /// Of an output: how many jobs of this run use it, counted to 1 000.
    pub used_by: u32,
}

/// One of several attempts of the same job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobAttempt {
    pub id: JobKey,
    pub attempt: i32,
    pub status: JobStatus,
    pub started_at: Option<Millis>,
    pub ended_at: Option<Millis>,
}

/// Everything that is known of one job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobDetail {
    pub row: JobRow,
    pub shell_command: Option<String>,
    pub resources: BTreeMap<String, String>,
    pub priority: Option<i32>,
    pub group: Option<String>,
    /// The cluster's number of it.
    pub external_id: Option<String>,
    pub host: Option<String>,
    pub queued_at: Option<Millis>,
    pub exit_code: Option<i32>,
    pub error: Option<String>,
    /// By role, each in the client's order; at most 500.
    pub files: Vec<JobFile>,
    /// There are more files than are listed.
    pub more_files: bool,
    /// All attempts, this one included, oldest first; at most the newest 100.
    pub attempts: Vec<JobAttempt>,
}

/// The failed jobs of one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Empty if the rule was never told.
    pub rule: String,
    /// Of the newest 10 000 failed jobs of the run.
    pub count: u32,
    /// The first of them, and what is known of it.
    pub first: JobKey,
    pub job_id: Option<i64>,
    pub wildcards: BTreeMap<String, String>,
    pub exit_code: Option<i32>,
    pub error: Option<String>,
}

/// What went wrong in a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Failures {
    /// Rules with most failures first; at most 8.
    pub groups: Vec<Failure>,
    /// In the order in which the client reported them.
    pub errors: Vec<ReportedError>,
}
