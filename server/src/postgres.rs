//! The private PostgreSQL: started when no database is named, found again after a crash.
//!
//! Uses installed binaries and downloads none. Listens on a Unix socket in a directory of our own: no TCP port, no
//! password. If the server is killed, PostgreSQL keeps running, and the next server takes it over.

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

/// Allows one process per data directory; the lock ends with the process, however that ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock and writes our name into it.
    ///
    /// # Errors
    /// Another process holds the lock; the error names it.
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
                "{} is in use by {}; stop that, or choose another directory with --data-dir",
                data_dir.display(),
                if holder.trim().is_empty() { "another flowod" } else { holder.trim() }
            );
        }
        file.set_len(0)?;
        writeln!(file, "flowod {what}, process {}", std::process::id())?;
        Ok(Self { _file: file })
    }

    /// Whether a process holds the lock now.
    pub fn is_held(data_dir: &Path) -> bool {
        File::open(lock_path(data_dir)).is_ok_and(|file| flock(&file, FlockOperation::NonBlockingLockShared).is_err())
    }
}

fn lock_path(data_dir: &Path) -> PathBuf {
    data_dir.join("flowod.lock")
}

/// Makes the data directory if it is missing, accessible to its owner alone. An existing directory keeps its
/// permissions: everything that Flowo creates below it is private by itself.
///
/// # Errors
/// The error names the directory, and how to choose another.
pub fn make_dir(data_dir: &Path) -> Result<()> {
    // If we are root, PostgreSQL runs under another account, which must pass through here to its own directory.
    let mode = if rustix::process::geteuid().is_root() { 0o711 } else { 0o700 };
    if let Some(above) = data_dir.parent() {
        let _ = fs::create_dir_all(above); // If this fails, the next line reports why.
    }
    let made = fs::DirBuilder::new().mode(mode).create(data_dir);
    let made = made.or_else(|error| if data_dir.is_dir() { Ok(()) } else { Err(error) });
    made.with_context(|| format!("could not make {}; name another directory with --data-dir", data_dir.display()))
}
