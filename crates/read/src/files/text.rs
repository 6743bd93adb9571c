//! Texts that a run's client named, such as code and logs: the start of a text, or its last lines.

use super::{ByteRange, FileSlice, Reach, RunFiles};
use futures::StreamExt as _;
use model::{
    file::{FileFacts, NoFile},
    log::{LogFound, LogPart, LogText},
};
use peek::log_lines::tail;
use std::path::{Path, PathBuf};

/// How many files of one list are examined at a time.
const AT_ONCE: usize = 8;

impl RunFiles {
    /// The start of a text, at most `most` bytes, and how many bytes of the file follow.
    ///
    /// # Errors
    /// As [`Self::facts`], and [`NoFile::NotText`].
    pub async fn start(&self, reach: &Reach, path: &Path, most: usize) -> Result<(String, u64), NoFile> {
        start_of(self.slice(reach, path, ByteRange::From(0, most)).await?)
    }

    /// The last lines of a log, as a terminal would show them, and whether there are more before them.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn tail(&self, reach: &Reach, path: &Path, lines: usize) -> Result<(String, bool), NoFile> {
        match self.log(reach, path, LogPart::End, None).await? {
            (_, LogFound::Text(LogText { lines: found, from, .. })) => Ok(tail(&found, from, lines)),
            (_, LogFound::Bytes(_)) => Err(NoFile::NotText),
        }
    }

    /// What the file system reports about some files, in their order.
    pub async fn facts_of(&self, reach: &Reach, paths: Vec<PathBuf>) -> Vec<Result<FileFacts, NoFile>> {
        let all = paths.into_iter().map(|path| async move { self.facts(reach, &path).await });
        futures::stream::iter(all).buffered(AT_ONCE).collect().await
    }
}

/// The start of a text, and how many bytes of the file follow.
fn start_of(slice: FileSlice) -> Result<(String, u64), NoFile> {
    let missing = slice.facts.size.saturating_sub(slice.bytes.len() as u64);
    peek::start_of_text(&slice.bytes, missing > 0).map(|text| (text, missing)).ok_or(NoFile::NotText)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::file::FileFacts;

    /// The first `most` bytes of `all`.
    fn start(all: &[u8], most: usize) -> FileSlice {
        FileSlice { facts: FileFacts { size: all.len() as u64, modified_at: 0 }, from: 0, bytes: all[..most.min(all.len())].to_vec() }
    }

    #[test]
    fn texts_are_read_to_a_bound_and_are_texts() {
        assert_eq!(start_of(start("größe\n".as_bytes(), 100)), Ok(("größe\n".into(), 0)));
        assert_eq!(start_of(start("größe\n".as_bytes(), 3)), Ok(("gr".into(), 5)), "not half a letter");
        assert_eq!(start_of(start(&[0, 159, 146, 150], 100)), Err(NoFile::NotText));
        assert_eq!(start_of(start(b"\xff\xfea\0b\0", 100)), Ok(("ab".into(), 0)), "wide letters");
    }
}
