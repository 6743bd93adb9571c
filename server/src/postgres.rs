//! The private PostgreSQL: started when nobody names a database, found again after a crash.
//!
//! Binaries that are there are used; none are downloaded. A Unix socket in a directory of
//! our own, no TCP port, no password. The server outlives us if we are killed, and the next
//! start takes it over.

mod cluster;
mod find;

pub use cluster::Cluster;
pub use find::{Binaries, find};

use anyhow::{Context as _, Result, bail};
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{self, File, OpenOptions},
    io::{Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

/// One process per data directory; the lock goes with the process, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock and leaves our name in it.
    ///
    /// # Errors
    /// Says who holds it.
    pub fn take(data_dir: &Path, what: &str) -> Result<Self> {
        let path = lock_path(data_dir);
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("could not open {}", path.display()))?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            bail!(
                "{} is in use by {}; stop it, or name another directory with --data-dir",
                data_dir.display(),
                if holder.trim().is_empty() { "another flowod" } else { holder.trim() }
            );
        }
        file.set_len(0)?;
        writeln!(file, "flowod {what}, process {}", std::process::id())?;
        Ok(Self { _file: file })
    }

    /// Whether some process holds the lock now.
    pub fn is_held(data_dir: &Path) -> bool {
        File::open(lock_path(data_dir)).is_ok_and(|file| flock(&file, FlockOperation::NonBlockingLockShared).is_err())
    }
}

fn lock_path(data_dir: &Path) -> PathBuf {
    data_dir.join("flowod.lock")
}

/// Makes the data directory if it is missing, for its owner alone. One that is there keeps its rights: all that Flowo
/// makes below it is private by itself.
///
/// # Errors
/// Says which directory, and how to name another.
pub fn make_dir(data_dir: &Path) -> Result<()> {
    // As root, PostgreSQL runs under another account that passes through here on its way to its own directory.
    let mode = if rustix::process::geteuid().is_root() { 0o711 } else { 0o700 };
    if let Some(above) = data_dir.parent() {
        let _ = fs::create_dir_all(above); // What is wrong with it, the next line says.
    }
    let made = fs::DirBuilder::new().mode(mode).create(data_dir);
    let made = made.or_else(|error| if data_dir.is_dir() { Ok(()) } else { Err(error) });
    made.with_context(|| format!("could not make {}; name another directory with --data-dir", data_dir.display()))
}
