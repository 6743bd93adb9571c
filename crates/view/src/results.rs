//! Results of a run: the outputs its jobs declare, which of them are there, its directory, and a look into one file.

use model::{
    JobKey, JobStatus,
    encoding::{Encoding, ReadAs},
    file::{FileFacts, FileRef, NoFile},
    preview::{Benchmark, Folder, Shown},
};
use serde::{Deserialize, Serialize};

/// What the view of the results is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultsAsk {
    pub rule: Option<String>,
    /// The job of which all outputs are asked for.
    pub job: Option<JobKey>,
    /// The file that is looked into.
    pub file: Option<FileRef>,
    /// Where the list goes on: after a job of a rule, after so many rules, after so many outputs of a job, or with an
    /// entry of the open directory.
    pub after: Option<String>,
    /// The directory that is open, beneath that of the run and without it; none lists outputs by rule.
    pub tree: Option<String>,
    /// How the reader wants the file read; `None` leaves it to the file.
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
    /// Values of its wildcards, joined.
    pub label: String,
    pub status: JobStatus,
    pub outputs: Vec<Output>,
    /// Outputs before these, and after them.
    pub skipped: u32,
    pub missing: u64,
    /// Jobs of the rule besides, where only one of each rule is listed.
    pub more_jobs: u64,
}

/// A directory on the way to the open one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// Its way from the directory of the run; empty for that.
    pub way: String,
    /// What it is listed from; none is its start.
    pub from: Option<String>,
    pub folder: Result<Folder, NoFile>,
}

/// Directories one within the other that are listed; what lies deeper is looked into one by one.
pub const DEEP: usize = 24;

/// What comes after a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rest {
    /// Where it goes on.
    pub after: String,
    /// What there is of it: `75 earlier jobs`.
    pub says: String,
}

/// What a job took, by its benchmark file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Took {
    pub job: JobKey,
    /// Values of its wildcards, joined.
    pub label: String,
    pub benchmark: Benchmark,
}

/// The results there are, and one of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ResultsView {
    /// Of a rule: its jobs. Else the newest job of each rule, the last rules first. Or one job.
    pub made: Vec<Made>,
    pub rest: Option<Rest>,
    /// From the directory of the run to the open one; empty unless directories were asked for.
    pub levels: Vec<Level>,
    /// What the jobs of a rule took, as far as they have benchmark files.
    pub took: Vec<Took>,
    /// How many jobs that rule has.
    pub jobs: u64,
    /// Files may be shown at all.
    pub shown: bool,
    pub open: Option<OpenFile>,
}

/// A file that is looked into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenFile {
    pub file: FileRef,
    pub path: String,
    /// A job that makes it, and its rule.
    pub made_by: Option<(JobKey, String)>,
    /// How many jobs use it.
    pub used_by: u64,
    pub found: Result<(FileFacts, Shown), NoFile>,
    /// How its letters are read, if it is text.
    pub read: Option<ReadAs>,
}
