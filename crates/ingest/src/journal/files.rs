//! The files of a journal: numbered lines, appended; a file is deleted once all lines in it are applied.
//!
//! A line is handed to the operating system before it counts, so it survives the end of this process. A line that a
//! power failure truncated is not read again.

use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io::{self, BufRead as _, BufReader, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// Once a file has this many bytes, the next line begins a new file.
const LARGE: u64 = 8 << 20;
/// How many servers may share a directory.
const SLOTS: u32 = 16;
/// The gap between the number of the last line found and that of the next: a power failure may have removed lines in between.
const GAP: i64 = 1 << 32;
/// A line longer than this was not written by Flowo.
const MAX_LINE: usize = 128 << 20;

/// A line's number and text.
pub type Line = (i64, String);

/// The files of one journal, locked by this process.
pub struct Files {
    pub id: Uuid,
    dir: PathBuf,
    /// The first line numbers of the files, oldest first; the last file is being written.
    firsts: VecDeque<i64>,
    current: Option<(File, u64)>,
    last: i64,
    _lock: File,
}

/// A journal as it was found at the start.
pub struct Found {
    pub files: Files,
    /// The lines that the last process wrote, applied or not.
    pub left: Vec<Line>,
    /// An earlier journal in the same place, which has ended.
    pub former: Option<Uuid>,
}

/// Takes the first journal below `root` that no other process holds, and everything that ended servers left in others.
///
/// # Errors
/// The directory cannot be used, or all journals are taken.
pub fn open(root: &Path) -> io::Result<(Found, Vec<Found>)> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(root)?;
    // Earlier versions left the directory readable by others; reports are confidential.
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
    let id_file = dir.join("id");
    let before = fs::read_to_string(&id_file).ok().and_then(|text| Uuid::parse_str(text.trim()).ok());
    let id = match before {
        Some(id) if !left.is_empty() => id,
        _ => {
            let id = Uuid::new_v4();
            let new = dir.join("id.new");
            let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&new)?;
            file.write_all(id.to_string().as_bytes())?;
            file.sync_all()?;
            fs::rename(new, id_file)?;
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

/// The lines of a file; lines without an end or without a number are skipped.
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
    /// Appends a line, which must not contain a line break, and returns its number.
    ///
    /// # Errors
    /// The line could not be written, for instance because the disk is full; nothing of it is kept.
    pub fn append(&mut self, body: &str) -> io::Result<i64> {
        if body.len() > MAX_LINE || body.contains('\n') {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        let number = self.last + 1;
        let (mut file, size) = match self.current.take() {
            Some((file, size)) if size < LARGE => (file, size),
            _ => {
                let path = self.dir.join(name(number));
                let _ = fs::remove_file(&path); // Left over from a first line that could not be written.
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
            file.set_len(size)?; // If even that fails, the next line begins a new file.
        }
        self.current = Some((file, if written.is_ok() { size + line.len() as u64 } else { size }));
        written?;
        self.last = number;
        Ok(number)
    }

    /// Deletes the files that contain no line beyond `applied`.
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

    /// Deletes all files. All their lines must have been applied.
    pub fn clear(&mut self) {
        self.current = None;
        for first in self.firsts.drain(..) {
            let _ = fs::remove_file(self.dir.join(name(first)));
        }
    }

    /// The file that is being written, for syncing it to disk.
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
        assert!(next > 2 + 1_000_000, "lines lost in a power failure may have had the numbers in between");
        assert_eq!(read(&root.join("0").join(name(next))).expect("lines"), [(next, "three".to_owned())], "in a file of its own");
        again.files.forget(next - 1);
        assert!(!path.exists());
        again.files.clear();
        drop(again.files);
        let (empty, _) = open(&root).expect("a journal");
        assert_eq!((empty.left.len(), empty.former), (0, Some(id)), "a new journal, because its numbers begin again");
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
        assert_eq!(files.firsts, [7], "the file that is being written stays");
        files.append(&long).expect("written");
        files.append(&long).expect("written");
        files.forget(9);
        assert!(files.firsts.is_empty());
        assert_eq!(files.append("y").ok(), Some(10));
        drop(files);
        fs::remove_dir_all(root).expect("removed");
    }
}
