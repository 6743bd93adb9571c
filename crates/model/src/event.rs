//! What a client reported, in our words. Adapters make these; the fold applies them.

use crate::{JobStatus, Millis, RunId, run::ReportedError};
use serde_json::Value;
use std::collections::BTreeMap;

/// A report as it came.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RawEvent {
    pub id: i64,
    /// The client's name of it.
    pub event: String,
    pub received_at: Millis,
    /// `applied`, `ignored` or `quarantined`.
    pub outcome: String,
    /// Why it was not applied.
    pub detail: Option<String>,
    /// JSON text.
    pub body: String,
    /// The body was longer.
    pub cut: bool,
}

/// Which run a report is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RunKey {
    /// The client knows the run's id.
    Id(RunId),
    /// The client never learnt an id; its log file is unique to its process.
    Logfile(String),
}

/// What becomes known when a run starts. `None` and empty mean "not told".
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunStart {
    pub name: Option<String>,
    pub tags: Vec<String>,
    pub directory: Option<String>,
    pub snakefile: Option<String>,
    pub config_files: Vec<String>,
    pub catalog_slug: Option<String>,
    pub logfile: Option<String>,
    /// Equal for attempts of one thing; `None` keeps the run alone.
    pub fingerprint: Option<String>,
    pub dry_run: bool,
    pub heartbeats: bool,
    pub rules: Vec<RuleCode>,
}

/// A rule and its source, as the client lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleCode {
    pub name: String,
    pub code: Option<String>,
    pub language: Option<String>,
}

/// The files of a job by their role, in the order given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobFiles {
    pub input: Vec<String>,
    pub output: Vec<String>,
    pub log: Vec<String>,
    pub benchmark: Vec<String>,
}

/// The description of a job.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobInfo {
    pub job_id: i64,
    pub rule: Option<String>,
    pub threads: Option<i32>,
    pub priority: Option<i32>,
    pub wildcards: BTreeMap<String, Value>,
    pub resources: BTreeMap<String, Value>,
    pub reason: Option<String>,
    pub message: Option<String>,
    pub shell_command: Option<String>,
    pub files: JobFiles,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    RunStarted(Box<RunStart>),
    /// The rule graph, kept as the client draws it.
    RuleGraph(Value),
    /// Jobs planned per rule, and the client's own total if it gives one.
    Planned {
        per_rule: BTreeMap<String, i32>,
        total: i32,
    },
    JobsStarted(Vec<i64>),
    JobInfo(Box<JobInfo>),
    JobEnded {
        job_id: i64,
        status: JobStatus,
    },
    Error(ReportedError),
    /// A sign of life and no more.
    Heartbeat,
    /// The client says that it is done.
    Closed,
    /// Something we have no use for yet; the raw report is kept.
    Other,
}

/// An event with its run and the time it counts for.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    pub run: RunKey,
    pub at: Millis,
    /// What the report says of the run besides the event, should the run be unknown.
    pub context: RunStart,
    pub event: Event,
}
