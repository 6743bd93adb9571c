//! Files that a run's jobs name: rule by rule, one rule's, by words, and one path with its jobs.

use model::{
    JobKey,
    job::{FileRole, JobFile, JobFiles, JobRow, PathDetail, PathRow, RuleFiles},
    page::Total,
};
use serde::{Deserialize, Serialize};

/// What the files view is asked for; a path before words, words before a job, a job before a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilesAsk {
    pub path: Option<String>,
    pub find: Option<String>,
    pub rule: Option<String>,
    /// The job of which all files are asked for.
    pub job: Option<JobKey>,
    /// The word of a role: only its files of a job, or its jobs of a path.
    pub role: Option<String>,
    /// Where the list goes on: after a job of a rule or of a path, after the number of a path, after so many files of a job.
    pub after: Option<String>,
}

/// What the files view shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FilesView {
    /// Each rule by a few files of one of its jobs.
    Map(Vec<RuleFiles>),
    /// Jobs of a rule with their files, the cursor of the next ones, and how many those are.
    Rule {
        jobs: Vec<JobFiles>,
        next: Option<(String, Total)>,
    },
    Job(Box<AllFiles>),
    /// Paths, how many come after them, and whether some come before.
    Found {
        paths: Vec<PathRow>,
        more: u64,
        is_later: bool,
    },
    /// A path with its jobs, or with those of one role; and whether some come before them.
    Path {
        path: PathDetail,
        role: Option<FileRole>,
        is_later: bool,
    },
}

/// The files of one job in one role.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AllFiles {
    pub job: JobRow,
    /// How many it has, of each role that it has any of.
    pub counts: Vec<(FileRole, u64)>,
    pub role: FileRole,
    pub files: Vec<JobFile>,
    /// So many come before them, and so many after.
    pub skip: u32,
    pub more: u64,
}
