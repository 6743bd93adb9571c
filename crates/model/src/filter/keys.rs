//! The keys of the filter language: the one table that the parser, the messages about mistakes, the completion and the
//! documentation follow.
//!
//! Says what a key is called and which kind of value it takes. `parse.rs` reads the values.

use super::fold;

/// A whole filter, as an example in the empty box.
pub const EXAMPLE: &str = "status:failed user:ana tag:qc duration:>1h";

/// A key, such as `user` in `user:ana`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    pub word: &'static str,
    /// Other spellings of the key.
    pub aliases: &'static [&'static str],
    pub takes: Takes,
    /// Which runs the key finds, in one line.
    pub help: &'static str,
    /// A value that the key takes.
    pub example: &'static str,
    /// Values that the completion offers, each with the runs that it finds; an empty value is still to be typed.
    pub offers: &'static [(&'static str, &'static str)],
}

/// What a key filters by, and so which values it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    Status,
    User,
    Tag,
    Name,
    Directory,
    Source,
    Rule,
    After,
    Before,
    Duration,
    Trait,
}

impl Takes {
    /// The values that are understood, with an example; for messages and documentation.
    pub const fn expected(self) -> &'static str {
        match self {
            Self::Status => "status:running, failed, success, waiting, lost, cancelled or suspended",
            Self::User | Self::Tag | Self::Source | Self::Rule => "names separated by commas, quoted if they have spaces",
            Self::Name | Self::Directory => "text, quoted if it has spaces",
            Self::After | Self::Before => "a date such as 2026-11-01, a time such as 2026-11-01T14:30, or a span such as 7d",
            Self::Duration => "a span such as duration:>1h or duration:<30m",
            Self::Trait => "is:dry or is:retry",
        }
    }
}

/// All keys, in the order in which messages and the completion list them.
pub const KEYS: &[Key] = &[
    Key {
        word: "status",
        aliases: &[],
        takes: Takes::Status,
        help: "runs in one of these states",
        example: "failed,lost",
        offers: &[
            ("failed", "failed runs"),
            ("running", "runs in progress"),
            ("success", "successful runs"),
            ("lost", "runs whose client went silent"),
        ],
    },
    Key { word: "user", aliases: &[], takes: Takes::User, help: "runs of one of these users", example: "ana", offers: &[("", "by user")] },
    Key {
        word: "tag",
        aliases: &["tags"],
        takes: Takes::Tag,
        help: "runs with one of these tags",
        example: "qc,\"two words\"",
        offers: &[("", "by tag")],
    },
    Key {
        word: "name",
        aliases: &[],
        takes: Takes::Name,
        help: "runs with this text in the name",
        example: "rna",
        offers: &[("", "by name")],
    },
    Key {
        word: "dir",
        aliases: &["directory"],
        takes: Takes::Directory,
        help: "runs with this text in the directory",
        example: "/data/liver",
        offers: &[("", "by directory")],
    },
    Key {
        word: "source",
        aliases: &[],
        takes: Takes::Source,
        help: "runs from one of these sources",
        example: "sql",
        offers: &[("", "by source")],
    },
    Key {
        word: "rule",
        aliases: &[],
        takes: Takes::Rule,
        help: "runs with a job of one of these rules",
        example: "bwa",
        offers: &[("", "by rule")],
    },
    Key {
        word: "after",
        aliases: &["since"],
        takes: Takes::After,
        help: "runs that started then or later",
        example: "7d",
        offers: &[("1d", "since yesterday")],
    },
    Key {
        word: "before",
        aliases: &[],
        takes: Takes::Before,
        help: "runs that started earlier",
        example: "2026-11-01",
        offers: &[("7d", "more than a week ago")],
    },
    Key {
        word: "duration",
        aliases: &[],
        takes: Takes::Duration,
        help: "runs that took longer, or less time",
        example: ">1h30m",
        offers: &[(">1h", "runs that took longer")],
    },
    Key {
        word: "is",
        aliases: &[],
        takes: Takes::Trait,
        help: "dry runs, or runs that are not first attempts",
        example: "retry",
        offers: &[("dry", "dry runs")],
    },
];

impl Key {
    /// The key that a word means, in any case; `None` for a word that is no key.
    pub(super) fn of(word: &str) -> Option<&'static Self> {
        let word = fold(word);
        KEYS.iter().find(|key| key.word == word || key.aliases.contains(&word.as_str()))
    }

    /// The clauses that the completion offers, each with the runs that it finds.
    pub fn completions(&self) -> impl Iterator<Item = (String, &'static str)> {
        let word = self.word;
        self.offers.iter().map(move |(value, finds)| ([word, ":", *value].concat(), *finds))
    }
}

/// The keys as messages list them: `status:, user:, …`.
pub(super) fn listed() -> String {
    KEYS.iter().map(|key| [key.word, ":"].concat()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::{super::RunFilter, *};

    /// The page on which the public API explains the language.
    const DOCS: &str = include_str!("../../../../docs/clients.md");

    #[test]
    fn every_key_is_parsed_printed_completed_listed_and_documented() {
        for key in KEYS {
            let spellings = [&[key.word][..], key.aliases].concat();
            let example = RunFilter::parse(&format!("{}:{}", key.word, key.example));
            for spelling in &spellings {
                let text = format!("{}:{}", spelling.to_uppercase(), key.example);
                let filter = RunFilter::parse(&text);
                assert_eq!((filter.clauses.len(), &filter.mistakes), (1, &Vec::new()), "{text}");
                assert_eq!((filter.to_string(), &filter.clauses[0].term), (text, &example.clauses[0].term));
            }
            assert!(key.completions().next().is_some(), "{} is completed", key.word);
            for (clause, _) in key.completions() {
                let filter = RunFilter::parse(&clause);
                let is_open = clause.ends_with(':');
                assert_eq!((filter.clauses.len(), filter.mistakes.len()), (usize::from(!is_open), 0), "{clause}");
            }
            assert!(listed().split(", ").any(|one| one.strip_suffix(':') == Some(key.word)), "{}", key.word);
            let written = spellings.iter().map(|word| format!("`{word}:`")).collect::<Vec<_>>().join(", ");
            let row = format!("| {written} | {} | {} | `{}:{}` |", key.help, key.takes.expected(), key.word, key.example);
            assert!(DOCS.contains(&row), "docs/clients.md lacks the row\n{row}");
        }
    }

    #[test]
    fn no_two_keys_share_a_spelling_and_a_wrong_value_is_answered_with_what_its_key_takes() {
        let mut spellings: Vec<&str> = KEYS.iter().flat_map(|key| [&[key.word][..], key.aliases].concat()).collect();
        spellings.sort_unstable();
        assert!(spellings.windows(2).all(|pair| pair[0] != pair[1]), "{spellings:?}");
        for key in KEYS {
            let filter = RunFilter::parse(&format!("{}:?!", key.word));
            let takes_any = matches!(key.takes, Takes::User | Takes::Tag | Takes::Name | Takes::Directory | Takes::Source | Takes::Rule);
            let expected = filter.mistakes.first().map(|mistake| mistake.expected.as_str());
            assert_eq!(expected, (!takes_any).then_some(key.takes.expected()), "{}", key.word);
        }
    }

    #[test]
    fn the_example_has_no_mistake() {
        let filter = RunFilter::parse(EXAMPLE);
        assert_eq!((filter.clauses.len(), filter.mistakes.as_slice()), (4, &[][..]));
    }
}
