//! U+0000: senders' texts may contain it, but PostgreSQL stores no text that does. Stored texts have U+FFFD in its place.
//!
//! This file neither masks nor shortens texts. It does not refuse bodies that contain U+0000; the server does.

use serde_json::Value;
use std::borrow::Cow;

/// The text as it can be stored.
pub fn replaced(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// The value as it can be stored: in every text and in every field's name. What is nested deeper than `depth` becomes `…`.
pub fn replaced_in(value: Value, depth: usize) -> Value {
    fn inner(value: Value, left: Option<usize>) -> Value {
        let Some(left) = left else { return Value::String("…".into()) };
        match value {
            Value::String(text) if text.contains('\0') => Value::String(replaced(&text).into_owned()),
            Value::Array(items) => items.into_iter().map(|item| inner(item, left.checked_sub(1))).collect(),
            Value::Object(fields) => {
                fields.into_iter().map(|(name, value)| (replaced(&name).into_owned(), inner(value, left.checked_sub(1)))).collect()
            }
            value => value,
        }
    }
    inner(value, Some(depth))
}

/// Whether the character at `at` of a JSON text is escaped by a backslash before it, so that `\\u0000` is no U+0000.
pub fn is_escaped(json: &[u8], at: usize) -> bool {
    json[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn it_is_replaced_in_texts_and_in_names_of_fields() {
        assert!(matches!(replaced("plain"), Cow::Borrowed("plain")));
        assert_eq!(replaced("a\0b\0"), "a\u{fffd}b\u{fffd}");
        assert_eq!(replaced_in(json!({"a\0": ["\0", 1, null]}), 9), json!({"a\u{fffd}": ["\u{fffd}", 1, null]}));
    }

    #[test]
    fn what_is_nested_too_deeply_is_left_out_with_a_mark() {
        assert_eq!(replaced_in(json!([[[1], 2], 3]), 2), json!([[["…"], 2], 3]));
        assert_eq!(replaced_in(json!("x"), 0), json!("x"));
    }

    #[test]
    fn an_escaped_backslash_escapes_nothing() {
        for (text, at, escaped) in [(r"\u0000", 0, false), (r"\\u0000", 1, true), (r"\\\u0000", 2, false), ("", 0, false)] {
            assert_eq!(is_escaped(text.as_bytes(), at), escaped, "{text}");
        }
    }
}
