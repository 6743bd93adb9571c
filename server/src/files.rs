//! The gate to files of runs: which may be shown, how they are opened, and how many are read at a time.
//!
//! Knows nothing of formats, pages or addresses. A path comes from a client or a reader and is trusted in
//! neither case; `place` says what it may mean, `open` opens it so that it means nothing else.

mod find;
mod open;
mod place;

use app::state::{Part, Reach, Window};
use model::{
    file::{FileFacts, NoFile},
    log::Hits,
};
use place::Place;
pub use place::Roots;
use std::{fs::File, os::unix::fs::FileExt as _, path::Path, sync::Arc, time::Duration};
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
}

impl Gate {
    pub fn new(roots: Roots) -> Self {
        Self { roots: Arc::new(roots), turns: Arc::new(Semaphore::new(TURNS)) }
    }

    /// Whether any file is shown to somebody with this reach.
    pub fn shows(&self, reach: &Reach) -> bool {
        reach.owner || self.roots.mapped.is_some()
    }

    /// What the file system says of a file.
    ///
    /// # Errors
    /// Why it is not shown, as for all that reads here.
    pub async fn facts(&self, reach: &Reach, path: &Path, named: bool) -> Result<FileFacts, NoFile> {
        self.with(reach, path, named, |_, facts| Ok(facts)).await
    }

    /// A part of a file; of memory it takes what the part takes.
    ///
    /// # Errors
    /// As [`Self::facts`].
    pub async fn window(&self, reach: &Reach, path: &Path, named: bool, part: Part) -> Result<Window, NoFile> {
        self.with(reach, path, named, move |file, facts| {
            let (from, most) = match part {
                Part::From(from, most) => (from, most),
                Part::End(most) => (facts.size.saturating_sub(most as u64), most),
            };
            let bytes = read(&file, from, most).map_err(|error| open::why(&error))?;
            Ok(Window { facts, from, bytes })
        })
        .await
    }

    /// Lines of a file that contain `words`, from a byte on; for a moment only, then it says where to go on.
    ///
    /// # Errors
    /// As [`Self::facts`].
    pub async fn find(&self, reach: &Reach, path: &Path, words: String, from: u64) -> Result<Hits, NoFile> {
        self.with(reach, path, true, move |file, facts| find::find(&file, facts.size, &words, from).map_err(|error| open::why(&error)))
            .await
    }

    /// The file itself, to be read piece by piece.
    ///
    /// # Errors
    /// As [`Self::facts`].
    pub async fn file(&self, reach: &Reach, path: &Path) -> Result<(File, FileFacts), NoFile> {
        self.with(reach, path, true, |file, facts| Ok((file, facts))).await
    }

    /// Opens a file and does something with it, elsewhere than where requests are answered.
    async fn with<T, F>(&self, reach: &Reach, path: &Path, named: bool, work: F) -> Result<T, NoFile>
    where
        T: Send + 'static,
        F: FnOnce(File, FileFacts) -> Result<T, NoFile> + Send + 'static,
    {
        let place: Place = self.roots.place(reach, path, named)?;
        let waiting = timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await;
        let turn = waiting.map_err(|_| NoFile::Busy)?.map_err(|_| NoFile::Busy)?;
        let work = spawn_blocking(move || {
            let _turn = turn;
            let (file, facts) = open::open(&place)?;
            work(file, facts)
        });
        let done = timeout(PATIENCE, work).await.map_err(|_| NoFile::Slow)?;
        done.map_err(|_| NoFile::Other("reading it broke".to_owned()))?
    }
}

/// At most `most` bytes from `from` on.
fn read(file: &File, from: u64, most: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; most];
    let mut filled = 0;
    while filled < most {
        match file.read_at(&mut bytes[filled..], from + filled as u64) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

#[cfg(test)]
mod tests;
