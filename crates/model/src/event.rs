//! What a client reported, in our words. Adapters make these; the fold applies them.

use crate::{JobStatus, Millis, RunId, cut::Cut, run::ReportedError};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

impl Event {
    /// Whether the run may be over with it, and what is not known of its jobs with it.
    pub const fn may_close(&self) -> bool {
        match self {
            Self::Closed | Self::Fatal { .. } | Self::WasDryRun | Self::NothingToDo => true,
            Self::Progress { done, total } => *total > 0 && *done >= *total,
            Self::Said { end, .. } => end.is_some(),
            _ => false,
        }
    }
}

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
    /// JSON text, or the beginning of it.
    pub body: String,
    /// Letters of the body that are not here.
    pub missing: u64,
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
    pub command_line: Option<String>,
    pub config_files: Vec<String>,
    pub catalog_slug: Option<String>,
    pub logfile: Option<String>,
    /// Equal for attempts of one thing; `None` keeps the run alone.
    pub fingerprint: Option<String>,
    pub dry_run: bool,
    pub heartbeats: bool,
    /// The client has told its start, or tried to: it executes the workflow. Without that it may only look at it.
    pub sent: bool,
    pub rules: Vec<RuleCode>,
    /// What was longer than is kept.
    pub cuts: Vec<Cut>,
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
    /// What follows depends on what it makes.
    pub checkpoint: bool,
    /// Announced, and nothing runs yet: the client only says what it would do.
    pub planned: bool,
}

/// What becomes known of a job besides its description; what is `None` or empty was not told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobTold {
    pub rule: Option<String>,
    pub shell_command: Option<String>,
    /// Its number where it really runs, such as a cluster's.
    pub external_id: Option<String>,
    pub conda_env: Option<String>,
    pub error: Option<String>,
    pub exit_code: Option<i32>,
    /// Its logs, also those it did not name itself, such as a cluster's.
    pub logs: Vec<String>,
}

impl JobTold {
    /// Takes over what `newer` tells.
    pub fn add(&mut self, newer: Self) {
        let Self { rule, shell_command, external_id, conda_env, error, exit_code, logs } = newer;
        let fill = |old: &mut Option<String>, new: Option<String>| {
            if new.is_some() {
                *old = new;
            }
        };
        fill(&mut self.rule, rule);
        fill(&mut self.shell_command, shell_command);
        fill(&mut self.external_id, external_id);
        fill(&mut self.conda_env, conda_env);
        fill(&mut self.error, error);
        self.exit_code = exit_code.or(self.exit_code);
        let new: Vec<String> = logs.into_iter().filter(|log| !self.logs.contains(log)).collect();
        self.logs.extend(new);
    }
}

/// One thing that happened. Cheap to clone where it is large: a report is kept whole until what it says is committed.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    RunStarted(Arc<RunStart>),
    /// The rule graph, kept as the client draws it.
    RuleGraph(Arc<Value>),
    /// Jobs planned per rule, and the client's own total if it gives one.
    Planned {
        per_rule: BTreeMap<String, i32>,
        total: i32,
    },
    JobsStarted(Vec<i64>),
    JobInfo(Arc<JobInfo>),
    JobEnded {
        job_id: i64,
        status: JobStatus,
    },
    /// As [`Event::JobEnded`] with [`JobStatus::Failed`], and why.
    JobFailed {
        job_id: i64,
        told: Box<JobTold>,
    },
    JobTold {
        job_id: i64,
        told: Box<JobTold>,
    },
    /// The client's own count. With all done, so is the run.
    Progress {
        done: i32,
        total: i32,
    },
    Error(ReportedError),
    /// An error after which nothing more is to be expected, unless jobs are heard of after all.
    ///
    /// `idle`: only if no job is running.
    Fatal {
        error: ReportedError,
        idle: bool,
    },
    /// All this while it was only said what would be done; it is said now.
    WasDryRun,
    /// Everything is up to date: the run is over before it began.
    NothingToDo,
    /// Words for the log, and where the client writes its own, if they tell it.
    Said {
        level: &'static str,
        message: String,
        logfile: Option<String>,
        /// These are the client's last words, and what follows from them.
        end: Option<LastWord>,
    },
    /// A sign of life that is not worth keeping.
    Seen,
    /// A sign of life and no more.
    Heartbeat,
    /// The client says that it is done.
    Closed,
    /// Something we have no use for yet; the raw report is kept.
    Other,
}

/// What the last words of a client mean for its run, if it has not said so before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastWord {
    /// It reports no ends of jobs, only failures: what was not called failed is done.
    Done,
    /// All is done, unless jobs run: it has left them.
    DoneIfIdle,
    /// It gave up.
    Failed,
    /// Its user stopped it.
    Cancelled,
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
