//! Turns at the file system: so many at a time, and of those a share for any one file and any one directory.
//!
//! A file system that hangs keeps what reads it, and nothing can stop that. The shares see to it that the other
//! files of this machine are read meanwhile. Reads nothing.

use model::file::NoFile;
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};
use tokio::{
    sync::{AcquireError, OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// Files read at the same time, ...
const ALL: usize = 32;
/// ... of them for the runs of one directory, ...
const OF_DIRECTORY: usize = 12;
/// ... and for one file: a log with many readers is read once for all who follow it.
const OF_FILE: usize = 4;

/// A turn. Dropping it gives it back.
#[derive(Debug)]
pub struct Turn {
    _held: [OwnedSemaphorePermit; 3],
}

/// Whose turn it is.
#[derive(Debug)]
pub struct Turns {
    all: Arc<Semaphore>,
    /// Of what is being read, or was: forgotten when something else is first read.
    shares: Mutex<HashMap<PathBuf, Weak<Semaphore>>>,
}

impl Default for Turns {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(ALL)), shares: Mutex::default() }
    }
}

impl Turns {
    /// Waits for a turn at a file of a run in a directory.
    ///
    /// # Errors
    /// [`NoFile::Busy`] if there is none within `patience`.
    pub async fn take(&self, directory: &Path, file: &Path, patience: Duration) -> Result<Turn, NoFile> {
        // The narrow one first: whoever waits for one file keeps nobody from another.
        let of_file = self.share(file, OF_FILE);
        let of_directory = self.share(&directory.join("."), OF_DIRECTORY);
        let held = async {
            let one = of_file.acquire_owned().await?;
            let two = of_directory.acquire_owned().await?;
            Ok::<_, AcquireError>([one, two, Arc::clone(&self.all).acquire_owned().await?])
        };
        let held = timeout(patience, held).await.map_err(|_| NoFile::Busy)?.map_err(|_| NoFile::Busy)?;
        Ok(Turn { _held: held })
    }

    /// The turns of one path. As long as somebody waits for one or has it, they are the same.
    fn share(&self, path: &Path, most: usize) -> Arc<Semaphore> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = shares.get(path).and_then(Weak::upgrade) {
            return share;
        }
        shares.retain(|_, share| share.strong_count() > 0);
        let share = Arc::new(Semaphore::new(most));
        shares.insert(path.to_owned(), Arc::downgrade(&share));
        share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(10);
    const LONG: Duration = Duration::from_secs(20);

    /// Turns until there is none.
    async fn all(turns: &Turns, directory: &str, file: impl Fn(usize) -> String) -> Vec<Turn> {
        let mut taken = Vec::new();
        while let Ok(turn) = turns.take(Path::new(directory), Path::new(&file(taken.len())), SOON).await {
            taken.push(turn);
            assert!(taken.len() <= ALL);
        }
        taken
    }

    #[tokio::test]
    async fn neither_one_file_nor_one_directory_has_all_turns() {
        let turns = Turns::default();
        let file = all(&turns, "/a", |_| "/a/log".into()).await;
        assert_eq!(file.len(), OF_FILE);
        let directory = all(&turns, "/a", |at| format!("/a/{at}")).await;
        assert_eq!(file.len() + directory.len(), OF_DIRECTORY);

        turns.take(Path::new("/b"), Path::new("/b/log"), LONG).await.expect("another run's file has a turn");

        drop(file);
        turns.take(Path::new("/a"), Path::new("/a/log"), LONG).await.expect("a turn that was given back");
    }

    #[tokio::test]
    async fn what_nobody_reads_is_forgotten() {
        let turns = Turns::default();
        for at in 0..1_000 {
            turns.take(Path::new("/a"), Path::new(&format!("/a/{at}")), LONG).await.expect("a turn");
        }
        let held = turns.shares.lock().expect("the shares").len();
        assert!(held < 10, "{held}");
    }
}
