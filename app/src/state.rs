//! What pages and server functions are given: handles, and who is asking. Server only.

use crate::{
    error::AppError, figures::Figures, followers::Followers, graphs::Graphs, job_graphs::JobGraphs, marks::AllMarks, timelines::Timelines,
};
use leptos::prelude::*;
use live::Hub;
use model::{
    RunId, UserId,
    file::{FileFacts, FileRef, NoFile},
    log::Hits,
    preview::{Entry, Preview},
    run::RunSummary,
};
use std::{future::Future, path::PathBuf, pin::Pin, sync::Arc};
use store::{
    Conn, Store,
    runs::{self, Audience},
};

/// Handles on everything a page needs. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    pub store: Store,
    pub hub: Hub,
    pub options: LeptosOptions,
    /// The address clients are told to use.
    pub base_url: Arc<str>,
    /// Where this user's clients find their configuration, as people write it.
    pub client_config: Arc<str>,
    pub figures: Arc<Figures>,
    pub graphs: Arc<Graphs>,
    pub job_graphs: Arc<JobGraphs>,
    pub marks: Arc<AllMarks>,
    pub timelines: Arc<Timelines>,
    pub sources: Arc<dyn Sources>,
    pub followers: Followers,
    pub lab: Arc<dyn Lab>,
}

/// Which files of a run may be shown to whoever asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reach {
    /// Where the run ran, as its client wrote it.
    pub directory: Option<PathBuf>,
    /// The reader may read whatever Flowo may: the person who started it.
    pub owner: bool,
    /// Only what lies beneath the directory: the reader named the file, not the run.
    pub beneath: bool,
}

impl Reach {
    /// What `viewer`, who may see a run, may see of its files.
    pub fn of(viewer: &Viewer, directory: Option<&str>) -> Self {
        Self { directory: directory.map(PathBuf::from), owner: viewer.audience == Audience::All, beneath: false }
    }

    /// The same for a file that `file` names.
    pub fn to(self, file: &FileRef) -> Self {
        Self { beneath: matches!(file, FileRef::Under(_)), ..self }
    }
}

/// A part of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    pub facts: FileFacts,
    /// Where it begins, in bytes from the start.
    pub from: u64,
    /// Fewer than asked for only at the end.
    pub bytes: Vec<u8>,
}

/// Which part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// So many bytes from here on.
    From(u64, usize),
    /// So many bytes before the end.
    End(usize),
}

/// What is found out of files elsewhere.
pub type Facts = Pin<Box<dyn Future<Output = Vec<Result<FileFacts, NoFile>>> + Send>>;

/// Words that are looked for elsewhere.
pub type Finding = Pin<Box<dyn Future<Output = Result<Hits, NoFile>> + Send>>;

/// What lies in a directory, and whether there is more.
pub type Listing = Pin<Box<dyn Future<Output = Result<(Vec<Entry>, bool), NoFile>> + Send>>;

/// A count of lines, or a place in a file; nothing as long as it is being counted.
pub type Counting = Pin<Box<dyn Future<Output = Result<Option<u64>, NoFile>> + Send>>;

/// A file that is looked into elsewhere.
pub type Peeking = Pin<Box<dyn Future<Output = Result<(FileFacts, Preview), NoFile>> + Send>>;

/// A part that is read elsewhere.
pub type Looking = Pin<Box<dyn Future<Output = Result<Window, NoFile>> + Send>>;

/// A text that is read elsewhere: with whether there is more of it.
pub type Reading = Pin<Box<dyn Future<Output = Result<(String, bool), NoFile>> + Send>>;

/// Files that a run named, as far as they may be shown.
pub trait Sources: Send + Sync {
    /// Whether any may be.
    fn any(&self, reach: &Reach) -> bool;
    /// The start of a text, at most `most` bytes.
    fn read(&self, reach: &Reach, path: PathBuf, most: usize) -> Reading;
    /// The last lines of a log, as a terminal would show them.
    fn tail(&self, reach: &Reach, path: PathBuf, lines: usize) -> Reading;
    /// What the file system says of some files, in their order.
    fn facts(&self, reach: &Reach, paths: Vec<PathBuf>) -> Facts;
    /// Lines with some words, from a byte on; for a moment only.
    fn find(&self, reach: &Reach, path: PathBuf, words: String, from: u64) -> Finding;
    /// What lies in a directory beneath that of the run; an empty path is that itself.
    fn list(&self, reach: &Reach, path: PathBuf) -> Listing;
    /// What is shown of a file, from a place in it on.
    fn preview(&self, reach: &Reach, path: PathBuf, at: u64) -> Peeking;
    /// How many lines of a file end before a byte; nothing as long as they are not counted.
    fn count(&self, reach: &Reach, path: PathBuf, before: u64) -> Counting;
    /// Where the line of a number begins; nothing as long as it is not counted.
    fn line(&self, reach: &Reach, path: PathBuf, number: u64) -> Counting;
    /// A part of a file.
    fn window(&self, reach: &Reach, path: PathBuf, part: Part) -> Looking;
}

/// The demo lab, as the first-run card offers it.
pub trait Lab: Send + Sync {
    /// Begins to play it in the background; harmless if it plays already.
    fn load(&self) -> Pin<Box<dyn Future<Output = Result<(), AppError>> + Send>>;
    /// Removes every trace of it.
    fn clear(&self) -> Pin<Box<dyn Future<Output = Result<(), AppError>> + Send>>;
}

/// Somebody who is signed in, by session or token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    pub id: UserId,
    pub name: String,
    pub audience: Audience,
    pub may_write: bool,
}

impl Viewer {
    /// An error unless there is such a run and this reader may see it.
    pub async fn sees(&self, conn: &mut Conn, run: RunId) -> Result<(), AppError> {
        self.run(conn, run).await.map(drop)
    }

    /// A run that this reader may see.
    pub async fn run(&self, conn: &mut Conn, run: RunId) -> Result<RunSummary, AppError> {
        runs::summary(conn, self.audience, run).await?.ok_or(AppError::NotFound)
    }
}

/// The handles of this request.
pub fn state() -> Result<AppState, AppError> {
    use_context::<AppState>().ok_or_else(|| AppError::internal("no state in this request"))
}

/// Who is asking; an error for anybody who is not signed in.
pub fn viewer() -> Result<Viewer, AppError> {
    let parts = use_context::<http::request::Parts>();
    parts.and_then(|parts| parts.extensions.get::<Viewer>().cloned()).ok_or(AppError::SignedOut)
}

/// Who is asking, if that person may change things.
pub fn editor() -> Result<Viewer, AppError> {
    viewer().and_then(|viewer| if viewer.may_write { Ok(viewer) } else { Err(AppError::Forbidden) })
}
