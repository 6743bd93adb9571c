//! The entries of a directory, and what a list of them leaves out. No file system.

use crate::{Millis, text};
use serde::{Deserialize, Serialize};

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub name: String,
    pub kind: EntryKind,
    /// In bytes, for a file.
    pub size: u64,
    pub modified_at: Millis,
}

/// The entries of a directory from one of them on: directories first, each kind by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folder {
    pub entries: Vec<Entry>,
    /// How many entries follow, and the position of the first of them.
    pub more: u64,
    pub next: Option<String>,
    /// The directory was not read to its end: some entries were not counted.
    pub is_unread: bool,
    /// Entries whose names are not UTF-8: no request could name them.
    pub nameless: u64,
}

impl Folder {
    /// What follows the listed entries: `1 240 more entries`; `None` if nothing does.
    pub fn rest(&self) -> Option<String> {
        let word = if self.more == 1 { "entry" } else { "entries" };
        let count = text::many(self.more);
        match (self.more, self.is_unread) {
            (0, false) => None,
            (0, true) => Some("There are more entries. Reading them all takes too long".to_owned()),
            (_, false) => Some(format!("{count} more {word}")),
            (_, true) => Some(format!("At least {count} more {word}")),
        }
    }

    /// What is not listed at all, in words.
    pub fn unlisted(&self) -> Option<String> {
        let names = if self.nameless == 1 { "name is" } else { "names are" };
        let count = text::many(self.nameless);
        (self.nameless > 0).then(|| format!("{count} more whose {names} not UTF-8"))
    }
}

/// What an entry of a directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    Directory,
    File,
    /// A symbolic link.
    Link,
    /// A pipe, a socket or a device.
    Special,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_list_of_a_directory_leaves_out_is_counted() {
        let rest = |more, is_unread| Folder { more, is_unread, ..Folder::default() }.rest().map(|says| says.replace('\u{202f}', " "));
        assert_eq!(rest(0, false), None);
        assert_eq!(rest(1, false).as_deref(), Some("1 more entry"));
        assert_eq!(rest(1_240, false).as_deref(), Some("1 240 more entries"));
        assert_eq!(rest(1_240, true).as_deref(), Some("At least 1 240 more entries"));
        assert_eq!(rest(0, true).as_deref(), Some("There are more entries. Reading them all takes too long"));
        let unlisted = |nameless| Folder { nameless, ..Folder::default() }.unlisted();
        assert_eq!(
            [unlisted(0), unlisted(1), unlisted(3)].map(Option::unwrap_or_default),
            ["", "1 more whose name is not UTF-8", "3 more whose names are not UTF-8"]
        );
    }
}
