//! Secrets in what clients report: passwords, tokens and keys in command lines, logs, errors, code and configuration.
//!
//! Applied where reports enter, before anything is stored, so that no page, stream, export, change log or backup ever
//! holds them. It knows spellings, not protocols: it looks for key names, credentials in addresses, and texts that are
//! secrets by their shape. What a reader needs to understand the text, the key's name above all, stays.

mod scan;

use crate::weight::{MOST_BYTES, Weight};
use serde_json::{Value, value::RawValue};
use std::borrow::Cow;

/// What stands where a secret stood.
pub const MASK: &str = "***";

/// Bytes of a JSON text from which on it is masked as text, not as a value.
const BUILT: usize = 1 << 20;
/// Deeper values are refused before they come here.
const MAX_DEPTH: usize = 128;

/// Whether secrets are masked: they are, unless whoever runs the server switched that off.
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

    /// A text without its secrets. Costs one pass; nothing is copied where there is none.
    pub fn text(self, text: &str) -> Cow<'_, str> {
        if self.0 { scan::masked(text) } else { Cow::Borrowed(text) }
    }

    /// The same of bytes that are text, more or less.
    pub fn bytes(self, bytes: &[u8]) -> Cow<'_, [u8]> {
        if !self.suspects(bytes) {
            return Cow::Borrowed(bytes);
        }
        match self.text(&String::from_utf8_lossy(bytes)) {
            Cow::Borrowed(_) => Cow::Borrowed(bytes),
            Cow::Owned(masked) => Cow::Owned(masked.into_bytes()),
        }
    }

    /// The same in place.
    pub fn string(self, text: &mut String) {
        if self.0
            && let Cow::Owned(masked) = scan::masked(text)
        {
            *text = masked;
        }
    }

    /// All texts of a value, the values of fields whose name says that they are secret, and what follows a flag in a list
    /// of arguments.
    pub fn value(self, value: &mut Value) {
        if self.0 {
            within(value, 0);
        }
    }

    /// A message that may be a document in a text.
    pub fn message(self, value: &mut Value) {
        match value {
            Value::String(text) if self.suspects(text.as_bytes()) && serde_json::from_str::<&RawValue>(text).is_ok() => {
                *text = self.json(text).into_owned();
            }
            value => self.value(value),
        }
    }

    /// A JSON text without its secrets. What is no JSON comes back as it is, to be refused by whoever reads it.
    ///
    /// Large texts are masked as text, so that nothing is built of them: of a list of arguments a secret behind its flag
    /// then stays.
    pub fn json(self, text: &str) -> Cow<'_, str> {
        if !self.suspects(text.as_bytes()) {
            return Cow::Borrowed(text);
        }
        if text.len() > BUILT {
            match scan::masked(text) {
                Cow::Owned(masked) if serde_json::from_str::<&RawValue>(&masked).is_ok() => return Cow::Owned(masked),
                Cow::Borrowed(text) => return Cow::Borrowed(text),
                // Something in it is written in a way that is not foreseen here. It is built, unless it is made to be large.
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

    /// Whether `bytes` might hold a secret; a quick answer that errs on the side of yes. Most reports hold none, and are
    /// not looked at further.
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
