//! Files of runs: what is known of one, and why one cannot be shown. Not their content.

use crate::Millis;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What the file system says of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    /// Bytes.
    pub size: u64,
    pub modified_at: Millis,
}

/// Why a file is not shown. Each has words of its own for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoFile {
    /// No file can have this name: empty, or with a NUL.
    NotAPath,
    /// The path is relative, and nobody said to what.
    Nowhere,
    /// It lies outside of what may be shown, or a link leads there.
    Outside,
    Missing,
    /// The file system does not let Flowo read it.
    Unreadable,
    Directory,
    /// A pipe, a socket or a device.
    Special,
    /// Text was wanted.
    NotText,
    /// It is shorter now than when it was looked at.
    Shrunk,
    /// The file system did not answer in time.
    Slow,
    /// Too many files are being read.
    Busy,
    /// Anything else, in the system's words.
    Other(String),
}

impl fmt::Display for NoFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAPath => "This is not a name of a file.",
            Self::Nowhere => "Nobody said in which directory it is.",
            Self::Outside => "It lies outside of what Flowo may show of this run.",
            Self::Missing => "It is not on this machine.",
            Self::Unreadable => "Flowo may not read it.",
            Self::Directory => "It is a directory.",
            Self::Special => "It is not a file.",
            Self::NotText => "It is not text.",
            Self::Shrunk => "It became shorter while it was read.",
            Self::Slow => "The file system did not answer.",
            Self::Busy => "Too many files are being read. Try again in a moment.",
            Self::Other(why) => return write!(f, "It could not be read: {why}."),
        })
    }
}

impl std::error::Error for NoFile {}
