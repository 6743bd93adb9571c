//! Jobs as a table shows them.

mod files;

pub use files::{FileRole, JobFile, JobFiles, PathDetail, PathRow, PathUse, RuleFiles, Unlisted};

use crate::{JobKey, JobStatus, Millis, event::RawEvent, run::ReportedError, text};
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
    /// `None` until the client reports it.
    pub rule: Option<String>,
    pub status: JobStatus,
    pub wildcards: BTreeMap<String, String>,
    pub threads: Option<i32>,
    pub reason: Option<String>,
    pub message: Option<String>,
    /// When it was handed to a queue, if the client reports that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued_at: Option<Millis>,
    /// Megabytes of memory it asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mem_mb: Option<i64>,
    /// Where it ran, if the client reports that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    pub started_at: Option<Millis>,
    pub ended_at: Option<Millis>,
    pub revision: i64,
}

impl JobRow {
    /// Milliseconds that it took, or has taken until `now`; `None` before it began.
    pub fn duration(&self, now: Millis) -> Option<Millis> {
        Some(self.ended_at.unwrap_or(now).saturating_sub(self.started_at?).max(0))
    }
}

/// Where data about a job comes from if no report contained it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Filled {
    /// Its end is assumed from the end of its run, whenever it really ended.
    Close,
    /// Read from the log of its run.
    Log,
}

impl Filled {
    pub const ALL: [Self; 2] = [Self::Close, Self::Log];

    /// The word in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Close => "close",
            Self::Log => "log",
        }
    }

    /// What a stored word means; `None` for any other word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|filled| filled.as_str() == word)
    }

    /// As people read it next to the job.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Close => "The end of this job was not reported. Its run ended later without reporting an error for it",
            Self::Log => "Not reported in full. The rest comes from the log of the run",
        }
    }
}

/// Whether a report said that an attempt started. This distinguishes a retry from a report that comes twice or late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartReported {
    /// No report did; the next report of a start belongs to this attempt.
    No,
    /// The newest report of the attempt was its start; one more report of a start is a repetition.
    Last,
    /// The start was reported before the description; one more report of a start begins another attempt.
    Before,
}

impl StartReported {
    pub const ALL: [Self; 3] = [Self::No, Self::Last, Self::Before];

    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Last => "last",
            Self::Before => "before",
        }
    }

    /// What a stored word means; `None` for any other word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|start| start.as_str() == word)
    }
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

/// How many report numbers are stored with a job (the newest), and how many of those reports its page shows.
pub const REPORTS_KEPT: usize = 64;
pub const REPORTS_SHOWN: usize = 20;

/// Everything that is known of one job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobDetail {
    pub row: JobRow,
    pub shell_command: Option<String>,
    pub resources: BTreeMap<String, String>,
    pub priority: Option<i32>,
    pub group: Option<String>,
    /// The cluster's number for it.
    pub external_id: Option<String>,
    pub exit_code: Option<i32>,
    pub error: Option<String>,
    /// Where its software comes from, if the client reported that.
    pub conda_env: Option<String>,
    /// Where data about it comes from that was not reported, if there is any.
    #[serde(default)]
    pub filled: Option<Filled>,
    /// By role, each role in the client's order; at most 500 of each.
    pub files: Vec<JobFile>,
    pub unlisted: Unlisted,
    /// At most 100 consecutive attempts including this one, oldest first.
    pub attempts: Vec<JobAttempt>,
    /// The last attempt before those, and the first one after them.
    pub beyond: (Option<JobAttempt>, Option<JobAttempt>),
    /// The reports about it, as they came: at most the newest 20, and only for as long as reports are kept.
    pub reports: Vec<RawEvent>,
    /// Earlier reports about it.
    pub more_reports: Option<MoreReports>,
}

impl JobDetail {
    /// How many reports are not shown, in words; `None` if all are.
    pub fn earlier_reports(&self) -> Option<String> {
        let more = self.more_reports?.count as usize;
        let or_more = if more + REPORTS_SHOWN >= REPORTS_KEPT { " or more" } else { "" };
        Some(format!("{more}{or_more} earlier"))
    }
}

/// Reports about a job that are not listed with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoreReports {
    pub count: u32,
    /// The number of the first of them.
    pub first: i64,
}

/// What errors with the same cause have in common: the last line without its numbers, paths and quoted words. Empty if the text is empty.
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

/// Whether a word is only digits, or looks like a memory address or a digest.
fn is_number(word: &str) -> bool {
    let hex = word.strip_prefix("0x").unwrap_or(word);
    let digits = hex.bytes().filter(u8::is_ascii_digit).count();
    digits > 0 && (digits == hex.len() || hex.len() >= 8 && hex.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-'))
}

/// Failed jobs of one rule with the same cause, as far as Flowo can tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Empty if no report named the rule.
    pub rule: String,
    /// How many of the run's newest 10 000 failed jobs.
    pub count: u32,
    /// The first of those jobs, and what is known of it.
    pub first: JobKey,
    /// The first log files of that job, as the client wrote them, and how many more it has.
    pub logs: Vec<String>,
    pub more_logs: u32,
    pub job_id: Option<i64>,
    pub wildcards: BTreeMap<String, String>,
    /// The group in which it ran, if reported: when one job of a group fails, all of them do.
    pub group: Option<String>,
    pub exit_code: Option<i32>,
    pub error: Option<String>,
}

impl Failure {
    /// One failed job of a rule, of which nothing more is known.
    pub const fn of(rule: String, first: JobKey) -> Self {
        Self {
            rule,
            count: 1,
            first,
            logs: Vec::new(),
            more_logs: 0,
            job_id: None,
            wildcards: BTreeMap::new(),
            group: None,
            exit_code: None,
            error: None,
        }
    }

    /// Whether it is known why the job failed, or at least how it ended.
    pub fn is_explained(&self) -> bool {
        self.exit_code.is_some() || self.error.as_ref().is_some_and(|error| !error.trim().is_empty())
    }

    /// The exception class, by the first word of the error text.
    pub fn class(&self) -> Option<&str> {
        class(self.error.as_deref()?)
    }
}

/// The exception that a text begins with: `KeyError` in `KeyError in file Snakefile, line 3:`.
pub fn class(text: &str) -> Option<&str> {
    let word = text.trim_start().split([' ', ':', '\n']).next()?;
    (word.ends_with("Error") || word.ends_with("Exception")).then_some(word)
}

/// How many failed jobs of a run are examined for their causes, newest first.
pub const LOOKED_AT: u64 = 10_000;

/// What went wrong in a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Failures {
    /// Groups with a known reason come first, then those with most jobs, then those that failed first; at most 8.
    pub groups: Vec<Failure>,
    /// Causes that are not among the groups.
    pub more: u32,
    /// Failed jobs that were not examined: the groups cover only the newest 10 000.
    #[serde(default)]
    pub unlooked: u64,
    /// In the order in which the client reported them.
    pub errors: Vec<ReportedError>,
}

impl Failures {
    /// Which jobs were examined, in words; `None` if all failed jobs were.
    pub fn looked_at(&self) -> Option<String> {
        let jobs = text::many;
        (self.unlooked > 0).then(|| format!("newest {} of {} failed jobs", jobs(LOOKED_AT), jobs(LOOKED_AT + self.unlooked)))
    }
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
