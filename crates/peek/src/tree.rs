//! JSON and YAML as trees of values, in the order of the file, up to a number of them.

use crate::{short, source::Source, text::decoded};
use model::preview::{Preview, Tree};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::{cell::Cell, fmt, io};

/// Larger files are shown as text (bytes).
const LARGEST: usize = 1 << 20;
/// Values that are shown, how deep they nest, and letters of one.
const VALUES: u32 = 4_000;
const DEEP: u32 = 60;
const LETTERS: usize = 2_000;

pub fn json(source: &Source<'_>) -> io::Result<Option<Preview>> {
    let (bytes, cut) = source.head(LARGEST)?;
    if cut {
        return Ok(None);
    }
    let left = Cell::new(VALUES);
    let mut reader = serde_json::Deserializer::from_slice(&bytes);
    let tree = Seed { left: &left, deep: 0 }.deserialize(&mut reader).ok().filter(|_| reader.end().is_ok());
    Ok(tree.map(Preview::Tree))
}

/// Documents that follow each other become a list.
pub fn yaml(source: &Source<'_>) -> io::Result<Option<Preview>> {
    let (bytes, cut) = source.head(LARGEST)?;
    if cut {
        return Ok(None);
    }
    let text = decoded(&bytes, false);
    let found: Result<Vec<Plain>, _> = serde_saphyr::from_multiple(&text);
    let Ok(mut documents) = found else { return Ok(None) };
    let tree = match documents.len() {
        0 => return Ok(None),
        1 => documents.remove(0).0,
        _ => Tree::List(documents.into_iter().map(|document| document.0).collect()),
    };
    // A text is a YAML document, too; it gains nothing from being one.
    Ok(matches!(tree, Tree::Map(_) | Tree::List(_)).then_some(Preview::Tree(tree)))
}

/// A document with a budget of its own.
struct Plain(Tree);

impl<'de> serde::Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let left = Cell::new(VALUES);
        Seed { left: &left, deep: 0 }.deserialize(deserializer).map(Self)
    }
}

#[derive(Clone, Copy)]
struct Seed<'a> {
    left: &'a Cell<u32>,
    deep: u32,
}

impl Seed<'_> {
    fn within(self) -> Self {
        Self { left: self.left, deep: self.deep + 1 }
    }

    /// Takes one value off the budget.
    fn spend(self) -> bool {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        left > 0 && self.deep <= DEEP
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Tree;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Tree, E> {
        Ok(Tree::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Tree, E> {
        Ok(Tree::Number(number.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Tree, E> {
        Ok(Tree::Number(number.to_string()))
    }

    fn visit_i128<E>(self, number: i128) -> Result<Tree, E> {
        Ok(Tree::Number(number.to_string()))
    }

    fn visit_u128<E>(self, number: u128) -> Result<Tree, E> {
        Ok(Tree::Number(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Tree, E> {
        Ok(Tree::Number(number.to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(short(text, LETTERS)))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Tree, E> {
        Ok(Tree::Text(short(&String::from_utf8_lossy(bytes), LETTERS)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while self.within().spend() {
            match access.next_element_seed(self.within())? {
                Some(value) => list.push(value),
                None => return Ok(Tree::List(list)),
            }
        }
        let mut more = 0;
        while access.next_element::<IgnoredAny>()?.is_some() {
            more += 1;
        }
        if more > 0 {
            list.push(Tree::More(more));
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut map = Vec::new();
        while self.within().spend() {
            match access.next_key_seed(Key)? {
                Some(key) => map.push((key, access.next_value_seed(self.within())?)),
                None => return Ok(Tree::Map(map)),
            }
        }
        let mut more = 0;
        while access.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            more += 1;
        }
        if more > 0 {
            map.push((String::new(), Tree::More(more)));
        }
        Ok(Tree::Map(map))
    }
}

/// Keys of YAML may be anything; they are shown as words.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        let left = Cell::new(20);
        let tree = Seed { left: &left, deep: 0 }.deserialize(deserializer)?;
        Ok(match tree {
            Tree::Text(text) | Tree::Number(text) => text,
            Tree::Null => "null".to_owned(),
            Tree::Flag(flag) => flag.to_string(),
            Tree::List(_) => "[…]".to_owned(),
            Tree::Map(_) | Tree::More(_) => "{…}".to_owned(),
        })
    }
}
