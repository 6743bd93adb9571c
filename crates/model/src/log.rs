//! Lines of logs as they are shown: pieces of text with the ink a terminal would give them. No files, no HTML.

use crate::{JobKey, Millis, RunId};
use serde::{Deserialize, Serialize};

/// How a piece of text is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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

/// How much a line matters, by its own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Debug,
    Warning,
    Error,
}

impl Level {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// The level that a line names near its start, the way programs do: `ERROR`, `Warning:`, `[debug]`,
    /// `ValueError:`. Words in a sentence are no levels.
    pub fn of(line: &str) -> Option<Self> {
        const NEAR: usize = 80;
        let end = (0..=NEAR.min(line.len())).rev().find(|end| line.is_char_boundary(*end)).unwrap_or(0);
        let near = &line[..end];
        let mut begin = 0;
        loop {
            let rest = &near[begin..];
            let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            let (word, after) = rest.split_at(length);
            let level = match word.to_ascii_lowercase().as_str() {
                "error" | "fatal" | "critical" | "traceback" => Some(Self::Error),
                "warning" | "warn" => Some(Self::Warning),
                "debug" | "trace" => Some(Self::Debug),
                _ if word.ends_with("Error") || word.ends_with("Exception") => Some(Self::Error),
                _ => None,
            };
            let loud = word.bytes().all(|byte| byte.is_ascii_uppercase());
            let first = near[..begin].trim().is_empty() && word.starts_with(|c: char| c.is_ascii_uppercase());
            if level.is_some() && (loud || first || after.starts_with([':', ']', '>'])) {
                return level;
            }
            let Some(between) = after.chars().next() else { break };
            begin += length + between.len_utf8();
        }
        None
    }
}

/// A line of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Where it begins, in bytes from the start of the file: names the line as long as nothing before it changes.
    pub at: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    pub text: Vec<(Ink, String)>,
    /// It is longer than what is shown.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cut: bool,
}

/// A line that has the words that were looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// Where the line begins, as [`LogLine::at`].
    pub at: u64,
    /// The line around the words, without colours.
    pub text: String,
}

/// What was found in a part of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hits {
    pub hits: Vec<Hit>,
    /// Where to go on; `None` at the end.
    pub next: Option<u64>,
    /// Bytes of the file.
    pub size: u64,
}

/// Something a client said of a run, or of a job of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    pub id: i64,
    pub run: RunId,
    pub run_name: String,
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
    fn levels_are_what_programs_say_of_themselves() {
        let error = [
            "Error in rule map:",
            "ERROR no space left",
            "2026-11-21 08:41 [error] x",
            "ValueError: x",
            "Traceback (most recent call last):",
            "E: fatal: no",
            "foo.bar.MyException: x",
        ];
        for line in error {
            assert_eq!(Level::of(line), Some(Level::Error), "{line}");
        }
        for line in ["WARNING: x", "[08:00] warn: y", "Warning message:"] {
            assert_eq!(Level::of(line), Some(Level::Warning), "{line}");
        }
        assert_eq!(Level::of("DEBUG x"), Some(Level::Debug));
        assert_eq!(Level::of("größe\u{fffd}\u{fffd} é: ERROR \u{2014} x"), Some(Level::Error), "whatever stands between");
        for line in ["", "0 errors found", "no error here", "the warning was ignored", "errors.txt", "größe ü"] {
            assert_eq!(Level::of(line), None, "{line}");
        }
    }

    #[test]
    fn plain_ink_has_no_class() {
        assert_eq!(Ink::default().classes(), None);
        assert_eq!(Ink { colour: 2, bold: true, ..Ink::default() }.classes().as_deref(), Some("ink-r bold"));
        assert_eq!(Ink { colour: 200, ..Ink::default() }.classes(), None);
    }
}
