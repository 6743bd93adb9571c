//! Writes a value as one text, for values that are nested too deeply to be drawn. Bounded in length and depth.

use super::{DEEPEST, Key, LETTERS};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::{cell::RefCell, fmt, fmt::Write as _};

/// A text with a maximum number of letters; the others are counted.
#[derive(Default)]
pub struct Clipped {
    text: String,
    letters: usize,
    more: u64,
}

impl fmt::Write for Clipped {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in text.chars() {
            if self.letters < LETTERS {
                self.text.push(letter);
                self.letters += 1;
            } else {
                self.more += 1;
            }
        }
        Ok(())
    }
}

impl Clipped {
    /// The kept letters, and how many were left out.
    pub fn parts(self) -> (String, u64) {
        (self.text, self.more)
    }
}

/// Writes values as JSON without spaces. Values nested too deeply to be read become three dots.
#[derive(Clone, Copy)]
pub struct Compact<'a> {
    out: &'a RefCell<Clipped>,
    deep: u32,
}

impl<'a> Compact<'a> {
    /// A writer for a value inside `deep` others.
    pub const fn new(out: &'a RefCell<Clipped>, deep: u32) -> Self {
        Self { out, deep }
    }

    fn put(self, text: impl fmt::Display) {
        let _ = write!(self.out.borrow_mut(), "{text}"); // Writing cannot fail.
    }

    fn within(self) -> Self {
        Self { out: self.out, deep: self.deep + 1 }
    }

    fn number(self, number: impl fmt::Display) {
        self.put(number);
    }
}

impl<'de> DeserializeSeed<'de> for Compact<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.deep >= DEEPEST {
            self.put('\u{2026}');
            return IgnoredAny::deserialize(deserializer).map(drop);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Compact<'_> {
    type Value = ();

    plain_values!();

    fn visit_unit<E>(self) -> Result<(), E> {
        self.put("null");
        Ok(())
    }

    fn visit_bool<E>(self, flag: bool) -> Result<(), E> {
        self.put(flag);
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.put(serde_json::Value::from(text));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        self.put('[');
        let mut comma = false;
        while access.next_element_seed(Member { text: self.within(), comma })?.is_some() {
            comma = true;
        }
        self.put(']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        self.put('{');
        let mut comma = false;
        while let Some(key) = access.next_key_seed(Key)? {
            if std::mem::replace(&mut comma, true) {
                self.put(',');
            }
            self.put(serde_json::Value::from(key));
            self.put(':');
            access.next_value_seed(self.within())?;
        }
        self.put('}');
        Ok(())
    }
}

/// A member of a list, with a comma if others precede it.
struct Member<'a> {
    text: Compact<'a>,
    comma: bool,
}

impl<'de> DeserializeSeed<'de> for Member<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.comma {
            self.text.put(',');
        }
        self.text.deserialize(deserializer)
    }
}
