//! Texts that a run's client named, its code and its logs, through the gate: the start of one, or its last lines.

use crate::files::Gate;
use app::state::{Counting, Facts, Finding, Listing, Looking, Part, Peeking, Reach, Reading, Sources, Window};
use futures::StreamExt as _;
use model::file::NoFile;
use std::path::PathBuf;

/// Bytes of the end of a log in which its last lines are looked for.
const END: usize = 64 << 10;
/// Files of one list that are looked at at a time.
const AT_ONCE: usize = 8;

impl Sources for Gate {
    fn any(&self, reach: &Reach) -> bool {
        self.shows(reach)
    }

    fn read(&self, reach: &Reach, path: PathBuf, most: usize) -> Reading {
        let (gate, reach) = (self.clone(), reach.clone());
        Box::pin(async move { start_of(gate.window(&reach, &path, Part::From(0, most)).await?) })
    }

    fn tail(&self, reach: &Reach, path: PathBuf, lines: usize) -> Reading {
        let (gate, reach) = (self.clone(), reach.clone());
        Box::pin(async move { end_of(&gate.window(&reach, &path, Part::End(END)).await?, lines) })
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

    fn find(&self, reach: &Reach, path: PathBuf, words: String, from: u64) -> Finding {
        let (gate, reach) = (self.clone(), reach.clone());
        Box::pin(async move { gate.find(&reach, &path, words, from).await })
    }

    fn list(&self, reach: &Reach, path: PathBuf) -> Listing {
        let (gate, reach) = (self.clone(), reach.clone());
        Box::pin(async move { gate.list(&reach, &path).await })
    }

    fn preview(&self, reach: &Reach, path: PathBuf, at: u64) -> Peeking {
        let (gate, reach) = (self.clone(), reach.clone());
        Box::pin(async move { gate.preview(&reach, &path, at).await })
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

/// As a terminal would show it: without colours, and of a line that was written over only the last state.
fn end_of(window: &Window, lines: usize) -> Result<(String, bool), NoFile> {
    if window.bytes.contains(&0) {
        return Err(NoFile::NotText);
    }
    let text = String::from_utf8_lossy(&window.bytes);
    let text = anstream::adapter::strip_str(&text).to_string();
    let all: Vec<&str> = text.trim_end().lines().map(|line| line.trim_end_matches('\r').rsplit('\r').next().unwrap_or(line)).collect();
    let first = all.len().saturating_sub(lines);
    Ok((all[first..].join("\n"), window.from > 0 || first > 0))
}

fn start_of(window: Window) -> Result<(String, bool), NoFile> {
    let cut = window.facts.size > window.bytes.len() as u64;
    // Cut inside a letter is no reason to call it binary.
    let text = match String::from_utf8(window.bytes) {
        Ok(text) => text,
        Err(error) if cut && error.utf8_error().error_len().is_none() => {
            let whole = error.utf8_error().valid_up_to();
            String::from_utf8_lossy(&error.as_bytes()[..whole]).into_owned()
        }
        Err(_) => return Err(NoFile::NotText),
    };
    if text.contains('\0') { Err(NoFile::NotText) } else { Ok((text, cut)) }
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
        assert_eq!(start_of(start("größe\n".as_bytes(), 100)), Ok(("größe\n".into(), false)));
        assert_eq!(start_of(start("größe\n".as_bytes(), 3)), Ok(("gr".into(), true)), "not half a letter");
        assert_eq!(start_of(start(&[0, 159, 146, 150], 100)), Err(NoFile::NotText));
        assert_eq!(start_of(start(b"a\0b", 100)), Err(NoFile::NotText));
    }

    #[test]
    fn the_end_of_a_log_is_what_a_terminal_would_show() {
        let log = start(b"one\n10 %\r50 %\r100 %\r\n\x1b[31mred\x1b[0m\nend\n\n", 1000);
        assert_eq!(end_of(&log, 10), Ok(("one\n100 %\nred\nend".into(), false)));
        assert_eq!(end_of(&log, 2), Ok(("red\nend".into(), true)));
        assert_eq!(end_of(&Window { from: 5, ..log }, 10).map(|(_, more)| more), Ok(true), "what stands before it is more");
        assert_eq!(end_of(&start(b"", 9), 5), Ok((String::new(), false)));
        assert_eq!(end_of(&start(b"a\0b", 9), 5), Err(NoFile::NotText));
    }
}
