//! Parts of a client's report, or of a list on a run's page, that were left out because they are too long. The page
//! shows the rest, and says how much is missing.

use crate::text;
use serde::{Deserialize, Serialize};

/// The part of a run that was cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Bytes of its name.
    Name,
    /// Tags, each counted once.
    Tags,
    /// Bytes of its longest tag.
    Tag,
    /// Errors that it reported.
    Errors,
    /// Its rules, in the list of rules.
    Rules,
    /// Attempts of the same thing, in the list of attempts.
    Attempts,
    /// Bytes of the path of its log. A longer path is not stored at all.
    Logfile,
}

/// How much of a part was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    pub part: Part,
    pub kept: u64,
    pub of: u64,
}

impl Cut {
    /// `None` if all is kept.
    pub fn new(part: Part, kept: usize, of: usize) -> Option<Self> {
        (kept < of).then_some(Self { part, kept: kept as u64, of: of as u64 })
    }

    /// The cut as a sentence without its full stop.
    pub fn says(&self) -> String {
        let (kept, of) = (text::count(self.kept as i64), text::count(self.of as i64));
        match self.part {
            Part::Name => format!("The client sent a name of {of} bytes. Flowo keeps the first {kept}"),
            Part::Tags => format!("The client sent {of} tags. Flowo keeps the first {kept}"),
            Part::Tag => format!("The client sent a tag of {of} bytes. Flowo keeps the first {kept}"),
            Part::Logfile => {
                format!("The client sent a log path of {of} bytes. Flowo keeps at most {kept}, so it does not read the run's log")
            }
            Part::Errors => format!("The client reported {of} errors. The first {kept} are listed here, all of them under Logs"),
            Part::Rules => format!("This run has {of} rules. The first {kept} are listed"),
            Part::Attempts => format!("There are {of} attempts of this run. The newest {kept} are listed"),
        }
    }
}

/// At most `bytes` bytes from the beginning of a text, and then a mark if the text goes on.
pub fn head(text: &str, bytes: usize) -> String {
    if text.len() <= bytes { text.to_owned() } else { format!("{}…", &text[..text.floor_char_boundary(bytes)]) }
}

/// A text of at most `letters` letters: one that is longer is cut, and ends with an ellipsis. For labels whose whole text
/// is a hover away.
pub fn fitting(text: &str, letters: usize) -> String {
    match text.char_indices().nth(letters.saturating_sub(1)) {
        Some((end, letter)) if end + letter.len_utf8() < text.len() => format!("{}…", &text[..end]),
        _ => text.to_owned(),
    }
}

/// At most `letters` letters from the beginning of a text, and the number of letters that follow.
pub fn letters(text: &str, letters: usize) -> String {
    letters_of(text, letters, text.chars().count() as u64)
}

/// Like [`letters`], for a text of `all` letters of which `text` is only the beginning.
pub fn letters_of(text: &str, letters: usize, all: u64) -> String {
    let shown = &text[..text.char_indices().nth(letters).map_or(text.len(), |(end, _)| end)];
    let missing = all.saturating_sub(shown.chars().count() as u64);
    if missing == 0 {
        return shown.to_owned();
    }
    format!("{shown}… ({})", text::more(missing, "letter"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_that_does_not_fit_ends_with_an_ellipsis() {
        for (label, shown) in [
            ("map A", "map A"),
            ("eighteen letters!!", "eighteen letters!!"),
            ("nineteen letters!!!", "nineteen letters!…"),
            ("größe größe größe ü", "größe größe größe…"),
            ("", ""),
        ] {
            assert_eq!(fitting(label, 18), shown);
        }
        assert_eq!([fitting("ab", 1), fitting("ab", 0)], ["…", "…"]);
    }

    #[test]
    fn what_is_cut_says_how_much_is_missing() {
        assert_eq!(letters("äöü", 3), "äöü");
        assert_eq!(letters("äöüß", 3), "äöü… (1 more letter)");
        assert_eq!(letters_of("äöüß", 3, 40), "äöü… (37 more letters)");
        assert_eq!(letters_of("äöüß", 9, 40), "äöüß… (36 more letters)");
        assert_eq!(head("äö", 4), "äö");
        assert_eq!(head("äö", 3), "ä…");
        assert_eq!(Cut::new(Part::Tags, 5, 5), None);
        let cut = Cut::new(Part::Name, 1_000, 60_000).expect("a cut");
        assert_eq!(cut.says(), "The client sent a name of 60\u{202f}000 bytes. Flowo keeps the first 1\u{202f}000");
        assert_eq!(serde_json::to_value(cut).expect("JSON"), serde_json::json!({"part": "name", "kept": 1000, "of": 60000}));
    }
}
