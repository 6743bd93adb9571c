//! Logs of a run: the list of them, windows of one log, and the last lines of several.

use crate::results::Rest;
use model::{
    JobKey, JobStatus,
    encoding::Encoding,
    file::{FileFacts, FileRef, NoFile},
    log::{FirstBytes, LogText},
    text,
};
use serde::{Deserialize, Serialize};

/// What the logs view is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogsAsk {
    pub rule: Option<String>,
    /// The job after which a rule's list continues.
    #[serde(default)]
    pub after: Option<String>,
    pub file: Option<FileRef>,
    pub at: Option<u64>,
    /// The encoding that the reader chose; `None` leaves the choice to Flowo.
    #[serde(default)]
    pub encoding: Option<Encoding>,
}

/// How many logs of one job are listed.
pub const LOGS: u32 = 60;

/// A log of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobLog {
    pub file: i64,
    pub path: String,
    pub job: JobKey,
    pub rule: Option<String>,
    pub status: JobStatus,
    /// The values of its wildcards, joined.
    pub label: String,
    /// How many logs the job names after this one that are not listed.
    pub more: u64,
}

/// The list of logs, and the open log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogsView {
    /// The log of the client about the run.
    pub run: Option<String>,
    /// Logs of failed jobs, of running ones, and of the newest.
    pub jobs: Vec<JobLog>,
    /// How many jobs have logs that are not listed; only if no rule is chosen.
    pub missing: u64,
    /// For a rule: what follows these jobs.
    pub rest: Option<Rest>,
    pub open: Option<OpenLog>,
}

/// A log with a window of it, or the reason why there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenLog {
    pub file: FileRef,
    pub path: String,
    pub window: Result<LogWindow, NoFile>,
    /// For a file that is not text: its facts from the file system, and its first bytes.
    pub bytes: Option<(FileFacts, FirstBytes)>,
    /// Everything that writes the log has ended: nothing will be added any more.
    pub over: bool,
}

/// Consecutive lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogWindow {
    pub facts: FileFacts,
    #[serde(flatten)]
    pub text: LogText,
}

/// A change of a file that a page follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileNews {
    pub file: FileRef,
    pub facts: Result<FileFacts, NoFile>,
    /// The lines that were added, if they are few; a page that lacks more reads the file.
    pub lines: Option<LogWindow>,
}

/// The last lines of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogTail {
    /// As the client wrote it.
    pub path: String,
    /// The last lines, or in words why there are none.
    pub text: Result<String, String>,
    /// There are more lines before these.
    pub more: bool,
}

/// How many lines are shown.
pub const LINES: usize = 20;

/// The logs of a job whose ends are not shown, and how many more logs it has.
pub fn further_logs(paths: &[String], more: u32) -> Option<String> {
    let more = (more > 0).then(|| format!("and {} more", text::count(i64::from(more))));
    let all: Vec<String> = paths.iter().cloned().chain(more).collect();
    (!all.is_empty()).then(|| format!("Further logs: {}", all.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::further_logs;

    #[test]
    fn logs_that_are_not_shown_are_named() {
        assert_eq!(further_logs(&[], 0), None);
        assert_eq!(further_logs(&["a.log".into(), "b.log".into()], 3).as_deref(), Some("Further logs: a.log, b.log, and 3 more"));
    }
}
