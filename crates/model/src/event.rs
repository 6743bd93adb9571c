//! What a client reported, in Flowo's own terms. Adapters make these; the fold applies them.

use crate::{JobStatus, Millis, RunId, cut::Cut, run::ReportedError};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

impl Event {
    /// Whether the event may end the run, and with it the jobs whose ends are unknown.
    pub const fn may_close(&self) -> bool {
        match self {
            Self::Closed | Self::Fatal { .. } | Self::WasDryRun | Self::NothingToDo => true,
            Self::Progress { done, total } => *total > 0 && *done >= *total,
            Self::Said { end, .. } => end.is_some(),
            _ => false,
        }
    }
}

/// A report as it was received.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RawEvent {
    pub id: i64,
    /// The client's name for the event.
    pub event: String,
    pub received_at: Millis,
    /// `applied`, `ignored` or `quarantined`.
    pub outcome: String,
    /// Why it was not applied.
    pub detail: Option<String>,
    /// JSON text, or the beginning of it.
    pub body: String,
    /// Letters of the body that are left out.
    pub missing: u64,
}

/// Which run a report is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RunKey {
    /// The client knows the run's id.
    Id(RunId),
    /// The client never received an id; its log file is unique to its process.
    Logfile(String),
}

/// What a report of a run's start contains. `None` and empty mean "not reported".
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
    /// Equal for all attempts of the same thing; `None` means that the run is no attempt of anything else.
    pub fingerprint: Option<String>,
    pub dry_run: bool,
    pub heartbeats: bool,
    /// The client has sent its start, or tried to: it executes the workflow. Otherwise it may only be inspecting the workflow.
    pub sent: bool,
    pub rules: Vec<RuleCode>,
    /// What was too long to be kept whole.
    pub cuts: Vec<Cut>,
}

/// A rule and its source code, as the client lists it.
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

/// The description of a job, as the client reports it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobInfo {
    pub job_id: i64,
    /// The job's name, if its source knows it by name; `job_id` is then its [`NameKey`](crate::NameKey).
    pub name: Option<String>,
    pub rule: Option<String>,
    pub threads: Option<i32>,
    pub priority: Option<i32>,
    pub wildcards: BTreeMap<String, Value>,
    pub resources: BTreeMap<String, Value>,
    pub reason: Option<String>,
    pub message: Option<String>,
    pub shell_command: Option<String>,
    pub files: JobFiles,
    /// The jobs that follow depend on the output of this one.
    pub checkpoint: bool,
    /// The job is announced and nothing runs yet: the client only says what it would do.
    pub planned: bool,
}

/// What is reported of a job besides its description; `None` and empty mean "not reported".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobUpdate {
    pub rule: Option<String>,
    pub shell_command: Option<String>,
    /// Its number in the system that really runs it, such as a cluster.
    pub external_id: Option<String>,
    pub conda_env: Option<String>,
    pub error: Option<String>,
    pub exit_code: Option<i32>,
    /// Its logs, including those that it did not name itself, such as a cluster's.
    pub logs: Vec<String>,
}

impl JobUpdate {
    /// Takes over whatever `newer` has values for.
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

/// One thing that happened. Large events are cheap to clone, because a report is kept whole until its effects are committed.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    RunStarted(Arc<RunStart>),
    /// The rule graph, stored as the client draws it.
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
    /// Like [`Event::JobEnded`] with [`JobStatus::Failed`], and why the job failed.
    JobFailed {
        job_id: i64,
        update: Box<JobUpdate>,
    },
    JobUpdated {
        job_id: i64,
        update: Box<JobUpdate>,
    },
    /// The client's own count of finished jobs. When all are done, the run is done too.
    Progress {
        done: i32,
        total: i32,
    },
    Error(ReportedError),
    /// An error after which nothing more is expected; if jobs are reported after all, the run goes on.
    ///
    /// `idle`: the error counts as fatal only if no job is running.
    Fatal {
        error: ReportedError,
        idle: bool,
    },
    /// The client says only now that the whole run was a dry run.
    WasDryRun,
    /// Everything is up to date: the run is over before it began.
    NothingToDo,
    /// A message for the log, with the path of the client's own log if the message contains it.
    Said {
        level: &'static str,
        message: String,
        logfile: Option<String>,
        /// Set if these are the client's last words: what they mean for the run.
        end: Option<LastWord>,
    },
    /// A report that shows that the client is alive, and is not worth storing.
    Seen,
    /// A heartbeat: a sign of life and nothing more.
    Heartbeat,
    /// The client says that it is done.
    Closed,
    /// Something Flowo does not use yet; the raw report is kept.
    Other,
}

/// What a client's last words mean for its run, if the client has not reported the end before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastWord {
    /// The run is done. The client reports failures of jobs but not other ends: jobs not reported as failed are done.
    Done,
    /// The run is done, unless jobs are still running: then the client has abandoned them.
    DoneIfIdle,
    /// The client gave up.
    Failed,
    /// The client's user stopped it.
    Cancelled,
}

/// An event with its run and the time at which it counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    pub run: RunKey,
    pub at: Millis,
    /// What the report says of the run besides the event. Needed if the run is still unknown.
    pub context: RunStart,
    pub event: Event,
}
