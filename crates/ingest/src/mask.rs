//! Masks secrets in what clients report: passwords, tokens and keys in command lines, logs, errors, code and configuration.
//!
//! Masking happens where reports enter, before anything is stored, so that no page, stream, export, change log or
//! backup ever contains the secrets. It knows spellings, not protocols: it looks for key names, credentials in URLs,
//! and texts whose shape marks them as secrets. Whatever a reader needs to understand the text stays, above all the name of the key.

mod scan;

use crate::weight::{MOST_BYTES, Weight};
use serde_json::{Value, value::RawValue};
use std::borrow::Cow;

/// The text that replaces a secret.
pub const MASK: &str = "***";

/// A JSON text of at least this many bytes is masked as text, not as a value.
const BUILT: usize = 1 << 20;
/// More deeply nested values are refused before they reach this module.
const MAX_DEPTH: usize = 128;

/// Whether secrets are masked: yes, unless the operator of the server switched masking off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Masking(bool);

impl Default for Masking {
    fn default() -> Self {
        Self(true)
    }
}

impl Masking {
    pub const fn new(on: bool) -> Self {
        Self(on)
    }

    /// A text without its secrets. Costs one pass; nothing is copied if there is no secret.
    pub fn text(self, text: &str) -> Cow<'_, str> {
        if self.0 { scan::masked(text) } else { Cow::Borrowed(text) }
    }

    /// Like [`text`](Self::text), for bytes that are mostly text.
    pub fn bytes(self, bytes: &[u8]) -> Cow<'_, [u8]> {
        if !self.suspects(bytes) {
            return Cow::Borrowed(bytes);
        }
        match self.text(&String::from_utf8_lossy(bytes)) {
            Cow::Borrowed(_) => Cow::Borrowed(bytes),
            Cow::Owned(masked) => Cow::Owned(masked.into_bytes()),
        }
    }

    /// Like [`text`](Self::text), in place.
    pub fn string(self, text: &mut String) {
        if self.0
            && let Cow::Owned(masked) = scan::masked(text)
        {
            *text = masked;
        }
    }

    /// Masks all texts within a value, the values of fields whose name marks them as secret, and the value after a flag
    /// in a list of arguments.
    pub fn value(self, value: &mut Value) {
        if self.0 {
            within(value, 0);
        }
    }

    /// Masks a message, which may be a JSON document inside a text.
    pub fn message(self, value: &mut Value) {
        match value {
            Value::String(text) if self.suspects(text.as_bytes()) && serde_json::from_str::<&RawValue>(text).is_ok() => {
                *text = self.json(text).into_owned();
            }
            value => self.value(value),
        }
    }

    /// A JSON text without its secrets. Text that is not JSON is returned unchanged; the parser will refuse it.
    ///
    /// Large texts are masked as text, so that no value is built from them. In that case a secret that follows its flag
    /// as a separate element of an argument list is not masked.
    pub fn json(self, text: &str) -> Cow<'_, str> {
        if !self.suspects(text.as_bytes()) {
            return Cow::Borrowed(text);
        }
        if text.len() > BUILT {
            match scan::masked(text) {
                Cow::Owned(masked) if serde_json::from_str::<&RawValue>(&masked).is_ok() => return Cow::Owned(masked),
                Cow::Borrowed(text) => return Cow::Borrowed(text),
                // The text contains a spelling that masking as text broke. Build the value instead, unless the text was
                // made to produce a huge one.
                Cow::Owned(_) if Weight::of(text).as_values() > MOST_BYTES => return Cow::Owned("null".to_owned()),
                Cow::Owned(_) => {}
            }
        }
        match serde_json::from_str::<Value>(text) {
            Ok(mut value) => {
                self.value(&mut value);
                Cow::Owned(value.to_string())
            }
            Err(_) => Cow::Borrowed(text),
        }
    }

    /// Whether `bytes` might contain a secret; a quick check that may say yes without need. Most reports contain none
    /// and are not examined further.
    pub fn suspects(self, bytes: &[u8]) -> bool {
        self.0 && scan::suspects(bytes)
    }
}

fn within(value: &mut Value, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    match value {
        Value::String(text) => {
            if let Cow::Owned(masked) = scan::masked(text) {
                *text = masked;
            }
        }
        Value::Array(items) => {
            let mut hidden = false;
            for item in items {
                let named = hidden && item.as_str().is_some_and(|text| scan::is_value(text) && !text.starts_with('-'));
                if named {
                    *item = Value::String(MASK.to_owned());
                } else {
                    within(item, depth + 1);
                }
                hidden = item.as_str().is_some_and(|text| text.starts_with('-') && !text.contains(['=', ' ']) && scan::is_key(text));
            }
        }
        Value::Object(fields) => {
            for (name, item) in fields.iter_mut() {
                match item {
                    Value::String(text) if scan::is_key(name) && scan::is_value(text) => MASK.clone_into(text),
                    item => within(item, depth + 1),
                }
            }
            if fields.keys().any(|name| matches!(scan::masked(name), Cow::Owned(_))) {
                *fields = std::mem::take(fields).into_iter().map(|(name, item)| (scan::masked(&name).into_owned(), item)).collect();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests;
