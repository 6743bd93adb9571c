//! The wildcards of a run's jobs: the values of one of them in order, and a text search over all of them. Uses
//! [`super::marks`] in memory; reads nothing.

use super::marks::{Marks, Words};
use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

/// The values of one wildcard in sorted order.
#[derive(Clone, Debug, Default)]
pub struct Values {
    /// By place in [`Marks::wildcards`]: a place in `words`, or [`Marks::NONE`].
    of: Vec<u32>,
    words: Arc<Words>,
    /// By place in `words`: how many of them come before it.
    rank: Vec<u32>,
    /// Places in `words` by rank.
    sorted: Vec<u32>,
}

impl Values {
    /// Adds wildcards that were seen since the last call. The cost is proportional to them, plus a sort if there are new values.
    pub fn grow(&mut self, name: &str, wildcards: &Words) {
        for text in &wildcards.list()[self.of.len()..] {
            let all: BTreeMap<Cow<'_, str>, serde_json::Value> = serde_json::from_str(text).unwrap_or_default();
            let value = match all.get(name) {
                None | Some(serde_json::Value::Null) => Marks::NONE,
                Some(serde_json::Value::String(text)) => self.words.place(text),
                Some(other) => self.words.place(&other.to_string()),
            };
            self.of.push(value);
        }
        let words = self.words.list();
        if self.rank.len() != words.len() {
            self.sorted = (0..words.len() as u32).collect();
            self.sorted.sort_unstable_by_key(|place| &words[*place as usize]);
            self.rank.resize(words.len(), 0);
            for (rank, place) in self.sorted.iter().enumerate() {
                self.rank[*place as usize] = rank as u32;
            }
        }
    }

    /// How many wildcards it has taken in.
    pub fn known(&self) -> usize {
        self.of.len()
    }

    /// The place of a job's value in [`Values::list`], or [`Marks::NONE`].
    pub fn of(&self, wildcards: u32) -> u32 {
        self.of.get(wildcards as usize).copied().unwrap_or(Marks::NONE)
    }

    pub fn list(&self) -> &[Arc<str>] {
        self.words.list()
    }

    /// How many values come before this one.
    pub fn rank(&self, place: u32) -> u32 {
        self.rank[place as usize]
    }

    /// The value at a rank.
    pub fn ranked(&self, rank: u32) -> &str {
        &self.words.list()[self.sorted[rank as usize] as usize]
    }

    /// How many values come before a text, and whether it is one of them.
    pub fn place_of(&self, text: &str) -> (u32, bool) {
        let before = self.sorted.partition_point(|place| &*self.words.list()[*place as usize] < text);
        (before as u32, self.words.find(text).is_some())
    }
}

/// All wildcards in lower case, for searching.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    /// One per line: JSON text contains no line breaks.
    text: String,
    /// Where each line ends.
    ends: Vec<usize>,
}

impl Texts {
    /// Adds wildcards that were seen since the last call.
    pub fn grow(&mut self, wildcards: &Words) {
        for text in &wildcards.list()[self.ends.len()..] {
            self.text.push_str(&text.to_lowercase());
            self.ends.push(self.text.len());
            self.text.push('\n');
        }
    }

    /// How many wildcards it has taken in.
    pub fn known(&self) -> usize {
        self.ends.len()
    }

    /// For each place in [`Marks::wildcards`]: whether it contains this text, ignoring case.
    pub fn with(&self, words: &str) -> Vec<bool> {
        let words = words.to_lowercase();
        let mut found = vec![false; self.ends.len()];
        let (mut from, mut at) = (0, 0);
        if words.is_empty() || words.contains('\n') {
            return found;
        }
        while let Some(place) = self.text[from..].find(&words) {
            at += self.ends[at..].partition_point(|end| *end < from + place);
            found[at] = true;
            from = self.ends[at] + 1;
            at += 1;
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wildcards(all: &[String]) -> Arc<Words> {
        let mut words = Arc::<Words>::default();
        for text in all {
            words.place(text);
        }
        words
    }

    #[test]
    fn a_value_is_what_people_read_and_missing_ones_have_none() {
        let words = wildcards(&[r#"{"s": "B", "n": 7}"#, r#"{"s": "a"}"#, r#"{"s": null}"#, "[1]", r#"{"s": 7}"#].map(str::to_owned));
        let mut values = Values::default();
        values.grow("s", &words);
        let said: Vec<Option<&str>> = (0..5).map(|at| values.list().get(values.of(at) as usize).map(|word| &**word)).collect();
        assert_eq!(said, [Some("B"), Some("a"), None, None, Some("7")]);
        assert_eq!((0..3).map(|rank| values.ranked(rank)).collect::<Vec<_>>(), ["7", "B", "a"]);
        assert_eq!((values.place_of("B"), values.place_of("A"), values.place_of("z")), ((1, true), (1, false), (3, false)));
        assert_eq!(values.of(Marks::NONE), Marks::NONE);
    }

    proptest! {
        #[test]
        fn words_are_found_where_they_are(all in proptest::collection::hash_set("[abA\"é]{0,6}", 0..12), cut in 0_usize..12, words in "[abA\"é]{0,2}") {
            let all: Vec<String> = all.into_iter().collect();
            let mut texts = Texts::default();
            texts.grow(&wildcards(&all[..cut.min(all.len())]));
            texts.grow(&wildcards(&all));
            let found: Vec<bool> = all.iter().map(|text| !words.is_empty() && text.to_lowercase().contains(&words.to_lowercase())).collect();
            prop_assert_eq!(texts.with(&words), found);
        }
    }
}
