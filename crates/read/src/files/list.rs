//! The entries of a directory. Follows no links, opens no files.

use super::{
    guard::{self, Guard},
    open::{is_beneath, root, trusted, why},
    place::Place,
};
use cap_std::fs::Dir;
use model::{
    clock::Clock,
    file::NoFile,
    preview::{Entry, EntryKind, Folder},
};
use std::{
    collections::BinaryHeap,
    fmt,
    time::{Duration, UNIX_EPOCH},
};

/// How many entries are shown at once.
const SHOWN: usize = 500;
/// How long a directory is read; entries that were not reached by then are not counted.
const WHILE: Duration = Duration::from_secs(1);

/// The sort position of an entry: directories first, by name. Written as the entry's name, with a `/` appended for a directory.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Spot {
    is_file: bool,
    name: String,
}

impl Spot {
    fn of(text: &str) -> Self {
        let name = text.strip_suffix('/');
        Self { is_file: name.is_none(), name: name.unwrap_or(text).to_owned() }
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.name, if self.is_file { "" } else { "/" })
    }
}

/// The entries from one on, directories first, by name, and how many more there are.
///
/// Reads the whole directory, as far as possible within a second, and keeps only what it shows.
///
/// # Errors
/// The errors of opening; [`NoFile::Missing`] also if it is not a directory.
pub fn list(place: &Place, guard: &Guard, clock: &Clock, from: Option<&str>) -> Result<Folder, NoFile> {
    let (root, _) = root(&place.root, &trusted())?;
    let dir = if place.way.as_os_str().is_empty() { root } else { root.open_dir(&place.way).map_err(|error| why(&error))? };
    let dir = dir.into_std_file();
    let real = guard::real(&dir, &place.root.path().join(&place.way))?;
    guard.check(&dir.metadata().map_err(|error| why(&error))?, &real, clock)?;
    if !is_beneath(place, &real) {
        return Err(NoFile::Outside);
    }
    let dir = Dir::from_std_file(dir);
    let from = from.map(Spot::of);
    let mut folder = Folder::default();
    // The entries that sort first so far, the last of them on top; one more than is shown, to continue from.
    let mut first: BinaryHeap<(Spot, EntryKind)> = BinaryHeap::new();
    let until = clock.instant() + WHILE;
    for entry in dir.entries().map_err(|error| why(&error))? {
        let entry = entry.map_err(|error| why(&error))?;
        if clock.instant() > until {
            folder.is_unread = true;
            break;
        }
        // No request could contain a name that is not UTF-8.
        let Ok(name) = entry.file_name().into_string() else {
            folder.nameless += 1;
            continue;
        };
        let kind = match entry.file_type() {
            Ok(kind) if kind.is_dir() => EntryKind::Directory,
            Ok(kind) if kind.is_symlink() => EntryKind::Link,
            Ok(kind) if kind.is_file() => EntryKind::File,
            _ => EntryKind::Special,
        };
        let spot = Spot { is_file: kind != EntryKind::Directory, name };
        if from.as_ref().is_some_and(|from| spot < *from) {
            continue;
        }
        first.push((spot, kind));
        if first.len() > SHOWN + 1 {
            first.pop();
            folder.more += 1;
        }
    }
    let mut first = first.into_sorted_vec();
    if let Some((next, _)) = first.get(SHOWN) {
        folder.next = Some(next.to_string());
        folder.more += 1;
    }
    first.truncate(SHOWN);
    let entries = first.into_iter().map(|(Spot { name, .. }, kind)| {
        let known = dir.symlink_metadata(&name).ok();
        let size = known.as_ref().map_or(0, cap_std::fs::Metadata::len);
        let modified = known.and_then(|known| known.modified().ok()).map_or(UNIX_EPOCH, cap_std::time::SystemTime::into_std);
        let modified_at = modified.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        Entry { name, kind, size, modified_at }
    });
    folder.entries = entries.collect();
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::Spot;

    #[test]
    fn a_place_in_a_directory_is_written_and_read() {
        let spots = ["a/", "b/", "Z", "a", "a b", "ä"];
        assert!(spots.map(Spot::of).is_sorted(), "directories first");
        for text in spots {
            assert_eq!(Spot::of(text).to_string(), text);
        }
    }
}
