//! Files as jobs name them: a job's inputs and outputs, what a list leaves out, and which jobs name a path. No file system.

use super::JobRow;
use crate::{JobKey, JobStatus, text};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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

    /// The plural, as a heading.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Input => "Inputs",
            Self::Output => "Outputs",
            Self::Log => "Logs",
            Self::Benchmark => "Benchmark",
        }
    }

    /// The singular, for use in a sentence.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::Log => "log",
            Self::Benchmark => "benchmark file",
        }
    }
}

/// How many files of each role are not listed. Roles whose files are all listed are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unlisted(Vec<(FileRole, u64)>);

impl Unlisted {
    /// How many of a role are not listed.
    pub fn of(&self, role: FileRole) -> u64 {
        self.0.iter().find(|(of, _)| *of == role).map_or(0, |(_, count)| *count)
    }

    /// Sets how many files of a role are not listed, and replaces any earlier number.
    pub fn set(&mut self, role: FileRole, count: u64) {
        self.0.retain(|(of, _)| *of != role);
        if count > 0 {
            self.0.push((role, count));
        }
    }
}

/// A file that a job names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFile {
    pub role: FileRole,
    /// As the client wrote it, mostly relative to the run's directory.
    pub path: String,
    /// For an input: the job of this run that makes it, with its rule.
    pub made_by: Option<(JobKey, String)>,
    /// For an output: how many jobs of this run use it, counted up to [`JobFile::COUNTED`].
    pub used_by: u32,
    /// For a log: the newest later attempt of the job that names the same file. The content of the file is from that attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rewritten_by: Option<i32>,
}

impl JobFile {
    /// The limit up to which users of a file are counted; this value means "that many or more".
    pub const COUNTED: u32 = 1000;

    /// How many jobs use it: `used by 1 job`, `used by 1 000 or more jobs`; `None` if none does.
    pub fn used(&self) -> Option<String> {
        match self.used_by {
            0 => None,
            Self::COUNTED.. => Some(format!("used by {} or more jobs", text::count(i64::from(Self::COUNTED)))),
            jobs => Some(format!("used by {}", text::things(u64::from(jobs), "job"))),
        }
    }
}

/// The files that a job reads and makes, as far as they are listed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobFiles {
    pub job: JobRow,
    /// The first of each role, in the client's order.
    pub files: Vec<JobFile>,
    pub unlisted: Unlisted,
}

/// What a rule reads and writes, illustrated by a few files of one of its jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleFiles {
    pub rule: String,
    /// Each with the rule that makes it, if one does.
    pub inputs: Vec<(String, Option<String>)>,
    pub outputs: Vec<String>,
    /// How many more files the same job has.
    pub unlisted: Unlisted,
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
    /// At most 100 jobs of each role: those that were reported first.
    pub jobs: Vec<PathUse>,
    /// How many more jobs name the path.
    pub unlisted: Unlisted,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_of_users_that_stops_says_so() {
        let used = |used_by| {
            JobFile { role: FileRole::Output, path: "a".into(), made_by: None, used_by, rewritten_by: None }.used().unwrap_or_default()
        };
        assert_eq!([used(0), used(1), used(12)], ["", "used by 1 job", "used by 12 jobs"]);
        assert_eq!(used(JobFile::COUNTED), "used by 1\u{202f}000 or more jobs");
    }

    #[test]
    fn what_is_not_listed_is_known_by_role() {
        let mut unlisted = Unlisted::default();
        unlisted.set(FileRole::Input, 9_500);
        unlisted.set(FileRole::Log, 1);
        unlisted.set(FileRole::Log, 0);
        assert_eq!(FileRole::ALL.map(|role| unlisted.of(role)), [9_500, 0, 0, 0]);
        assert_eq!(serde_json::to_value(&unlisted).expect("JSON"), serde_json::json!([["Input", 9500]]));
    }
}
