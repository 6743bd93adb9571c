//! Texts that a run's client named, its code and its logs, through the gate: the start of one, or its last lines.

use crate::files::Gate;
use app::state::{Counting, Facts, Finding, Listing, Logging, Looking, Part, Peeking, Reach, Reading, Sources, Starting, Telling, Window};
use futures::StreamExt as _;
use model::{
    encoding::Encoding,
    file::NoFile,
    log::{LogFound, LogPart, LogText, Look},
    preview::Ask,
};
use peek::log_lines::tail;
use std::path::PathBuf;

/// Files of one list that are looked at at a time.
const AT_ONCE: usize = 8;

impl Sources for Gate {
    fn any(&self, reach: &Reach) -> bool {
        self.shows(reach)
    }

    fn read(&self, reach: &Reach, path: PathBuf, most: usize) -> Starting {
        let (gate, reach) = (self.clone(), reach.clone());
        Box::pin(async move { start_of(gate.window(&reach, &path, Part::From(0, most)).await?) })
    }

    fn tail(&self, reach: &Reach, path: PathBuf, lines: usize) -> Reading {
        let (gate, reach) = (self.clone(), reach.clone());
        Box::pin(async move {
            match gate.log(&reach, &path, LogPart::End, None).await? {
                (_, LogFound::Text(LogText { lines: found, from, .. })) => Ok(tail(&found, from, lines)),
                (_, LogFound::Bytes(_)) => Err(NoFile::NotText),
            }
        })
    }

    fn facts(&self, reach: &Reach, paths: Vec<PathBuf>) -> Facts {
        let (gate, reach) = (self.clone(), reach.clone());
        Box::pin(async move {
            let all = paths.into_iter().map(|path| {
                let (gate, reach) = (gate.clone(), reach.clone());
                async move { gate.facts(&reach, &path).await }
            });
            futures::stream::iter(all).buffered(AT_ONCE).collect().await
        })
    }

    fn log(&self, reach: &Reach, path: PathBuf, part: LogPart, encoding: Option<Encoding>) -> Logging {
        let (gate, reach) = (self.clone(), reach.clone());
        Box::pin(async move { gate.log(&reach, &path, part, encoding).await })
    }

    fn find(&self, reach: &Reach, path: PathBuf, look: Look) -> Finding {
        let (gate, reach) = (self.clone(), reach.clone());
        Box::pin(async move { gate.find(&reach, &path, look).await })
    }

    fn list(&self, reach: &Reach, path: PathBuf, from: Option<String>) -> Listing {
        let (gate, reach) = (self.clone(), reach.clone());
        Box::pin(async move { gate.list(&reach, &path, from).await })
    }

    fn preview(&self, reach: &Reach, path: PathBuf, ask: Ask) -> Peeking {
        let (gate, reach) = (self.clone(), reach.clone());
        Box::pin(async move { gate.preview(&reach, &path, ask).await })
    }

    fn read_as(&self, reach: &Reach, path: PathBuf, encoding: Option<Encoding>) -> Telling {
        let (gate, reach) = (self.clone(), reach.clone());
        Box::pin(async move { gate.read_as(&reach, &path, encoding).await })
    }

    fn count(&self, reach: &Reach, path: PathBuf, before: u64) -> Counting {
        let (gate, reach) = (self.clone(), reach.clone());
        Box::pin(async move { gate.count(&reach, &path, before).await })
    }

    fn line(&self, reach: &Reach, path: PathBuf, number: u64) -> Counting {
        let (gate, reach) = (self.clone(), reach.clone());
        Box::pin(async move { gate.line(&reach, &path, number).await })
    }

    fn window(&self, reach: &Reach, path: PathBuf, part: Part) -> Looking {
        let (gate, reach) = (self.clone(), reach.clone());
        Box::pin(async move { gate.window(&reach, &path, part).await })
    }
}

/// The start of a text, and how many bytes of the file follow.
fn start_of(window: Window) -> Result<(String, u64), NoFile> {
    let missing = window.facts.size.saturating_sub(window.bytes.len() as u64);
    peek::start_of_text(&window.bytes, missing > 0).map(|text| (text, missing)).ok_or(NoFile::NotText)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::file::FileFacts;

    /// The first `most` bytes of `all`.
    fn start(all: &[u8], most: usize) -> Window {
        Window { facts: FileFacts { size: all.len() as u64, modified_at: 0 }, from: 0, bytes: all[..most.min(all.len())].to_vec() }
    }

    #[test]
    fn texts_are_read_to_a_bound_and_are_texts() {
        assert_eq!(start_of(start("größe\n".as_bytes(), 100)), Ok(("größe\n".into(), 0)));
        assert_eq!(start_of(start("größe\n".as_bytes(), 3)), Ok(("gr".into(), 5)), "not half a letter");
        assert_eq!(start_of(start(&[0, 159, 146, 150], 100)), Err(NoFile::NotText));
        assert_eq!(start_of(start(b"\xff\xfea\0b\0", 100)), Ok(("ab".into(), 0)), "wide letters");
    }
}
