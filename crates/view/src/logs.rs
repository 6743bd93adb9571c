//! Logs of a run: which there are, windows of one of them, and the ends of several.

use crate::results::Rest;
use model::{
    JobKey, JobStatus,
    encoding::Encoding,
    file::{FileFacts, FileRef, NoFile},
    log::{FirstBytes, LogText},
};
use serde::{Deserialize, Serialize};

/// What the view of the logs is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogsAsk {
    pub rule: Option<String>,
    /// The job after which a rule's list goes on.
    #[serde(default)]
    pub after: Option<String>,
    pub file: Option<FileRef>,
    pub at: Option<u64>,
    /// How the reader wants it read; `None` leaves it to the file.
    #[serde(default)]
    pub encoding: Option<Encoding>,
}

/// Logs of one job that are listed.
pub const LOGS: u32 = 60;

/// A log of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobLog {
    pub file: i64,
    pub path: String,
    pub job: JobKey,
    pub rule: Option<String>,
    pub status: JobStatus,
    /// Values of its wildcards, joined.
    pub label: String,
    /// Logs that its job names after this one and that are not listed.
    pub more: u64,
}

/// The logs there are, and one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogsView {
    /// Where the client writes about the run.
    pub run: Option<String>,
    /// Of failed jobs, of running ones, and of the newest.
    pub jobs: Vec<JobLog>,
    /// Jobs whose logs are not listed, where no rule is chosen.
    pub missing: u64,
    /// Of a rule: what comes after these.
    pub rest: Option<Rest>,
    pub open: Option<OpenLog>,
}

/// A log with a window of it, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenLog {
    pub file: FileRef,
    pub path: String,
    pub window: Result<LogWindow, NoFile>,
    /// Of what is no text, what the file system says of it and its first bytes.
    pub bytes: Option<(FileFacts, FirstBytes)>,
    /// Whoever writes it has ended: what it lacks now will not come.
    pub over: bool,
}

/// Lines that follow each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogWindow {
    pub facts: FileFacts,
    #[serde(flatten)]
    pub text: LogText,
}

/// What became of a file that a page follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileNews {
    pub file: FileRef,
    pub facts: Result<FileFacts, NoFile>,
    /// What was added, if it is little; whoever lacks more reads it.
    pub lines: Option<LogWindow>,
}

/// The end of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogTail {
    /// As the client wrote it.
    pub path: String,
    /// The last lines, or in words why there are none.
    pub text: Result<String, String>,
    /// There are more lines before these.
    pub more: bool,
}

/// Lines that are shown.
pub const LINES: usize = 20;
