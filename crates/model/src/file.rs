//! Files of runs: what is known of a file, and why it cannot be shown. Not their content.

use crate::{Invalid, Millis};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What the file system reports about a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    /// Bytes.
    pub size: u64,
    pub modified_at: Millis,
}

/// A file of a run, as URLs name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FileRef {
    /// The client's own log of the run: `run`.
    Log,
    /// A path that a job of the run named, by the path's number.
    Known(i64),
    /// A path that a job of the run named, by the path itself: `=` and the path.
    Named(String),
    /// A file below the directory of the run: `./` and the relative path.
    Under(String),
}

impl fmt::Display for FileRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log => f.write_str("run"),
            Self::Known(id) => write!(f, "{id}"),
            Self::Named(path) => write!(f, "={path}"),
            Self::Under(way) => write!(f, "./{way}"),
        }
    }
}

impl FromStr for FileRef {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(path) = text.strip_prefix('=') {
            return Ok(Self::Named(path.to_owned()));
        }
        match text.strip_prefix("./") {
            Some(way) => Ok(Self::Under(way.to_owned())),
            None if text == "run" => Ok(Self::Log),
            None => text
                .parse()
                .map(Self::Known)
                .map_err(|_| Invalid::new("file", text, "`run`, the number of a path, `=` and a path, or `./` and a way")),
        }
    }
}

/// Why a file is not shown. Each reason has its own text for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoFile {
    /// No file can have this name: it is empty or contains a NUL.
    NotAPath,
    /// The path is relative, and its base directory is unknown.
    Nowhere,
    /// The path is outside of what may be shown, or a link leads outside.
    Outside,
    /// No root of the reader's account covers it.
    NotGiven,
    /// The reader may not see the run any more: it was deleted, or it is for others now.
    Hidden,
    /// The file may hold keys or passwords; Flowo shows it to nobody.
    Secret,
    Missing,
    /// The file system does not let Flowo read it.
    Unreadable,
    Directory,
    /// A pipe, a socket or a device.
    Special,
    /// The caller wanted text.
    NotText,
    /// The file is shorter now than when it was last read.
    Shrunk,
    /// The file system did not answer in time.
    Slow,
    /// Examining it takes more memory or time than a preview may use.
    TooMuch,
    /// Too many files are being read at the moment.
    Busy,
    /// The process that makes its preview broke.
    Broken,
    /// Anything else, in the operating system's words.
    Other(String),
}

impl NoFile {
    /// Whether it is worth trying again although the file has not changed.
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::Shrunk | Self::Slow | Self::TooMuch | Self::Busy | Self::Broken | Self::Other(_))
    }
}

impl fmt::Display for NoFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAPath => "This is not a valid file name.",
            Self::Nowhere => "The directory of this file was not reported.",
            Self::Outside => "This file is outside the directories that Flowo may show for this run, or a symbolic link leads out of them.",
            Self::NotGiven => "This path is outside the directories you may read. Ask an admin to add it to FLOWO_FILE_ROOTS.",
            Self::Hidden => "You can no longer see this run.",
            Self::Secret => "Flowo never shows this kind of file, because it can contain keys or passwords.",
            Self::Missing => "This file is not on the Flowo server.",
            Self::Unreadable => "Flowo has no permission to read this file.",
            Self::Directory => "This is a directory.",
            Self::Special => "This is not a regular file.",
            Self::NotText => "This file is not text.",
            Self::Shrunk => "This file was truncated while Flowo was reading it. Try again.",
            Self::TooMuch => "This file is too large or complex to preview. Download it instead.",
            Self::Slow => "The file system did not answer. Try again in a moment.",
            Self::Broken => "The preview failed.",
            Self::Busy => "Too many files are being read. Try again in a moment.",
            Self::Other(why) => return write!(f, "This file could not be read: {why}."),
        })
    }
}

impl std::error::Error for NoFile {}
