//! Lines of logs as they are shown: pieces of text with the style that a terminal would give them. No files, no HTML.

mod level;

use crate::{
    JobKey, Millis, RunId,
    encoding::{Encoding, ReadAs},
};
pub use level::Level;
use serde::{Deserialize, Serialize};

/// The style of a piece of text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ink {
    /// Terminal colours 1 to 8 from black to white, normal or bright; 0 is no colour.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub colour: u8,
    #[serde(default, skip_serializing_if = "is_false")]
    pub bold: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub dim: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub italic: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub underlined: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
const fn is_zero(n: &u8) -> bool {
    *n == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
const fn is_false(is: &bool) -> bool {
    !*is
}

impl Ink {
    /// CSS classes, or `None` for plain text.
    pub fn classes(self) -> Option<String> {
        const COLOURS: [&str; 9] = ["", "k", "r", "g", "y", "b", "m", "c", "w"];
        let colour = COLOURS.get(usize::from(self.colour)).filter(|colour| !colour.is_empty()).map(|colour| format!("ink-{colour}"));
        let ways = [(self.bold, "bold"), (self.dim, "faint"), (self.italic, "slant"), (self.underlined, "under")];
        let ways = ways.into_iter().filter(|(is, _)| *is).map(|(_, class)| class.to_owned());
        let all: Vec<String> = colour.into_iter().chain(ways).collect();
        (!all.is_empty()).then(|| all.join(" "))
    }
}

/// A line of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LogLine {
    /// Where the line begins, in bytes from the start of the file. This identifies the line as long as nothing before it changes.
    pub at: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    pub text: Vec<(Ink, String)>,
    /// How many letters at the end of the line are not shown.
    #[serde(default, skip_serializing_if = "is_none")]
    pub cut: u64,
    /// How many lines of the file are missing between the previous line and this one, because a terminal would have overwritten them.
    #[serde(default, skip_serializing_if = "is_none")]
    pub skipped: u64,
}

impl LogLine {
    /// The line's text without its style.
    pub fn plain(&self) -> String {
        self.text.iter().map(|(_, text)| text.as_str()).collect()
    }
}

#[cfg_attr(target_pointer_width = "64", expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references"))]
const fn is_none(n: &u64) -> bool {
    *n == 0
}

/// Which lines of a log to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogPart {
    End,
    /// The lines from the one that contains this byte.
    Before(u64),
    /// The lines from the one that contains this byte.
    From(u64),
}

/// A window of a log, or the first bytes of a file that is not text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogFound {
    Text(LogText),
    /// The file is not text.
    Bytes(FirstBytes),
}

/// Consecutive lines of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogText {
    pub lines: Vec<LogLine>,
    /// Where the first line begins, and where reading continues.
    pub from: u64,
    pub to: u64,
    /// The text's last line is included and not terminated: it may still grow, or overwrite the lines before it.
    #[serde(default)]
    pub open: bool,
    /// The length of the text in bytes; for a compressed file, of the decompressed part.
    pub size: u64,
    /// How many lines precede the first one; `None` if they were not counted.
    pub before: Option<u64>,
    pub read: ReadAs,
    /// The file is decompressed to be read: positions in the text are not positions in the file.
    pub packed: bool,
    /// What the reader should know about the text.
    pub note: Option<String>,
}

/// The first bytes of a file that is not text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstBytes {
    /// What the file is, as a media type.
    pub kind: Option<String>,
    /// A hex dump: offsets, byte values and letters.
    pub head: String,
}

/// What to search for in a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wanted {
    /// Lines that contain this text, ignoring ASCII case.
    Words(String),
    /// Lines of this level or a more severe one.
    Level(Level),
}

/// A search that starts at a byte.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    pub wanted: Wanted,
    pub from: u64,
    /// The encoding that the reader chose, if any.
    pub encoding: Option<Encoding>,
}

/// A line that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// Where the line begins, as [`LogLine::at`].
    pub at: u64,
    /// The part of the line around the match, without colours.
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
}

/// What was found in one part of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hits {
    pub hits: Vec<Hit>,
    /// Where to continue the search; `None` at the end.
    pub next: Option<u64>,
    /// The size of the file in bytes.
    pub size: u64,
    /// For searches by level: set if a line has a level word beyond the part that is examined. The length of that part
    /// in bytes, otherwise 0.
    #[serde(default)]
    pub judged: u64,
}

/// Something a client reported about a run or one of its jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    pub id: i64,
    pub run: RunId,
    /// The run's [title](crate::run::title). Its name on the wire is the one that pages opened before an update expect.
    #[serde(rename = "run_name")]
    pub run_title: String,
    pub job: Option<JobKey>,
    pub rule: Option<String>,
    pub is_error: bool,
    pub message: String,
    pub at: Millis,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_ink_has_no_class() {
        assert_eq!(Ink::default().classes(), None);
        assert_eq!(Ink { colour: 2, bold: true, ..Ink::default() }.classes().as_deref(), Some("ink-r bold"));
        assert_eq!(Ink { colour: 200, ..Ink::default() }.classes(), None);
    }
}
