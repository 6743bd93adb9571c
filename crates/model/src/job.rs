//! Jobs as they are shown in a table.

use crate::{JobKey, JobStatus, Millis, event::RawEvent, run::ReportedError};
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
    /// When it was handed to a queue, where a client tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued_at: Option<Millis>,
    /// Megabytes of memory it asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mem_mb: Option<i64>,
    /// Where it ran, where a client tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
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

/// What a rule reads and writes, shown by a few files of one of its jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleFiles {
    pub rule: String,
    /// Each with the rule that makes it, if one does.
    pub inputs: Vec<(String, Option<String>)>,
    pub outputs: Vec<String>,
}

/// A path that a run names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathRow {
    pub id: i64,
    pub path: String,
}

/// Who makes a path and who uses it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathDetail {
    pub path: String,
    /// At most 100 of each role.
    pub jobs: Vec<PathUse>,
}

/// A job that names a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathUse {
    pub role: FileRole,
    pub job: JobKey,
    pub job_id: Option<i64>,
    pub rule: String,
    pub status: JobStatus,
    pub wildcards: BTreeMap<String, String>,
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
    pub exit_code: Option<i32>,
    pub error: Option<String>,
    /// Where its software comes from, if the client told it.
    pub conda_env: Option<String>,
    /// By role, each in the client's order; at most 500.
    pub files: Vec<JobFile>,
    /// There are more files than are listed.
    pub more_files: bool,
    /// All attempts, this one included, oldest first; at most the newest 100.
    pub attempts: Vec<JobAttempt>,
    /// The reports that told of it, as they came; at most the newest 20, and as long as reports are kept.
    pub reports: Vec<RawEvent>,
}

/// What errors with the same cause have in common: the last line with its numbers, paths and quoted
/// words left out. Empty if the text is.
pub fn signature(error: &str) -> String {
    let Some(line) = error.lines().rev().map(str::trim).find(|line| !line.is_empty()) else { return String::new() };
    let mut out = String::new();
    for word in line.split_whitespace().take(60) {
        let bare = word.trim_matches(|letter: char| !letter.is_alphanumeric() && letter != '/');
        let quoted = word.starts_with(['\'', '"', '`']);
        if !out.is_empty() {
            out.push(' ');
        }
        if quoted || bare.contains('/') || is_number(bare) {
            out.push('…');
            continue;
        }
        let mut digits = false;
        for letter in word.chars().take(80) {
            if letter.is_ascii_digit() {
                if !digits {
                    out.push('#');
                }
                digits = true;
            } else {
                out.push(letter);
                digits = false;
            }
        }
    }
    out
}

/// Digits alone, or something like an address or a digest.
fn is_number(word: &str) -> bool {
    let hex = word.strip_prefix("0x").unwrap_or(word);
    let digits = hex.bytes().filter(u8::is_ascii_digit).count();
    digits > 0 && (digits == hex.len() || hex.len() >= 8 && hex.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-'))
}

/// Failed jobs of one rule with the same cause, as far as one knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Empty if the rule was never told.
    pub rule: String,
    /// Of the newest 10 000 failed jobs of the run.
    pub count: u32,
    /// The first of them, and what is known of it.
    pub first: JobKey,
    /// The first log file of that job, as the client wrote it.
    pub log: Option<String>,
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

#[cfg(test)]
mod tests {
    use super::signature;

    #[test]
    fn errors_of_the_same_cause_have_the_same_signature() {
        for (one, other) in [
            (
                "OSError: [Errno 28] No space left on device: '/scratch/a/S1.bam'",
                "OSError: [Errno 28] No space left on device: '/scratch/b/S22.bam'",
            ),
            ("Traceback\n  File x\nKeyError: 'S1'\n", "KeyError: 'S2'"),
            ("Killed process 1234 at 0x7ffd00ab", "Killed process 99 at 0x7ffd11cd"),
            (
                "slurmstepd: error: Detected 1 oom-kill event(s) in StepId=123.0",
                "slurmstepd: error: Detected 2 oom-kill event(s) in StepId=98.0",
            ),
        ] {
            assert_eq!(signature(one), signature(other));
        }
        assert_ne!(signature("KeyError: 'a'"), signature("ValueError: 'a'"));
        assert_eq!(signature("[Errno 28] No space left on /x"), "[Errno … No space left on …");
        assert_eq!(signature(" \n "), "");
    }
}
