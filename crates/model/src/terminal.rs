//! Makes untrusted text safe to print on a terminal: characters that would act there, or deceive a reader, are escaped.
//!
//! Names and messages come from clients. On a terminal a control character moves the cursor or triggers an answer, and
//! a direction mark makes one line read as another. Browsers and files are not covered here.

use std::{borrow::Cow, fmt::Write as _};

/// Whether a character acts on a terminal or on the reading order of a line: controls (C0, DEL, C1), direction marks,
/// line and paragraph separators, and invisible tags.
pub const fn acts(letter: char) -> bool {
    matches!(letter,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Escapes one line of text: characters that act become `\u{9b}`, a line break `\n`, a tab `\t`.
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, |_| false, |out, letter| out.extend(letter.escape_default()))
}

/// Escapes several lines of text: like [`line`], but line breaks and tabs stay.
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |letter| matches!(letter, '\n' | '\t'), |out, letter| out.extend(letter.escape_default()))
}

/// An equivalent JSON document in which no character acts on a terminal; line breaks between values stay.
///
/// Such characters can occur only within strings, where JSON allows escapes such as `\u009b`.
pub fn json(document: &str) -> Cow<'_, str> {
    escaped(
        document,
        |letter| matches!(letter, '\n' | '\t' | '\r'),
        |out, letter| {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        },
    )
}

fn escaped(text: &str, stays: impl Fn(char) -> bool, mut escape: impl FnMut(&mut String, char)) -> Cow<'_, str> {
    let acting = |letter: char| acts(letter) && !stays(letter);
    let Some(first) = text.find(acting) else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len() + 16);
    out.push_str(&text[..first]);
    for letter in text[first..].chars() {
        if acting(letter) {
            escape(&mut out, letter);
        } else {
            out.push(letter);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_act_is_escaped_and_the_rest_stays() {
        for (text, shown) in [
            ("bwa mem → ok 🧬", "bwa mem → ok 🧬"),
            ("a\u{1b}[2Jb", "a\\u{1b}[2Jb"),
            ("a\u{9b}2Jb", "a\\u{9b}2Jb"),
            ("\u{9d}0;title\u{7}", "\\u{9d}0;title\\u{7}"),
            ("a\u{7f}", "a\\u{7f}"),
            ("a\u{202e}txt.exe", "a\\u{202e}txt.exe"),
            ("one\ntwo\tthree\r", "one\\ntwo\\tthree\\r"),
            ("a\u{2028}b\u{feff}\u{e0041}", "a\\u{2028}b\\u{feff}\\u{e0041}"),
        ] {
            assert_eq!(line(text), shown, "{text:?}");
        }
        assert_eq!(lines("one\n\ttwo\u{1b}"), "one\n\ttwo\\u{1b}");
    }

    #[test]
    fn a_document_means_the_same_afterwards() {
        let every: String = (0..=0x0010_ffff).filter_map(char::from_u32).filter(|letter| acts(*letter)).collect();
        let document = format!("{{\"name\":\"{}\"}}\n", every.replace(|letter: char| letter < '\u{20}', ""));
        let safe = json(&document);
        assert!(!safe.trim_end().chars().any(acts), "{safe:?}");
        assert!(safe.contains("\\u009b") && safe.contains("\\udb40\\udc41"), "{safe}");
    }

    #[test]
    fn every_control_and_every_mark_of_direction_acts() {
        for letter in (0..=0x0010_ffff).filter_map(char::from_u32).filter(|letter| letter.is_control()) {
            assert!(acts(letter), "{letter:?}");
        }
        for letter in "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}".chars() {
            assert!(acts(letter), "{letter:?}");
        }
        assert!(!"aäπ語🧬 '\"\u{200d}".chars().any(acts));
    }
}
