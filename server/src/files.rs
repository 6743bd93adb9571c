//! The gate to files of runs: which may be shown, how they are opened, and how many are read at a time.
//!
//! Knows nothing of formats, pages or addresses. A path comes from a client or a reader and is trusted in
//! neither case; `place` says what it may mean, `open` opens it so that it means nothing else.

mod child;
mod list;
mod open;
mod place;

use ::peek::{counts::Counts, find};
use app::state::{Part, Reach, Window};
use child::Peeker;
pub use child::peek;
use model::{
    file::{FileFacts, NoFile},
    log::Hits,
    preview::{Ask, Entry, Preview},
};
use place::Place;
pub use place::Roots;
use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

/// A file system that hangs is given up. What waits for it keeps its turn until it answers.
const PATIENCE: Duration = Duration::from_secs(2);
/// Files read at the same time.
const TURNS: usize = 32;

/// Lets files through. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Gate {
    roots: Arc<Roots>,
    turns: Arc<Semaphore>,
    peeker: Arc<Peeker>,
    counts: Arc<Counts>,
}

impl Gate {
    /// `program` looks into files when it is called with `peek`: `flowod` itself.
    pub fn new(roots: Roots, program: PathBuf) -> Self {
        Self {
            roots: Arc::new(roots),
            turns: Arc::new(Semaphore::new(TURNS)),
            peeker: Arc::new(Peeker::new(program)),
            counts: Arc::default(),
        }
    }

    /// Whether any file is shown to somebody with this reach.
    pub fn shows(&self, reach: &Reach) -> bool {
        reach.owner || self.roots.mapped.is_some()
    }

    /// What the file system says of a file.
    ///
    /// # Errors
    /// Why it is not shown, as for all that reads here.
    pub async fn facts(&self, reach: &Reach, path: &Path) -> Result<FileFacts, NoFile> {
        self.with(reach, path, |_, facts| Ok(facts)).await
    }

    /// A part of a file; of memory it takes what the part takes.
    ///
    /// # Errors
    /// As [`Self::facts`].
    pub async fn window(&self, reach: &Reach, path: &Path, part: Part) -> Result<Window, NoFile> {
        self.with(reach, path, move |file, facts| {
            let (from, most) = match part {
                Part::From(from, most) => (from, most),
                Part::End(most) => (facts.size.saturating_sub(most as u64), most),
            };
            let bytes = ::peek::read(&file, from, most).map_err(|error| open::why(&error))?;
            Ok(Window { facts, from, bytes })
        })
        .await
    }

    /// Lines of a file that contain `words`, from a byte on; for a moment only, then it says where to go on.
    ///
    /// # Errors
    /// As [`Self::facts`].
    pub async fn find(&self, reach: &Reach, path: &Path, words: String, from: u64) -> Result<Hits, NoFile> {
        self.with(reach, path, move |file, facts| find::find(&file, facts.size, &words, from).map_err(|error| open::why(&error))).await
    }

    /// How many lines of a file end before a byte; `None` as long as they are not counted.
    ///
    /// # Errors
    /// As [`Self::facts`].
    pub async fn count(&self, reach: &Reach, path: &Path, before: u64) -> Result<Option<u64>, NoFile> {
        let counts = Arc::clone(&self.counts);
        self.with(reach, path, move |file, facts| counts.before(&file, before.min(facts.size)).map_err(|error| open::why(&error))).await
    }

    /// Where the line of a number begins; `None` as long as it is not counted.
    ///
    /// # Errors
    /// As [`Self::facts`].
    pub async fn line(&self, reach: &Reach, path: &Path, number: u64) -> Result<Option<u64>, NoFile> {
        let counts = Arc::clone(&self.counts);
        self.with(reach, path, move |file, _| counts.line(&file, number).map_err(|error| open::why(&error))).await
    }

    /// What is shown of a file. Another process makes it, with bounds of its own.
    ///
    /// # Errors
    /// As [`Self::facts`], and [`NoFile::TooMuch`].
    pub async fn preview(&self, reach: &Reach, path: &Path, at: u64) -> Result<(FileFacts, Preview), NoFile> {
        let (file, facts) = self.file(reach, path).await?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok((facts, self.peeker.peek(file, &Ask { name, at }).await?))
    }

    /// What lies in a directory beneath that of the run, and whether there is more than that.
    ///
    /// # Errors
    /// As [`Self::facts`].
    pub async fn list(&self, reach: &Reach, path: &Path) -> Result<(Vec<Entry>, bool), NoFile> {
        let reach = Reach { beneath: true, ..reach.clone() };
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let place: Place = self.roots.place(&reach, path)?;
        self.at(move || list::list(&place)).await
    }

    /// The file itself, to be read piece by piece.
    ///
    /// # Errors
    /// As [`Self::facts`].
    pub async fn file(&self, reach: &Reach, path: &Path) -> Result<(File, FileFacts), NoFile> {
        self.with(reach, path, |file, facts| Ok((file, facts))).await
    }

    /// Opens a file and does something with it, elsewhere than where requests are answered.
    async fn with<T, F>(&self, reach: &Reach, path: &Path, work: F) -> Result<T, NoFile>
    where
        T: Send + 'static,
        F: FnOnce(File, FileFacts) -> Result<T, NoFile> + Send + 'static,
    {
        let place: Place = self.roots.place(reach, path)?;
        self.at(move || {
            let (file, facts) = open::open(&place)?;
            work(file, facts)
        })
        .await
    }

    /// Does something that may take long, when it is its turn.
    async fn at<T, F>(&self, work: F) -> Result<T, NoFile>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, NoFile> + Send + 'static,
    {
        let waiting = timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await;
        let turn = waiting.map_err(|_| NoFile::Busy)?.map_err(|_| NoFile::Busy)?;
        let work = spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        let done = timeout(PATIENCE, work).await.map_err(|_| NoFile::Slow)?;
        done.map_err(|_| NoFile::Other("reading it broke".to_owned()))?
    }
}

#[cfg(test)]
mod tests;
