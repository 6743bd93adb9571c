//! JSON and YAML as values in the order of the file, up to a number of values and a depth. Deeper values are kept as text.

use crate::{left_out, source::Source, text::decoded};
use model::preview::{Ends, Node, Preview, Tree, Value};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::{cell::RefCell, fmt, io, thread};

/// The methods that visitors of all values share: most kinds of values are converted to one of a few.
macro_rules! plain_values {
    () => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a value")
        }

        fn visit_none<E: serde::de::Error>(self) -> Result<(), E> {
            self.visit_unit()
        }

        fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
            deserializer.deserialize_any(self)
        }

        fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
            deserializer.deserialize_any(self)
        }

        fn visit_i64<E>(self, number: i64) -> Result<(), E> {
            self.number(number);
            Ok(())
        }

        fn visit_u64<E>(self, number: u64) -> Result<(), E> {
            self.number(number);
            Ok(())
        }

        fn visit_i128<E>(self, number: i128) -> Result<(), E> {
            self.number(number);
            Ok(())
        }

        fn visit_u128<E>(self, number: u128) -> Result<(), E> {
            self.number(number);
            Ok(())
        }

        fn visit_f64<E>(self, number: f64) -> Result<(), E> {
            // This format writes large numbers with an exponent.
            self.number(format_args!("{number:?}"));
            Ok(())
        }

        fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<(), E> {
            self.visit_str(&String::from_utf8_lossy(bytes))
        }
    };
}

mod compact;

use compact::Compact;

/// Larger files are shown as text (bytes).
const LARGEST: usize = 1 << 20;
/// How many values are shown, and how many letters of each.
const VALUES: usize = 4_000;
const LETTERS: usize = 2_000;
/// To which depth values are drawn. Each level takes three elements of a page, and browsers allow 512.
pub const DEEP: u32 = 100;
/// To which depth values are read at all; `serde_json` stops at 128.
const DEEPEST: u32 = 120;
/// The same for YAML, whose parser takes much stack per level; and the stack size in bytes that is enough for all levels.
const YAML_DEEPEST: usize = 110;
const YAML_STACK: usize = 16 << 20;

pub fn json(source: &Source<'_>) -> io::Result<Option<Preview>> {
    let (bytes, ends) = source.head(LARGEST)?;
    if ends == Ends::More {
        return Ok(None);
    }
    let nodes = RefCell::default();
    let mut reader = serde_json::Deserializer::from_slice(&bytes);
    let read = Seed::new(&nodes, 0).deserialize(&mut reader).and_then(|()| reader.end());
    let nodes = nodes.into_inner();
    let ends = match read {
        Ok(()) => ends,
        // The part before the position where the file was truncated is still valid.
        Err(error) if error.is_eof() && nodes.len() > 1 => {
            if ends.is_whole() {
                Ends::Early
            } else {
                ends
            }
        }
        Err(_) => return Ok(None),
    };
    Ok(Some(Preview::Tree(Tree { nodes, ends })))
}

/// Whether a text that should be JSON according to its extension is truncated.
pub fn lacks_end(ending: &str, text: &[u8]) -> bool {
    matches!(ending, "json" | "geojson" | "ipynb") && serde_json::from_slice::<IgnoredAny>(text).is_err_and(|error| error.is_eof())
}

/// Several documents become a list.
pub fn yaml(source: &Source<'_>) -> io::Result<Option<Preview>> {
    let (bytes, ends) = source.head(LARGEST)?;
    if ends == Ends::More {
        return Ok(None);
    }
    let Some(mut documents) = documents(&decoded(&bytes, !ends.is_whole())) else { return Ok(None) };
    let nodes = match documents.len() {
        0 => return Ok(None),
        1 => documents.remove(0).0,
        _ => joined(documents),
    };
    // A plain text is also a YAML document, but gains nothing from being shown as one.
    let holds = matches!(nodes.first(), Some(Node { value: Value::Map(_) | Value::List(_), .. }));
    Ok(holds.then_some(Preview::Tree(Tree { nodes, ends })))
}

/// The documents in a text; `None` if it is not YAML.
fn documents(text: &str) -> Option<Vec<Plain>> {
    let read = || {
        let options = serde_saphyr::options! { budget: serde_saphyr::budget! { max_depth: YAML_DEEPEST } };
        serde_saphyr::from_multiple_with_options(text, options).ok()
    };
    thread::scope(|scope| thread::Builder::new().stack_size(YAML_STACK).spawn_scoped(scope, read).ok()?.join().ok()?)
}

/// Documents as members of a list, as many as there is room for.
fn joined(documents: Vec<Plain>) -> Vec<Node> {
    let all = documents.len();
    let mut nodes = vec![Node { deep: 0, name: None, value: Value::List(all as u64) }];
    for (at, Plain(document)) in documents.into_iter().enumerate() {
        if nodes.len() > VALUES {
            nodes.push(Node { deep: 1, name: None, value: Value::More((all - at) as u64) });
            break;
        }
        nodes.extend(document.into_iter().map(|node| Node { deep: node.deep + 1, ..node }));
    }
    nodes
}

