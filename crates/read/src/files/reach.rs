//! Which of one run's files a reader may see, and which part of a file is requested.

use model::{
    UserId,
    access::{FileReach, FileReader, file_reach},
    file::{FileFacts, FileRef},
};
use std::{path::PathBuf, sync::Arc};

/// Which files of a run may be shown to a reader.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reach {
    /// Where the run ran, as its client wrote it. It grants nothing, because a client may write anything.
    pub directory: Option<PathBuf>,
    /// How far the reader sees.
    pub extent: FileReach,
    /// The name of the reader's account, whose roots apply.
    pub account: Arc<str>,
    /// Only what lies below the run's directory: the file was named by the reader, not by the run.
    pub beneath: bool,
}

impl Reach {
    /// What `reader`, whose account is called `account`, may see of the files of a run that belongs to `run_of`.
    pub fn of(reader: &FileReader, account: &str, run_of: Option<UserId>, directory: Option<&str>) -> Self {
        let extent = file_reach(reader, run_of);
        Self { directory: directory.map(PathBuf::from), extent, account: account.into(), beneath: false }
    }

    /// The same reach, restricted as needed for the file that `file` names.
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
    /// Fewer bytes than requested only at the end.
    pub bytes: Vec<u8>,
}

/// Which part of a file to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteRange {
    /// This many bytes from this position on.
    From(u64, usize),
    /// This many bytes before the end.
    End(usize),
}
