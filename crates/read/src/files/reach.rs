//! What a reader may see of one run's files, and which part of one is asked for.

use model::{
    UserId,
    access::{FileReach, Reader, file_reach},
    file::{FileFacts, FileRef},
};
use std::{path::PathBuf, sync::Arc};

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
pub struct FileSlice {
    pub facts: FileFacts,
    /// Where it begins, in bytes from the start.
    pub from: u64,
    /// Fewer than asked for only at the end.
    pub bytes: Vec<u8>,
}

/// Which part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteRange {
    /// So many bytes from here on.
    From(u64, usize),
    /// So many bytes before the end.
    End(usize),
}
