//! Estimates from a JSON text how much memory parsing it takes, before it is parsed: a list of zeros has two bytes a
//! value on the wire and sixteen times that in memory. Also replaces characters that Flowo cannot store.
//!
//! Looks at each byte once and builds nothing. Does not check whether the text is JSON.

use memchr::{memchr2, memmem};
use model::nul::is_escaped;
use std::borrow::Cow;

/// How many values of one report are read at most: a target rule names its inputs, 100 000 of them and more. Writing
/// more than this takes longer than a client waits.
pub const MOST_VALUES: usize = 500_000;
/// How many bytes values of unknown form may take at most.
pub const MOST_BYTES: usize = 64 << 20;
/// Deeper nesting than any client produces.
pub const MOST_DEPTH: usize = 64;

/// How much a text contains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weight {
    /// Bytes.
    pub length: usize,
    /// Members of lists and objects (a lower bound), plus one for each list and object.
    pub values: usize,
    pub objects: usize,
    /// Levels of nesting.
    pub depth: usize,
}

impl Weight {
    /// The weight of a JSON text.
    pub fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut weight = Self { length: bytes.len(), ..Self::default() };
        let (mut at, mut depth) = (0, 0_usize);
        while let Some(&byte) = bytes.get(at) {
            at += 1;
            match byte {
                b'"' => at = after_text(bytes, at),
                b',' => weight.values += 1,
                b'[' | b'{' => {
                    weight.values += 2; // Itself, and its first member.
                    weight.objects += usize::from(byte == b'{');
                    depth += 1;
                    weight.depth = weight.depth.max(depth);
                }
                b']' | b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        weight
    }

    /// The weight of a text of any form, such as a Python literal: an upper bound for what parsing gives, whatever is in quotes.
    pub fn at_most(text: &str) -> Self {
        let mut weight = Self { length: text.len(), ..Self::default() };
        for byte in text.bytes() {
            weight.values += match byte {
                b',' => 1,
                b'[' | b'{' | b'(' => 2,
                _ => 0,
            };
            weight.objects += usize::from(byte == b'{');
        }
        weight
    }

    /// The bytes that its values take when they are parsed as values of any form, without their texts: a small object
    /// is a tree node with room for eleven entries.
    pub const fn as_values(&self) -> usize {
        64 * self.values + 640 * self.objects
    }

    /// The bytes that a report takes until it is written: its texts as received, as parsed and as sent to the database, and its values.
    pub const fn in_all(&self) -> usize {
        3 * self.length + self.as_values()
    }
}

/// The position after a text that begins at `at`, after its opening quote.
fn after_text(bytes: &[u8], mut at: usize) -> usize {
    while let Some(next) = bytes.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += next + 1;
        if bytes[at - 1] == b'"' {
            return at;
        }
        at += 1; // A character after a backslash ends nothing.
    }
    bytes.len()
}

/// A JSON text in which U+FFFD replaces U+0000, which PostgreSQL cannot store, and unpaired surrogates, which are not
/// characters (clients use them for file names that are not UTF-8).
pub fn cleaned(text: &str) -> Cow<'_, str> {
    let mut out: Option<String> = None;
    let mut kept = 0;
    let mut pair_until = 0;
    for at in memmem::find_iter(text.as_bytes(), br"\u") {
        if at < pair_until || is_escaped(text.as_bytes(), at) {
            continue;
        }
        let is_bad = match code(text, at) {
            Some(0xd800..=0xdbff) if matches!(code(text, at + 6), Some(0xdc00..=0xdfff)) => {
                pair_until = at + 12;
                false
            }
            Some(0 | 0xd800..=0xdfff) => true,
            _ => false,
        };
        if is_bad {
            let out = out.get_or_insert_with(|| String::with_capacity(text.len()));
            out.push_str(&text[kept..at]);
            out.push_str(r"\ufffd");
            kept = at + 6;
        }
    }
    match out {
        Some(out) => Cow::Owned(out + &text[kept..]),
        None => Cow::Borrowed(text),
    }
}

/// The number in an escape: `\u` and four digits.
fn code(text: &str, at: usize) -> Option<u32> {
    let digits = text.get(at..at + 6)?.strip_prefix(r"\u")?;
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    /// The number of values and objects that parsing finds.
    fn counted(value: &Value) -> (usize, usize) {
        let parts: Vec<&Value> = match value {
            Value::Array(items) => items.iter().collect(),
            Value::Object(fields) => fields.values().collect(),
            _ => return (1, 0),
        };
        let own = (1, usize::from(value.is_object()));
        parts.into_iter().map(counted).fold(own, |(values, objects), (v, o)| (values + v, objects + o))
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![Just(json!(null)), any::<i32>().prop_map(Value::from), ".*".prop_map(Value::from)];
        leaf.prop_recursive(4, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(".*", inner, 0..6).prop_map(|map| json!(map)),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_text_weighs_at_least_what_is_read_from_it(value in values()) {
            let (text, (count, objects)) = (value.to_string(), counted(&value));
            let weight = Weight::of(&text);
            prop_assert!(weight.values + 1 >= count && weight.values <= 3 * count, "{weight:?} for {count}: {text}");
            prop_assert_eq!((weight.objects, weight.length), (objects, text.len()));
            let most = Weight::at_most(&text);
            prop_assert!(most.values >= weight.values && most.objects >= objects);
        }

        #[test]
        fn what_is_cleaned_is_read_and_has_no_nul(text in r#"(\\\\|\\"|\\u0000|\\ud83d|\\ude00|\\uDC80|a|é|u0000|\\n){0,12}"#) {
            let text = format!("{{\"{text}\":\"{text}\"}}");
            let cleaned = cleaned(&text);
            let value: Value = serde_json::from_str(&cleaned).expect("JSON");
            prop_assert!(!value.to_string().contains(r"\u0000") || text.contains(r"\\u0000"));
            prop_assert!(value.as_object().is_some_and(|fields| fields.iter().all(|(key, value)| !key.contains('\0') && value.as_str().is_some_and(|text| !text.contains('\0')))));
            if let Ok(before) = serde_json::from_str::<Value>(&text) && !text.contains(r"\u0000") {
                prop_assert_eq!(before, value);
            }
        }

        #[test]
        fn no_text_is_too_odd(text in ".*") {
            let _ = (Weight::of(&text), cleaned(&text));
        }
    }

    #[test]
    fn lists_objects_and_depth_are_counted_and_what_is_in_texts_is_not() {
        let of = |text| {
            let Weight { values, objects, depth, .. } = Weight::of(text);
            (values, objects, depth)
        };
        assert_eq!(of("7"), (0, 0, 0));
        assert_eq!(of("[0,0,0]"), (4, 0, 1));
        assert_eq!(of(r#"{"a":{"b":[]}}"#), (6, 2, 3));
        assert_eq!(of(r#"["[[,,{{","\"[,",  "\\",1]"#), (5, 0, 1));
        assert_eq!(of(r#"["not closed, [[["#), (2, 0, 1));
    }

    #[test]
    fn names_of_files_that_are_not_utf8_are_read_and_letters_of_pairs_stay() {
        assert_eq!(cleaned(r#"["data/\udcff.txt","\ud83d\ude00","\ud83dx"]"#), r#"["data/\ufffd.txt","\ud83d\ude00","\ufffdx"]"#);
        assert!(matches!(cleaned(r#"["\\u0000 \\\\udcff é"]"#), Cow::Borrowed(_)));
        assert_eq!(cleaned(r#"["\\\u0000"]"#), r#"["\\\ufffd"]"#);
    }
}
