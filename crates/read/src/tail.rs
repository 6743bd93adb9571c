//! The last lines of logs.

use crate::{Reader, files::Reach};
use std::path::Path;
use view::logs::{LINES, LogTail};

/// A page shows the last lines of at most this many logs.
const TAILS: usize = 4;

/// The last lines of the first few logs that a run named; empty for readers who may not see files.
pub async fn tails(reader: &Reader, reach: &Reach, paths: Vec<String>) -> Vec<LogTail> {
    let mut tails = Vec::new();
    if !reader.files.shows(reach) {
        return tails;
    }
    for path in paths.into_iter().take(TAILS) {
        let (text, more) = match reader.files.tail(reach, Path::new(&path), LINES).await {
            Ok((text, more)) => (Ok(text), more),
            Err(why) => (Err(why.to_string()), false),
        };
        tails.push(LogTail { path, text, more });
    }
    tails
}
