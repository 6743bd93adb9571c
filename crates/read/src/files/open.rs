//! Opens a file below a directory safely, whatever links exist and whoever moves things at the same time. Reads nothing.

use super::{
    guard::{self, Guard},
    place::{Place, Root},
};
use cap_std::{
    ambient_authority,
    fs::{Dir, Metadata, MetadataExt as _, OpenOptions, OpenOptionsExt as _},
};
use model::{
    clock::Clock,
    file::{FileFacts, NoFile},
};
use rustix::fs::OFlags;
use std::{
    fs::File,
    io::{Error, ErrorKind},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

/// Virtual file systems whose files come from the kernel: proc, sysfs and similar (`linux/magic.h`).
const TALKING: [u64; 8] = [0x9fa0, 0x6265_6572, 0x6462_6720, 0x7472_6163, 0x0027_e0eb, 0x6367_7270, 0xcafe_4a11, 0x7363_6673];

/// The open file and what is known of it. Does not block on a pipe, and opens no device.
///
/// The opened file is checked again: its real path must lie below a directory of the reader, and `guard` must allow it.
///
/// # Errors
/// Every [`NoFile`] except those that concern places and limits.
pub fn open(place: &Place, guard: &Guard, clock: &Clock) -> Result<(File, FileFacts), NoFile> {
    if place.way.as_os_str().is_empty() {
        return Err(NoFile::Directory);
    }
    let (dir, _) = root(&place.root, &trusted())?;
    let found = match at(&dir, &place.way) {
        // Opening below a directory refuses an absolute link even if it leads back into that directory.
        Err(NoFile::Outside) => elsewhere(place),
        found => found,
    };
    let (file, facts) = found?;
    let system = rustix::fs::fstatfs(&file).map_err(|error| why(&error.into()))?;
    if TALKING.contains(&u64::try_from(system.f_type).unwrap_or_default()) {
        return Err(NoFile::Special);
    }
    let real = guard::real(&file, &place.root.path().join(&place.way))?;
    guard.check(&file.metadata().map_err(|error| why(&error))?, &real, clock)?;
    if is_beneath(place, &real) { Ok((file, facts)) } else { Err(NoFile::Outside) }
}

/// Whether a real path lies below a directory of the reader.
pub fn is_beneath(place: &Place, real: &Path) -> bool {
    place.all.iter().any(|one| root(one, &trusted()).is_ok_and(|(_, top)| real.starts_with(top)))
}

/// Users whose links are followed on the path to a root: root, and the user who runs Flowo.
pub fn trusted() -> [u32; 2] {
    [0, rustix::process::geteuid().as_raw()]
}

/// Opens a directory of a reader, and returns its real path.
///
/// # Errors
/// [`NoFile::NotGiven`] if a user who is not `trusted` put a link in its place; otherwise the errors of [`open`].
pub fn root(root: &Root, trusted: &[u32]) -> Result<(Dir, PathBuf), NoFile> {
    let mut dir = Dir::open_ambient_dir(&root.top, ambient_authority()).map_err(|error| why(&error))?;
    for part in &root.rest {
        dir = step(&dir, Path::new(part), trusted)?;
    }
    let real = guard::real(&dir, &root.path())?;
    Ok((dir, real))
}

/// Opens the next directory on a path. Ensures that the directory that was checked is the one that is opened, even if things are moved.
fn step(dir: &Dir, part: &Path, trusted: &[u32]) -> Result<Dir, NoFile> {
    let look = || dir.symlink_metadata(part).map_err(|error| why(&error));
    let same = |one: &Metadata, other: &Metadata| (one.dev(), one.ino()) == (other.dev(), other.ino());
    let known = look()?;
    if !known.is_symlink() {
        let next = dir.open_dir(part).map_err(|error| why(&error))?;
        let opened = next.dir_metadata().map_err(|error| why(&error))?;
        return if same(&known, &opened) { Ok(next) } else { Err(NoFile::Outside) };
    }
    let to = dir.read_link_contents(part).map_err(|error| why(&error))?;
    if !trusted.contains(&known.uid()) || !same(&known, &look()?) {
        return Err(NoFile::NotGiven);
    }
    let whole = guard::real(dir, Path::new("."))?.join(to);
    Dir::open_ambient_dir(whole, ambient_authority()).map_err(|error| why(&error))
}

fn at(dir: &Dir, way: &Path) -> Result<(File, FileFacts), NoFile> {
    // Opening some devices already has side effects.
    usable(&dir.metadata(way).map_err(|error| why(&error))?)?;
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(OFlags::NONBLOCK.union(OFlags::NOCTTY).bits().cast_signed());
    let file = dir.open_with(way, &options).map_err(|error| why(&error))?;
    let facts = usable(&file.metadata().map_err(|error| why(&error))?)?;
    Ok((file.into_std(), facts))
}

/// The file itself, after resolving all links, if it lies below a directory of the reader.
fn elsewhere(place: &Place) -> Result<(File, FileFacts), NoFile> {
    let whole = place.root.path().join(&place.way).canonicalize().map_err(|_| NoFile::Outside)?;
    let found = place.all.iter().find_map(|one| {
        let (dir, top) = root(one, &trusted()).ok()?;
        Some((dir, whole.strip_prefix(top).ok()?.to_owned()))
    });
    let (dir, way) = found.ok_or(NoFile::Outside)?;
    at(&dir, &way)
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

/// What a file system error means here.
pub fn why(error: &Error) -> NoFile {
    match error.kind() {
        // An error without a number was raised before the system was asked: the path leads outside.
        ErrorKind::PermissionDenied if error.raw_os_error().is_none() => NoFile::Outside,
        ErrorKind::PermissionDenied => NoFile::Unreadable,
        ErrorKind::NotFound | ErrorKind::NotADirectory => NoFile::Missing,
        ErrorKind::IsADirectory => NoFile::Directory,
        ErrorKind::InvalidFilename | ErrorKind::InvalidInput => NoFile::NotAPath,
        ErrorKind::FileTooLarge => NoFile::TooMuch,
        _ => NoFile::Other(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs,
        os::unix::fs::{MetadataExt as _, symlink},
    };

    #[test]
    fn a_link_in_place_of_a_root_counts_only_if_it_is_no_members() {
        let base = tempfile::tempdir().unwrap();
        let top = base.path().canonicalize().unwrap();
        fs::create_dir_all(top.join("ben/flowo")).unwrap();
        fs::create_dir_all(top.join("carl")).unwrap();
        symlink("ben", top.join("ana")).unwrap();
        symlink(top.join("ben"), top.join("absolute")).unwrap();
        symlink("../ben/flowo", top.join("carl/flowo")).unwrap();
        let maker = fs::symlink_metadata(top.join("ana")).unwrap().uid();
        let open = |rest: &str, trusted: &[u32]| root(&Root { top: top.clone(), rest: rest.into() }, trusted).map(|(_, real)| real);

        for (rest, real) in [("ana", "ben"), ("absolute", "ben"), ("ana/flowo", "ben/flowo"), ("carl/flowo", "ben/flowo")] {
            assert_eq!(open(rest, &[maker]), Ok(top.join(real)), "{rest}");
            assert_eq!(open(rest, &[maker + 1]), Err(NoFile::NotGiven), "{rest}");
        }
        for rest in ["ben", "ben/flowo", "carl"] {
            assert_eq!(open(rest, &[]), Ok(top.join(rest)), "{rest} is no link");
        }
        assert_eq!(open("nobody", &[maker]), Err(NoFile::Missing));
    }
}
