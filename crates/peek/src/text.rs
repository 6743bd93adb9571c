//! Plain text. Invalid UTF-8 is shown as replacement characters.

use model::preview::{Code, Ends, Text};

/// How many bytes are shown.
const SHOWN: usize = 200_000;

/// The text in `bytes`, which are the first of a file and end as `ends` says.
pub fn text(bytes: &[u8], ending: &str, ends: Ends) -> Text {
    let text = decoded(bytes, !ends.is_whole()).replace('\0', "\u{2400}");
    let end = (0..=SHOWN.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let ends = if end < text.len() { Ends::More } else { ends };
    let text = &text[..end];
    // An incomplete last line is shown as far as it goes; it may be the only line.
    Text { lines: text.lines().count() as u32, code: code(text, ending), ends }
}

/// A text in a language, identified by name: no known name has more than 20 letters.
pub fn code(text: &str, language: &str) -> Code {
    Code { text: text.to_owned(), language: language.chars().take(20).collect(), html: String::new() }
}

/// Decodes bytes. If they were cut, an incomplete character at the end is left out.
pub fn decoded(bytes: &[u8], cut: bool) -> String {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(error) if cut && error.error_len().is_none() => String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned(),
        Err(_) => String::from_utf8_lossy(bytes).into_owned(),
    }
}
