//! Messages of clients, across all runs.

use model::log::LogEntry;
use serde::{Deserialize, Serialize};

/// A page of messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entries {
    pub entries: Vec<LogEntry>,
    /// The entry after which older ones follow.
    pub next: Option<i64>,
}

/// Splits a message and says which pieces match. Letters whose other case has a different length are not matched.
pub fn pieces(message: &str, words: &str) -> Vec<(bool, String)> {
    let (low, wanted) = (message.to_lowercase(), words.trim().to_lowercase());
    if wanted.is_empty() || low.len() != message.len() {
        return vec![(false, message.to_owned())];
    }
    let mut pieces = Vec::new();
    let mut at = 0;
    for (begin, hit) in low.match_indices(&wanted) {
        let (Some(before), Some(hit)) = (message.get(at..begin), message.get(begin..begin + hit.len())) else { continue };
        pieces.push((false, before.to_owned()));
        pieces.push((true, hit.to_owned()));
        at = begin + hit.len();
    }
    pieces.push((false, message.get(at..).unwrap_or_default().to_owned()));
    pieces.retain(|(_, text)| !text.is_empty());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_marked_as_they_are_written() {
        let of = |message, words| {
            pieces(message, words).into_iter().map(|(hit, text)| if hit { format!("[{text}]") } else { text }).collect::<String>()
        };
        assert_eq!(of("No Space left, no space", "no space"), "[No Space] left, [no space]");
        assert_eq!(of("plain", ""), "plain");
        assert_eq!(of("\u{130}x größe", "x"), "\u{130}x größe", "another length in small letters");
    }
}
