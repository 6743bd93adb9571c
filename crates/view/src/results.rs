//! Results of a run: the outputs that its jobs declare, which of them exist, its directory, and the preview of one file.

use model::{
    JobKey, JobStatus,
    encoding::{Encoding, ReadAs},
    file::{FileFacts, FileRef, NoFile},
    preview::{Benchmark, Folder, Shown},
};
use serde::{Deserialize, Serialize};

/// What the results view is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultsAsk {
    pub rule: Option<String>,
    /// The job whose outputs are all listed.
    pub job: Option<JobKey>,
    /// The file that is previewed.
    pub file: Option<FileRef>,
    /// Where the list continues: after a job of a rule, after this many rules, after this many outputs of a job, or at
    /// an entry of the open directory.
    pub after: Option<String>,
    /// The open directory, relative to that of the run; `None` lists outputs by rule.
    pub tree: Option<String>,
    /// The encoding that the reader chose; `None` leaves the choice to Flowo.
    #[serde(default)]
    pub encoding: Option<Encoding>,
}

/// An output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    pub file: i64,
    pub path: String,
    pub facts: Result<FileFacts, NoFile>,
}

/// The outputs of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    pub job: JobKey,
    pub rule: String,
    /// The values of its wildcards, joined.
    pub label: String,
    pub status: JobStatus,
    pub outputs: Vec<Output>,
    /// How many outputs come before these, and how many follow.
    pub skipped: u32,
    pub missing: u64,
    /// How many more jobs the rule has, if only one of each rule is listed.
    pub more_jobs: u64,
}

/// A directory on the path to the open one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// Its path relative to the directory of the run; empty for that one.
    pub way: String,
    /// The entry from which it is listed; `None` is the start.
    pub from: Option<String>,
    pub folder: Result<Folder, NoFile>,
}

/// How many nested directories are listed at once; deeper ones are opened one by one.
pub const DEEP: usize = 24;

/// What follows a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rest {
    /// Where the list continues.
    pub after: String,
    /// What follows, in words: `75 earlier jobs`.
    pub says: String,
}

/// What resources a job used, from its benchmark file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Took {
    pub job: JobKey,
    /// The values of its wildcards, joined.
    pub label: String,
    pub benchmark: Benchmark,
}

/// The list of results, and the open file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ResultsView {
    /// For a rule: its jobs. For a run: the newest job of each rule, the last rules first. Or one job.
    pub made: Vec<Made>,
    pub rest: Option<Rest>,
    /// The directories from that of the run to the open one; empty unless directories were asked for.
    pub levels: Vec<Level>,
    /// What resources the jobs of a rule used, as far as they have benchmark files.
    pub took: Vec<Took>,
    /// How many jobs that rule has.
    pub jobs: u64,
    /// Whether this reader is shown any files at all.
    pub shown: bool,
    pub open: Option<OpenFile>,
}

/// A file that is previewed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenFile {
    pub file: FileRef,
    pub path: String,
    /// A job that makes it, and its rule.
    pub made_by: Option<(JobKey, String)>,
    /// How many jobs use it.
    pub used_by: u64,
    pub found: Result<(FileFacts, Shown), NoFile>,
    /// The encoding in which it is read, if it is text.
    pub read: Option<ReadAs>,
}
