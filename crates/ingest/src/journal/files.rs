//! The files of a journal: numbered lines, appended; whole files are deleted when all in them is applied.
//!
//! A line is in the hands of the operating system before it counts: it survives the end of this process. A line that
//! a power cut tore is not read again.

use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io::{self, BufRead as _, BufReader, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// From so many bytes on, the next line begins a new file.
const LARGE: u64 = 8 << 20;
/// Servers that may share a directory.
const SLOTS: u32 = 16;
/// Between the last line that was found and the next: after a power cut there may have been some that are not found.
const GAP: i64 = 1 << 32;
/// Longer lines are nobody's.
const MAX_LINE: usize = 128 << 20;

/// A line, and its number.
pub type Line = (i64, String);

/// The files of one journal, held by this process alone.
pub struct Files {
    pub id: Uuid,
    dir: PathBuf,
    /// First numbers of the files, oldest first; the last one is written.
    firsts: VecDeque<i64>,
    current: Option<(File, u64)>,
    last: i64,
    _lock: File,
}

/// A journal as it was found.
pub struct Found {
    pub files: Files,
    /// What the last process to have it wrote, applied or not.
    pub left: Vec<Line>,
    /// A journal that was here before and is over.
    pub former: Option<Uuid>,
}

/// Takes the first journal below `root` that no other process has, and whatever others have left there.
///
/// # Errors
/// The directory cannot be used, or all are taken.
pub fn open(root: &Path) -> io::Result<(Found, Vec<Found>)> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(root)?;
    // What an earlier version left open to others is closed: reports are in it.
    fs::set_permissions(root, fs::Permissions::from_mode(0o700))?;
    let mut own = None;
    let mut orphans = Vec::new();
    for slot in 0..SLOTS {
        let dir = root.join(slot.to_string());
        if own.is_some() && !dir.is_dir() {
            continue;
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(dir.join("lock"))?;
        if lock.try_lock().is_err() {
            continue;
        }
        let found = take(dir, lock)?;
        if own.is_none() {
            own = Some(found);
        } else if !found.left.is_empty() {
            orphans.push(found);
        }
    }
    let own = own.ok_or_else(|| io::Error::other(format!("{SLOTS} servers use {} already", root.display())))?;
    Ok((own, orphans))
}

fn take(dir: PathBuf, lock: File) -> io::Result<Found> {
    let mut firsts: Vec<i64> =
        fs::read_dir(&dir)?.filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".log")?.parse().ok()).collect();
    firsts.sort_unstable();
    let mut left = Vec::new();
    for first in &firsts {
        left.extend(read(&dir.join(name(*first)))?);
    }
    let told = dir.join("id");
    let before = fs::read_to_string(&told).ok().and_then(|text| Uuid::parse_str(text.trim()).ok());
    let id = match before {
        Some(id) if !left.is_empty() => id,
        _ => {
            let id = Uuid::new_v4();
            let new = dir.join("id.new");
            let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&new)?;
            file.write_all(id.to_string().as_bytes())?;
            file.sync_all()?;
            fs::rename(new, told)?;
            id
        }
    };
    let last = left.last().map_or(0, |(number, _)| *number + GAP);
    let files = Files { id, dir, firsts: firsts.into(), current: None, last, _lock: lock };
    Ok(Found { files, left, former: before.filter(|before| *before != id) })
}

fn name(first: i64) -> String {
    format!("{first:020}.log")
}

/// The lines of a file; one without an end, or without a number, is none.
fn read(path: &Path) -> io::Result<Vec<Line>> {
    let mut lines = Vec::new();
    let mut reader = BufReader::new(File::open(path)?);
    let mut line = Vec::new();
    loop {
        line.clear();
        reader.read_until(b'\n', &mut line)?;
        if line.pop() != Some(b'\n') {
            return Ok(lines);
        }
        let text = std::str::from_utf8(&line).ok().and_then(|line| line.split_once('\t'));
        lines.extend(text.and_then(|(number, body)| Some((number.parse().ok()?, body.to_owned()))));
    }
}

