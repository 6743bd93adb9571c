//! Checks that each setting that begins with `FLOWO_` is in three places: the server, `docs/settings.md` and
//! `.env.example`. Compares names, not what is said about them.
//! Settings with inherited names, such as `PORT`, are not checked.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, Source};

/// The lists for people.
const LISTS: [&str; 2] = ["docs/settings.md", ".env.example"];
const PREFIX: &str = "FLOWO_";
/// Names in the server that are no settings.
const NO_SETTINGS: [&str; 5] = [
    "FLOWO_PAGES_ARCHIVE", // The build script tells the compiler.
    "FLOWO_TABLE",         // What `flowod monitor` tells the program that it starts for a change.
    "FLOWO_OPERATION",
    "FLOWO_RUN",
    "FLOWO_CHANGE",
];

const WHY: &str = "a setting is in server/src, docs/settings.md and .env.example";

pub fn check(sources: &[Source], found: &mut Vec<Finding>) {
    let server = |source: &&Source| source.path.starts_with("server/src/") && source.is("rs") && !source.is_test();
    let mut read: BTreeMap<&str, &Source> = BTreeMap::new();
    for source in sources.iter().filter(server) {
        // Only a text that is nothing but a name: messages mention settings, too.
        let texts = source.text.split('"').filter(|text| names(text).next() == Some(*text) && !NO_SETTINGS.contains(text));
        read.extend(texts.map(|name| (name, source)));
    }
    for path in LISTS {
        let Some(list) = sources.iter().find(|source| source.path == path) else {
            found.push(Finding { file: path.to_owned(), line: 0, what: "the list is missing".to_owned(), why: WHY });
            continue;
        };
        let listed: BTreeSet<&str> = names(&list.text).collect();
        let unlisted = read.iter().filter(|(name, _)| !listed.contains(*name));
        found.extend(unlisted.map(|(name, source)| source.finding(0, format!("{name} is not in {}", list.path), WHY)));
        let unread = listed.iter().filter(|name| !read.contains_key(*name));
        found.extend(unread.map(|name| list.finding(0, format!("the server does not read {name}"), WHY)));
    }
}

/// The names of settings in a text.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
    words.filter(|word| word.len() > PREFIX.len() && word.starts_with(PREFIX))
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;

    #[test]
    fn a_setting_that_is_missing_in_one_place_is_found() {
        let of = |server: &str, docs: &str, example: &str| {
            let sources = [source("server/src/config.rs", server), source(LISTS[0], docs), source(LISTS[1], example)];
            let mut found = Vec::new();
            check(&sources, &mut found);
            found.into_iter().map(|finding| format!("{}: {}", finding.file, finding.what)).collect::<Vec<_>>()
        };
        let reads = r#"env("FLOWO_LISTEN")?; bail!("FLOWO_OTHER is unknown"); command.env("FLOWO_RUN", run)"#;
        assert_eq!(of(reads, "| `FLOWO_LISTEN` |", "# FLOWO_LISTEN=127.0.0.1:3100"), Vec::<String>::new());
        assert_eq!(of(reads, "", "FLOWO_LISTEN="), ["server/src/config.rs: FLOWO_LISTEN is not in docs/settings.md"]);
        assert_eq!(of(reads, "`FLOWO_LISTEN`", "FLOWO_LISTEN=\nFLOWO_OLD="), [".env.example: the server does not read FLOWO_OLD"]);
    }
}
