//! Text as text. What is no UTF-8 is shown with a sign in its place.

use crate::short;
use model::preview::{Code, Text};

/// Bytes that are shown.
const SHOWN: usize = 200_000;

/// The text in `bytes`, the first of a file; `cut` says that there are more.
pub fn text(bytes: &[u8], ending: &str, cut: bool) -> Text {
    let text = decoded(bytes, cut);
    let end = (0..=SHOWN.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let cut = cut || end < text.len();
    let text = &text[..end];
    // A last line that is cut is shown as far as it goes; it may be all there is.
    Text { lines: text.lines().count() as u32, code: code(text, ending), cut }
}

/// A text in a language.
pub fn code(text: &str, language: &str) -> Code {
    Code { text: text.to_owned(), language: short(language, 20), html: String::new() }
}

/// Bytes as letters. Where they were cut, half a letter at the end is left out.
pub fn decoded(bytes: &[u8], cut: bool) -> String {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(error) if cut && error.error_len().is_none() => String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned(),
        Err(_) => String::from_utf8_lossy(bytes).into_owned(),
    }
}
