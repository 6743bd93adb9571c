//! Lines of logs as they are shown: pieces of text with the ink a terminal would give them. No files, no HTML.

mod level;

use crate::{
    JobKey, Millis, RunId,
    encoding::{Encoding, ReadAs},
};
pub use level::Level;
use serde::{Deserialize, Serialize};

/// How a piece of text is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ink {
    /// 1 to 8, the colours of a terminal from black to white, bright or not; 0 for none.
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
    /// Classes of the style sheet, or nothing for plain text.
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
    /// Where it begins, in bytes from the start of the file: names the line as long as nothing before it changes.
    pub at: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    pub text: Vec<(Ink, String)>,
    /// So many letters of it are not shown.
    #[serde(default, skip_serializing_if = "is_none")]
    pub cut: u64,
    /// So many lines of the file since the one before it are none here: a terminal wrote over others in their place.
    #[serde(default, skip_serializing_if = "is_none")]
    pub skipped: u64,
}

impl LogLine {
    /// Its letters without their ink.
    pub fn plain(&self) -> String {
        self.text.iter().map(|(_, text)| text.as_str()).collect()
    }
}

#[cfg_attr(target_pointer_width = "64", expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references"))]
const fn is_none(n: &u64) -> bool {
    *n == 0
}

/// Which lines of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogPart {
    End,
    /// Those that end before this byte, which begins a line.
    Before(u64),
    /// Those from the line on in which this byte is.
    From(u64),
}

/// A window of a log, or what there is of a file that is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogFound {
    Text(LogText),
    /// It is no text.
    Bytes(FirstBytes),
}

/// Lines of a log that follow each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogText {
    pub lines: Vec<LogLine>,
    /// Where the first line begins, and where one goes on reading.
    pub from: u64,
    pub to: u64,
    /// The last line of the text is here and has no end yet: it may grow, or write over those before it.
    #[serde(default)]
    pub open: bool,
    /// Bytes of the text: of a packed file, those that were unpacked.
    pub size: u64,
    /// Lines before the first one; `None` as long as nobody counted them.
    pub before: Option<u64>,
    pub read: ReadAs,
    /// It is unpacked to be read: places in it are none of the file.
    pub packed: bool,
    /// What the reader should know of the text.
    pub note: Option<String>,
}

/// The start of what is no text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstBytes {
    /// What it is, as a media type.
    pub kind: Option<String>,
    /// Where, their numbers, their letters.
    pub head: String,
}

/// What is looked for in a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wanted {
    /// Lines that contain these, whatever the case of their ASCII letters.
    Words(String),
    /// Lines that matter so much or more.
    Level(Level),
}

/// A look for something, from a byte on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    pub wanted: Wanted,
    pub from: u64,
    /// How the reader wants it read.
    pub encoding: Option<Encoding>,
}

/// A line that was looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// Where the line begins, as [`LogLine::at`].
    pub at: u64,
    /// The line around the words, without colours.
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
}

/// What was found in a part of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hits {
    pub hits: Vec<Hit>,
    /// Where to go on; `None` at the end.
    pub next: Option<u64>,
    /// Bytes of the file.
    pub size: u64,
    /// Of levels: a word of one stands in a line behind the part by which it is judged, so many bytes of it; 0 if nowhere.
    #[serde(default)]
    pub judged: u64,
}

/// Something a client said of a run, or of a job of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    pub id: i64,
    pub run: RunId,
    /// Its [title](crate::run::title); on the wire as pages know it that were opened before.
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
