//! What lies in a directory. Follows no links, opens no files.

use super::{open::why, place::Place};
use cap_std::{ambient_authority, fs::Dir};
use model::{
    file::NoFile,
    preview::{Entry, EntryKind},
};
use std::time::UNIX_EPOCH;

/// Names that are read of a directory, and entries that are shown.
const NAMES: usize = 20_000;
const SHOWN: usize = 500;

/// Directories first, by name, and whether there are more.
///
/// # Errors
/// As those of opening; [`NoFile::Missing`] also for what is no directory.
pub fn list(place: &Place) -> Result<(Vec<Entry>, bool), NoFile> {
    let root = Dir::open_ambient_dir(&place.root, ambient_authority()).map_err(|error| why(&error))?;
    let dir = if place.way.as_os_str().is_empty() { root } else { root.open_dir(&place.way).map_err(|error| why(&error))? };
    let mut found: Vec<(EntryKind, String)> = Vec::new();
    let mut more = false;
    for entry in dir.entries().map_err(|error| why(&error))? {
        let entry = entry.map_err(|error| why(&error))?;
        if found.len() == NAMES {
            more = true;
            break;
        }
        // A name that is no UTF-8 could not be asked for.
        let Ok(name) = entry.file_name().into_string() else { continue };
        let kind = match entry.file_type() {
            Ok(kind) if kind.is_dir() => EntryKind::Directory,
            Ok(kind) if kind.is_symlink() => EntryKind::Link,
            Ok(kind) if kind.is_file() => EntryKind::File,
            _ => EntryKind::Special,
        };
        found.push((kind, name));
    }
    found.sort_by(|a, b| (a.0 != EntryKind::Directory, &a.1).cmp(&(b.0 != EntryKind::Directory, &b.1)));
    more |= found.len() > SHOWN;
    found.truncate(SHOWN);
    let entries = found.into_iter().map(|(kind, name)| {
        let known = dir.symlink_metadata(&name).ok();
        let size = known.as_ref().map_or(0, cap_std::fs::Metadata::len);
        let modified = known.and_then(|known| known.modified().ok()).map_or(UNIX_EPOCH, cap_std::time::SystemTime::into_std);
        let modified_at = modified.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        Entry { name, kind, size, modified_at }
    });
    Ok((entries.collect(), more))
}
