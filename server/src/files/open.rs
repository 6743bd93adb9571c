//! Opens a file beneath a directory, whatever links and whoever moves things meanwhile. Reads nothing.

use super::place::Place;
use cap_std::{
    ambient_authority,
    fs::{Dir, Metadata, OpenOptions, OpenOptionsExt as _},
};
use model::file::{FileFacts, NoFile};
use rustix::fs::OFlags;
use std::{
    fs::File,
    io::{Error, ErrorKind},
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

/// File systems whose files are the kernel talking: proc, sysfs, and their kin (`linux/magic.h`).
const TALKING: [u64; 8] = [0x9fa0, 0x6265_6572, 0x6462_6720, 0x7472_6163, 0x0027_e0eb, 0x6367_7270, 0xcafe_4a11, 0x7363_6673];

/// The file and what is known of it. It does not wait for a pipe, and opens no device.
///
/// # Errors
/// Every [`NoFile`] but those of places and of bounds.
pub fn open(place: &Place) -> Result<(File, FileFacts), NoFile> {
    if place.way.as_os_str().is_empty() {
        return Err(NoFile::Directory);
    }
    let dir = Dir::open_ambient_dir(&place.root, ambient_authority()).map_err(|error| why(&error))?;
    let found = match at(&dir, &place.way) {
        // A link by its whole name is refused beneath a directory even where it leads back into it.
        Err(NoFile::Outside) => at(&dir, &way_back(place)?),
        found => found,
    };
    let (file, facts) = found?;
    let system = rustix::fs::fstatfs(&file).map_err(|error| why(&error.into()))?;
    if TALKING.contains(&u64::try_from(system.f_type).unwrap_or_default()) { Err(NoFile::Special) } else { Ok((file, facts)) }
}

fn at(dir: &Dir, way: &Path) -> Result<(File, FileFacts), NoFile> {
    // To open some devices does something already.
    usable(&dir.metadata(way).map_err(|error| why(&error))?)?;
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(OFlags::NONBLOCK.union(OFlags::NOCTTY).bits().cast_signed());
    let file = dir.open_with(way, &options).map_err(|error| why(&error))?;
    let facts = usable(&file.metadata().map_err(|error| why(&error))?)?;
    Ok((file.into_std(), facts))
}

/// The way to the file itself, past all links; an error if it lies elsewhere.
fn way_back(place: &Place) -> Result<std::path::PathBuf, NoFile> {
    let root = place.root.canonicalize().map_err(|error| why(&error))?;
    let whole = place.root.join(&place.way).canonicalize().map_err(|_| NoFile::Outside)?;
    whole.strip_prefix(root).map(Path::to_owned).map_err(|_| NoFile::Outside)
}

fn usable(known: &Metadata) -> Result<FileFacts, NoFile> {
    if known.is_dir() {
        return Err(NoFile::Directory);
    }
    if !known.is_file() {
        return Err(NoFile::Special);
    }
    let modified = known.modified().map_or(UNIX_EPOCH, cap_std::time::SystemTime::into_std);
    Ok(FileFacts { size: known.len(), modified_at: millis(modified) })
}

fn millis(at: SystemTime) -> i64 {
    at.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// What an error of the file system means here.
pub fn why(error: &Error) -> NoFile {
    match error.kind() {
        // The one that has no number was made before the system was asked: the way leads out.
        ErrorKind::PermissionDenied if error.raw_os_error().is_none() => NoFile::Outside,
        ErrorKind::PermissionDenied => NoFile::Unreadable,
        ErrorKind::NotFound | ErrorKind::NotADirectory => NoFile::Missing,
        ErrorKind::IsADirectory => NoFile::Directory,
        ErrorKind::InvalidFilename | ErrorKind::InvalidInput => NoFile::NotAPath,
        _ => NoFile::Other(error.to_string()),
    }
}