/// A document with a value limit of its own.
struct Plain(Vec<Node>);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let nodes = RefCell::default();
        Seed::new(&nodes, 0).deserialize(deserializer)?;
        Ok(Self(nodes.into_inner()))
    }
}

/// The position of a value among the others.
struct Seed<'a> {
    nodes: &'a RefCell<Vec<Node>>,
    deep: u32,
    /// The index of the containing node.
    holder: Option<usize>,
    name: Option<String>,
}

impl<'a> Seed<'a> {
    const fn new(nodes: &'a RefCell<Vec<Node>>, deep: u32) -> Self {
        Self { nodes, deep, holder: None, name: None }
    }

    /// Adds a node that contains others; returns the position for its members.
    fn hold(self, value: Value) -> Self {
        let (nodes, deep) = (self.nodes, self.deep + 1);
        Seed { nodes, deep, holder: Some(self.put(value)), name: None }
    }

    /// The position for one member.
    fn named(&self, name: Option<String>) -> Self {
        Seed { nodes: self.nodes, deep: self.deep, holder: self.holder, name }
    }

    fn has_room(&self) -> bool {
        self.nodes.borrow().len() < VALUES
    }

    /// Records that the containing node has more members than are shown.
    fn left_out(self, more: u64) {
        if more > 0 {
            let mut nodes = self.nodes.borrow_mut();
            count(&mut nodes, self.holder, more);
            nodes.push(Node { deep: self.deep, name: None, value: Value::More(more) });
        }
    }

    /// Adds the value; returns the index of its node.
    fn put(self, value: Value) -> usize {
        let mut nodes = self.nodes.borrow_mut();
        count(&mut nodes, self.holder, 1);
        nodes.push(Node { deep: self.deep, name: self.name, value });
        nodes.len() - 1
    }

    fn text(self, text: &str) {
        let more = text.chars().skip(LETTERS).count() as u64;
        let end = text.char_indices().nth(LETTERS).map_or(text.len(), |(end, _)| end);
        self.put(Value::Text(text[..end].to_owned(), more));
    }
}

/// Members are counted as they are read: for a truncated file, those that were present.
fn count(nodes: &mut [Node], holder: Option<usize>, more: u64) {
    if let Some(Node { value: Value::List(count) | Value::Map(count), .. }) = holder.and_then(|holder| nodes.get_mut(holder)) {
        *count += more;
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Seed<'_> {
    fn number(self, number: impl fmt::Display) {
        self.put(Value::Number(number.to_string()));
    }

    /// Writes a value that is nested too deeply, as one text.
    fn deeper<E>(self, write: impl FnOnce(Compact<'_>) -> Result<(), E>) -> Result<(), E> {
        let out = RefCell::default();
        let read = write(Compact::new(&out, self.deep));
        let (text, more) = out.into_inner().parts();
        self.put(Value::Deeper(text, more));
        read
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = ();

    plain_values!();

    fn visit_unit<E>(self) -> Result<(), E> {
        self.put(Value::Null);
        Ok(())
    }

    fn visit_bool<E>(self, flag: bool) -> Result<(), E> {
        self.put(Value::Flag(flag));
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.text(text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        if self.deep >= DEEP {
            return self.deeper(|text| text.visit_seq(access));
        }
        let member = self.hold(Value::List(0));
        while member.has_room() {
            if access.next_element_seed(member.named(None))?.is_none() {
                return Ok(());
            }
        }
        let mut more = 0;
        while access.next_element::<IgnoredAny>()?.is_some() {
            more += 1;
        }
        member.left_out(more);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        if self.deep >= DEEP {
            return self.deeper(|text| text.visit_map(access));
        }
        let member = self.hold(Value::Map(0));
        while member.has_room() {
            let Some(key) = access.next_key_seed(Key)? else { return Ok(()) };
            access.next_value_seed(member.named(Some(key)))?;
        }
        let mut more = 0;
        while access.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            more += 1;
        }
        member.left_out(more);
        Ok(())
    }
}

/// YAML keys may be any value; they are shown as text.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        let nodes = RefCell::default();
        Seed::new(&nodes, DEEP - 1).deserialize(deserializer)?;
        Ok(match nodes.into_inner().into_iter().next().map(|node| node.value) {
            Some(Value::Text(text, 0) | Value::Number(text)) => text,
            Some(Value::Text(text, more)) => format!("{text}{}", left_out(more)),
            Some(Value::Flag(flag)) => flag.to_string(),
            Some(Value::List(_)) => "[\u{2026}]".to_owned(),
            Some(Value::Map(_)) => "{\u{2026}}".to_owned(),
            _ => "null".to_owned(),
        })
    }
}
