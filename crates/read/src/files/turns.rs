//! Limits how many files are read at a time, in all, per directory and per file.
//!
//! A hanging file system blocks whatever reads it, and nothing can stop that. The limits per directory and per file
//! ensure that other files of this machine can still be read. Reads nothing.

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

/// How many files are read at the same time, ...
const ALL: usize = 32;
/// ... how many of them for the runs of one directory, ...
const OF_DIRECTORY: usize = 12;
/// ... and how many reads of one file: a log with many followers is read once for all of them.
const OF_FILE: usize = 4;

/// Permission to read one file. Dropping it releases the turn.
#[derive(Debug)]
pub struct Turn {
    _held: [OwnedSemaphorePermit; 3],
}

/// Hands out turns.
#[derive(Debug)]
pub struct Turns {
    all: Arc<Semaphore>,
    /// The limits of paths that are or were being read; unused ones are removed when another path is first read.
    shares: Mutex<HashMap<PathBuf, Weak<Semaphore>>>,
}

impl Default for Turns {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(ALL)), shares: Mutex::default() }
    }
}

impl Turns {
    /// Waits for a turn to read a file of a run in a directory.
    ///
    /// # Errors
    /// [`NoFile::Busy`] if none is free within `patience`.
    pub async fn take(&self, directory: &Path, file: &Path, patience: Duration) -> Result<Turn, NoFile> {
        // The narrowest limit first: a request that waits for one file does not block requests for others.
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

    /// The limit of one path. All who wait for or hold its turns share it.
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

    /// Takes turns until none is left.
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