impl Files {
    /// Appends a line, which must have no end of a line in it, and gives its number.
    ///
    /// # Errors
    /// It could not be written, as on a full disk; nothing of it is kept.
    pub fn append(&mut self, body: &str) -> io::Result<i64> {
        if body.len() > MAX_LINE || body.contains('\n') {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        let number = self.last + 1;
        let (mut file, size) = match self.current.take() {
            Some((file, size)) if size < LARGE => (file, size),
            _ => {
                let path = self.dir.join(name(number));
                let _ = fs::remove_file(&path); // Of a first line that could not be written.
                let file = OpenOptions::new().create_new(true).append(true).mode(0o600).open(path)?;
                if self.firsts.back() != Some(&number) {
                    self.firsts.push_back(number);
                }
                (file, 0)
            }
        };
        let line = format!("{number}\t{body}\n");
        let written = file.write_all(line.as_bytes());
        if written.is_err() {
            file.set_len(size)?; // Where even that fails, the next line begins a new file.
        }
        self.current = Some((file, if written.is_ok() { size + line.len() as u64 } else { size }));
        written?;
        self.last = number;
        Ok(number)
    }

    /// Deletes the files in which nothing is beyond `applied`.
    pub fn forget(&mut self, applied: i64) {
        while let Some(first) = self.firsts.front().copied() {
            let last = self.firsts.get(1).map_or(self.last, |next| next - 1);
            let is_written = self.firsts.len() == 1 && self.current.as_ref().is_some_and(|(_, size)| *size < LARGE);
            if last > applied || is_written {
                return;
            }
            if self.firsts.len() == 1 {
                self.current = None;
            }
            let gone = fs::remove_file(self.dir.join(name(first)));
            if gone.is_err_and(|error| error.kind() != io::ErrorKind::NotFound) {
                return;
            }
            self.firsts.pop_front();
        }
    }

    /// Deletes all files; everything in them is applied.
    pub fn clear(&mut self) {
        self.current = None;
        for first in self.firsts.drain(..) {
            let _ = fs::remove_file(self.dir.join(name(first)));
        }
    }

    /// The file that is written, to be put on the disk for good.
    pub fn current(&self) -> Option<File> {
        self.current.as_ref()?.0.try_clone().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch() -> PathBuf {
        let dir = std::env::temp_dir().join(format!("flowo-journal-{}", Uuid::new_v4().simple()));
        fs::create_dir(&dir).expect("a directory");
        dir
    }

    #[test]
    fn what_was_written_is_there_for_the_next_process_and_a_torn_line_is_not() {
        let root = scratch();
        let (mut found, _) = open(&root).expect("a journal");
        assert_eq!((found.files.append("one").ok(), found.files.append("two\t2").ok()), (Some(1), Some(2)));
        assert!(found.files.append("a\nb").is_err());
        let (mut other, _) = open(&root).expect("another process");
        assert_ne!(other.files.id, found.files.id, "never the same one");
        other.files.append("of another").expect("written");
        drop(other);
        let id = found.files.id;
        drop(found);
        let path = root.join("0").join(name(1));
        OpenOptions::new().append(true).open(&path).expect("a file").write_all(b"3\ttorn").expect("written");
        let (mut again, orphans) = open(&root).expect("a journal");
        assert_eq!(orphans.iter().map(|one| one.left.clone()).collect::<Vec<_>>(), [[(1, "of another".to_owned())]]);
        assert_eq!((again.files.id, again.left), (id, vec![(1, "one".into()), (2, "two\t2".into())]));
        let next = again.files.append("three").expect("written");
        assert!(next > 2 + 1_000_000, "lines that a power cut took may have had the numbers between");
        assert_eq!(read(&root.join("0").join(name(next))).expect("lines"), [(next, "three".to_owned())], "in a file of its own");
        again.files.forget(next - 1);
        assert!(!path.exists());
        again.files.clear();
        drop(again.files);
        let (empty, _) = open(&root).expect("a journal");
        assert_eq!((empty.left.len(), empty.former), (0, Some(id)), "a new one, for its numbers begin again");
        fs::remove_dir_all(root).expect("removed");
    }

    #[test]
    fn files_that_are_applied_go() {
        let root = scratch();
        let mut files = open(&root).expect("a journal").0.files;
        let long = "x".repeat(3 << 20);
        let numbers: Vec<i64> = (0..7).map(|_| files.append(&long).expect("written")).collect();
        assert_eq!((numbers.last(), files.firsts.len()), (Some(&7), 3));
        files.forget(4);
        assert_eq!(files.firsts, [4, 7]);
        files.forget(7);
        assert_eq!(files.firsts, [7], "the one that is written stays");
        files.append(&long).expect("written");
        files.append(&long).expect("written");
        files.forget(9);
        assert!(files.firsts.is_empty());
        assert_eq!(files.append("y").ok(), Some(10));
        drop(files);
        fs::remove_dir_all(root).expect("removed");
    }
}
