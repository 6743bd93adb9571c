//! What pages and server functions are given: handles, and who is asking. Server only.

use crate::{
    error::AppError, figures::Figures, followers::Followers, graphs::Graphs, job_graphs::JobGraphs, marks::AllMarks, timelines::Timelines,
};
use leptos::prelude::*;
use live::Hub;
use model::{
    RunId, UserId,
    access::{Audience, Credential, FileReach, Grant, Permission, Reader, file_reach, may},
    encoding::{Encoding, ReadAs},
    file::{FileFacts, FileRef, NoFile},
    log::{Hits, LogFound, LogPart, Look},
    preview::{Ask, Folder, Preview},
    run::RunSummary,
};
use std::{future::Future, ops::Deref, path::PathBuf, pin::Pin, sync::Arc};
use store::{Conn, Store, runs};

/// [`Handles`], as every request has them. Cheap to clone: each layer of a request does.
#[derive(Clone)]
pub struct AppState(Arc<Handles>);

impl AppState {
    pub fn new(handles: Handles) -> Self {
        Self(Arc::new(handles))
    }
}

impl Deref for AppState {
    type Target = Handles;

    fn deref(&self) -> &Handles {
        &self.0
    }
}

/// Handles on everything a page needs.
pub struct Handles {
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
    /// Where the run ran, as its client wrote it. It gives no right: a client may write anything.
    pub directory: Option<PathBuf>,
    /// How far the reader sees.
    pub extent: FileReach,
    /// The name of the reader's account, whose roots count.
    pub account: Arc<str>,
    /// Only what lies beneath the directory: the reader named the file, not the run.
    pub beneath: bool,
}

impl Reach {
    /// What `reader`, whose account is called `account`, may see of the files of a run that belongs to `run_of`.
    pub fn of(reader: &Reader, account: &str, run_of: Option<UserId>, directory: Option<&str>) -> Self {
        let extent = file_reach(reader, run_of);
        Self { directory: directory.map(PathBuf::from), extent, account: account.into(), beneath: false }
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

/// A window of a log that is read elsewhere.
pub type Logging = Pin<Box<dyn Future<Output = Result<(FileFacts, LogFound), NoFile>> + Send>>;

/// How a text is written that is read elsewhere; nothing for what is none.
pub type Telling = Pin<Box<dyn Future<Output = Result<Option<ReadAs>, NoFile>> + Send>>;

/// What lies in a directory.
pub type Listing = Pin<Box<dyn Future<Output = Result<Folder, NoFile>> + Send>>;

/// A count of lines, or a place in a file; nothing as long as it is being counted.
pub type Counting = Pin<Box<dyn Future<Output = Result<Option<u64>, NoFile>> + Send>>;

/// A file that is looked into elsewhere.
pub type Peeking = Pin<Box<dyn Future<Output = Result<(FileFacts, Preview), NoFile>> + Send>>;

/// A part that is read elsewhere.
pub type Looking = Pin<Box<dyn Future<Output = Result<Window, NoFile>> + Send>>;

/// The end of a text that is read elsewhere: with whether there is more before it.
pub type Reading = Pin<Box<dyn Future<Output = Result<(String, bool), NoFile>> + Send>>;

/// The start of a text that is read elsewhere: with how many bytes of the file follow.
pub type Starting = Pin<Box<dyn Future<Output = Result<(String, u64), NoFile>> + Send>>;

/// Files that a run named, as far as they may be shown.
pub trait Sources: Send + Sync {
    /// Whether any may be.
    fn any(&self, reach: &Reach) -> bool;
    /// The start of a text, at most `most` bytes.
    fn read(&self, reach: &Reach, path: PathBuf, most: usize) -> Starting;
    /// The last lines of a log, as a terminal would show them.
    fn tail(&self, reach: &Reach, path: PathBuf, lines: usize) -> Reading;
    /// What the file system says of some files, in their order.
    fn facts(&self, reach: &Reach, paths: Vec<PathBuf>) -> Facts;
    /// Lines of a log, or what there is of a file that is none; unpacked if it is packed.
    fn log(&self, reach: &Reach, path: PathBuf, part: LogPart, encoding: Option<Encoding>) -> Logging;
    /// Lines that are looked for, from a byte on; for a moment only.
    fn find(&self, reach: &Reach, path: PathBuf, look: Look) -> Finding;
    /// What lies in a directory beneath that of the run, from the start or an entry on; an empty path is that itself.
    fn list(&self, reach: &Reach, path: PathBuf, from: Option<String>) -> Listing;
    /// What is shown of a file, from a place in it on. The gate knows its name.
    fn preview(&self, reach: &Reach, path: PathBuf, ask: Ask) -> Peeking;
    /// How the letters of a file are read.
    fn read_as(&self, reach: &Reach, path: PathBuf, encoding: Option<Encoding>) -> Telling;
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
    /// What the account and the means by which it came in permit.
    pub grant: Grant,
    /// Whose runs are seen.
    pub audience: Audience,
    /// As whom files are read.
    pub reader: Reader,
    /// What was shown; `None` at a door that asks for nothing.
    pub credential: Option<Credential>,
}

/// A run that somebody may see, and which of its files.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub run: RunSummary,
    pub reach: Reach,
}

impl Viewer {
    /// An error unless there is such a run and this reader may see it.
    pub async fn sees(&self, conn: &mut Conn, run: RunId) -> Result<(), AppError> {
        self.run(conn, run).await.map(drop)
    }

    /// A run that this reader may see, with the reach into its files.
    pub async fn run(&self, conn: &mut Conn, run: RunId) -> Result<Seen, AppError> {
        let (run, run_of) = runs::owned(conn, self.audience, run).await?.ok_or(AppError::NotFound)?;
        let reach = Reach::of(&self.reader, &self.name, run_of, run.directory.as_deref());
        Ok(Seen { run, reach })
    }
}

/// Notes in the audit log that somebody read a file by the owner's reach. Where it cannot be noted, it is read all the same.
pub async fn note_read(state: &AppState, by: UserId, run: RunId, reach: &Reach, path: &str) {
    if reach.extent != FileReach::Machine {
        return;
    }
    let noted = async { store::audit::file_read(&mut *state.store.conn().await?, by, run, path).await };
    if let Err(error) = noted.await {
        tracing::warn!(run.id = %run, error = store::error::chain(&error), "A file that was read is not in the audit log");
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

/// Who is asking, if that person may change runs.
pub fn editor() -> Result<Viewer, AppError> {
    let viewer = viewer()?;
    may(viewer.grant, Permission::ChangeRuns).map_err(AppError::Refused)?;
    Ok(viewer)
}
