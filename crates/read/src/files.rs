//! The files of runs: which may be shown, how they are opened, and how many are read at a time.
//!
//! Knows nothing of formats, pages or URLs. A path comes from a client or a reader and is trusted in neither case:
//! `place` determines what it may refer to, and `open` opens it in a way that it cannot refer to anything else.

mod child;
mod follow;
mod guard;
mod list;
mod open;
mod place;
mod reach;
mod text;
mod turns;

use ::peek::{
    counts::Counts,
    find,
    logs::{self, PackedAsk},
};
use child::Peeker;
pub use child::peek;
pub use follow::Followers;
pub use guard::Guard;
use model::{
    access::FileReach,
    clock::Clock,
    encoding::{Encoding, ReadAs},
    file::{FileFacts, NoFile},
    log::{Hits, LogFound, LogPart, Look},
    preview::{Ask, Folder, Preview},
};
use place::Place;
pub use place::Roots;
pub use reach::{ByteRange, FileSlice, Reach};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{task::spawn_blocking, time::timeout};
use turns::Turns;

/// How long Flowo waits for a file system before it gives up. A read that hangs keeps its turn until the file system
/// answers; everything else here has limits of its own below this one, in bytes and in time.
const READ_TIMEOUT: Duration = Duration::from_secs(2);

/// Reads files of runs on behalf of readers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RunFiles {
    roots: Arc<Roots>,
    guard: Arc<Guard>,
    turns: Arc<Turns>,
    peeker: Arc<Peeker>,
    counts: Arc<Counts>,
    clock: Clock,
}

impl RunFiles {
    /// `program` examines files when it is called with `peek`: it is `flowod` itself.
    pub fn new(roots: Roots, guard: Guard, program: PathBuf, clock: Clock) -> Self {
        Self {
            roots: Arc::new(roots),
            guard: Arc::new(guard),
            turns: Arc::default(),
            peeker: Arc::new(Peeker::new(program)),
            counts: Arc::new(Counts::new(clock.clone())),
            clock,
        }
    }

    /// Whether somebody with this reach is shown any file.
    pub fn shows(&self, reach: &Reach) -> bool {
        reach.extent == FileReach::Machine || self.roots.any(&reach.account)
    }

    /// What the file system reports about a file.
    ///
    /// # Errors
    /// The reason why it is not shown. The same holds for all methods below that read.
    pub async fn facts(&self, reach: &Reach, path: &Path) -> Result<FileFacts, NoFile> {
        self.with(reach, path, |_, facts| Ok(facts)).await
    }

    /// A part of a file; needs as much memory as the part has bytes. A part that would begin past the end is empty and begins at the end.
    ///
    /// # Errors
    /// As [`Self::facts`].
    pub async fn slice(&self, reach: &Reach, path: &Path, range: ByteRange) -> Result<FileSlice, NoFile> {
        self.with(reach, path, move |file, facts| {
            let (from, most) = match range {
                ByteRange::From(from, most) => (from.min(facts.size), most),
                ByteRange::End(most) => (facts.size.saturating_sub(most as u64), most),
            };
            let bytes = ::peek::read(&file, from, most).map_err(|error| open::why(&error))?;
            Ok(FileSlice { facts, from, bytes })
        })
        .await
    }

    /// Lines of a log, or the first bytes of a file that is not text.
    ///
    /// # Errors
    /// As [`Self::facts`], and [`NoFile::Shrunk`].
    pub async fn log(
        &self,
        reach: &Reach,
        path: &Path,
        part: LogPart,
        encoding: Option<Encoding>,
    ) -> Result<(FileFacts, LogFound), NoFile> {
        self.unpacked(reach, path, json!({ "log": PackedAsk::Window(part, encoding) }), move |file, facts| {
            if let LogPart::From(at) | LogPart::Before(at) = part
                && at > facts.size
            {
                return Err(NoFile::Shrunk);
            }
            logs::open(&file, facts.size, part, encoding).map_err(|error| open::why(&error))
        })
        .await
    }

    /// Searches the lines of a file. Stops after a short time and says where to continue.
    ///
    /// # Errors
    /// As [`Self::facts`].
    pub async fn find(&self, reach: &Reach, path: &Path, look: Look) -> Result<Hits, NoFile> {
        let clock = self.clock.clone();
        let found = self.unpacked(reach, path, json!({ "log": PackedAsk::Find(look.clone()) }), move |file, facts| {
            find::find(&file, facts.size, &look, &clock).map_err(|error| open::why(&error))
        });
        found.await.map(|(_, hits)| hits)
    }

    /// The encoding in which the text of a file is read; `None` for a file that is not text.
    ///
    /// # Errors
    /// As [`Self::facts`].
    pub async fn read_as(&self, reach: &Reach, path: &Path, encoding: Option<Encoding>) -> Result<Option<ReadAs>, NoFile> {
        let ask = Ask { name: name_of(path), at: 0, encoding, near: None };
        let question = json!({ "read_as": ask.clone() });
        let found = self.unpacked(reach, path, question, move |file, _| ::peek::read_as(&file, &ask).map_err(|error| open::why(&error)));
        found.await.map(|(_, read)| read)
    }

