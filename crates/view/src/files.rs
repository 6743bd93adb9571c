//! Files that a run's jobs name: by rule, of one rule, by search, and one path with its jobs.

use model::{
    JobKey,
    job::{FileRole, JobFile, JobFiles, JobRow, PathDetail, PathRow, RuleFiles},
    page::Total,
};
use serde::{Deserialize, Serialize};

/// What the files view is asked for. If several are set, a path comes before a search, a search before a job, a job before a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilesAsk {
    pub path: Option<String>,
    pub find: Option<String>,
    pub rule: Option<String>,
    /// The job whose files are all listed.
    pub job: Option<JobKey>,
    /// The word of a role: only a job's files in this role, or only a path's jobs in this role.
    pub role: Option<String>,
    /// Where the list continues: after a job of a rule or of a path, after the number of a path, or after this many files of a job.
    pub after: Option<String>,
}

/// What the files view shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FilesView {
    /// Each rule with a few files of one of its jobs.
    Map(Vec<RuleFiles>),
    /// Jobs of a rule with their files, the cursor of the next jobs, and how many those are.
    Rule {
        jobs: Vec<JobFiles>,
        next: Option<(String, Total)>,
    },
    Job(Box<AllFiles>),
    /// Paths, how many follow, and whether some come before.
    Found {
        paths: Vec<PathRow>,
        more: u64,
        is_later: bool,
    },
    /// A path with its jobs, or those in one role; and whether some come before them.
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
    /// For each role in which the job has files, how many it has.
    pub counts: Vec<(FileRole, u64)>,
    pub role: FileRole,
    pub files: Vec<JobFile>,
    /// How many files come before these, and how many follow.
    pub skip: u32,
    pub more: u64,
}