    /// How many lines of a file end before a byte; `None` until they are counted.
    ///
    /// # Errors
    /// As [`Self::facts`].
    pub async fn count(&self, reach: &Reach, path: &Path, before: u64) -> Result<Option<u64>, NoFile> {
        let counts = Arc::clone(&self.counts);
        self.with(reach, path, move |file, facts| counts.before(&file, before.min(facts.size)).map_err(|error| open::why(&error))).await
    }

    /// Where the line with a number begins; `None` until the lines are counted.
    ///
    /// # Errors
    /// As [`Self::facts`].
    pub async fn line(&self, reach: &Reach, path: &Path, number: u64) -> Result<Option<u64>, NoFile> {
        let counts = Arc::clone(&self.counts);
        let found = self.unpacked(reach, path, json!({ "log": PackedAsk::Line(number) }), move |file, _| {
            counts.line(&file, number).map_err(|error| open::why(&error))
        });
        found.await.map(|(_, at)| at)
    }

    /// The preview of a file. Another process makes it, with limits of its own.
    ///
    /// # Errors
    /// As [`Self::facts`], and [`NoFile::TooMuch`].
    pub async fn preview(&self, reach: &Reach, path: &Path, ask: Ask) -> Result<(FileFacts, Preview), NoFile> {
        let (file, facts) = self.file(reach, path).await?;
        Ok((facts, self.peeker.peek(file, &Ask { name: name_of(path), ..ask }).await?))
    }

    /// The entries of a directory below that of the run, from the start or from an entry on, and how many more there are.
    ///
    /// # Errors
    /// As [`Self::facts`].
    pub async fn list(&self, reach: &Reach, path: &Path, from: Option<String>) -> Result<Folder, NoFile> {
        let reach = Reach { beneath: true, ..reach.clone() };
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let place: Place = self.roots.place(&reach, path)?;
        let (guard, clock) = (Arc::clone(&self.guard), self.clock.clone());
        self.at(&reach, place, move |place| list::list(&place, &guard, &clock, from.as_deref())).await
    }

    /// The open file, to be read piece by piece.
    ///
    /// # Errors
    /// As [`Self::facts`].
    pub async fn file(&self, reach: &Reach, path: &Path) -> Result<(File, FileFacts), NoFile> {
        self.with(reach, path, |file, facts| Ok((file, facts))).await
    }

    /// Works on a text; for a compressed file, another process answers `question` instead.
    async fn unpacked<T, F>(&self, reach: &Reach, path: &Path, question: Value, work: F) -> Result<(FileFacts, T), NoFile>
    where
        T: DeserializeOwned + Send + 'static,
        F: FnOnce(File, FileFacts) -> Result<T, NoFile> + Send + 'static,
    {
        let found = self.with(reach, path, move |file, facts| {
            let packed = logs::is_packed(&file).map_err(|error| open::why(&error))?;
            let found = if packed { Err(file) } else { Ok(work(file, facts)?) };
            Ok((facts, found))
        });
        match found.await? {
            (facts, Ok(found)) => Ok((facts, found)),
            (facts, Err(file)) => Ok((facts, self.peeker.peek(file, &question).await?)),
        }
    }

    /// Opens a file and works on it, on a blocking thread.
    async fn with<T, F>(&self, reach: &Reach, path: &Path, work: F) -> Result<T, NoFile>
    where
        T: Send + 'static,
        F: FnOnce(File, FileFacts) -> Result<T, NoFile> + Send + 'static,
    {
        let place: Place = self.roots.place(reach, path)?;
        let (guard, clock) = (Arc::clone(&self.guard), self.clock.clone());
        self.at(reach, place, move |place| {
            let (file, facts) = open::open(&place, &guard, &clock)?;
            work(file, facts)
        })
        .await
    }

    /// Does something that may take long, on a blocking thread, once a turn is free.
    async fn at<T, F>(&self, reach: &Reach, place: Place, work: F) -> Result<T, NoFile>
    where
        T: Send + 'static,
        F: FnOnce(Place) -> Result<T, NoFile> + Send + 'static,
    {
        let root = place.root.path();
        let directory = reach.directory.as_deref().unwrap_or(&root);
        let turn = self.turns.take(directory, &root.join(&place.way), READ_TIMEOUT).await?;
        let work = spawn_blocking(move || {
            let _turn = turn;
            work(place)
        });
        let done = timeout(READ_TIMEOUT, work).await.map_err(|_| NoFile::Slow)?;
        done.map_err(|_| NoFile::Other("reading it broke".to_owned()))?
    }
}

/// The name of a file; its extension determines the file type.
fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
