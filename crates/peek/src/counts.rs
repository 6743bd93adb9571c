//! The number of a line, and where the line with a given number begins. Lines are counted once, and the counts are
//! cached per megabyte.
//!
//! A log of gigabytes is counted over several requests; no request waits until all of it is counted, or for another
//! request that counts the same file.

use crate::encoding::{self, Units};
use model::{
    clock::{Clock, Instant},
    encoding::Encoding,
};
use std::{
    collections::VecDeque,
    fs::File,
    io,
    os::unix::fs::{FileExt as _, MetadataExt as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError},
    time::Duration,
};

/// How many bytes share one count; each count takes four bytes of memory.
const BLOCK: u64 = 1 << 20;
/// How many bytes are read at a time.
const READ: usize = 128 << 10;
/// How long one request counts.
const WHILE: Duration = Duration::from_millis(200);
/// How many bytes of a file are counted at most: of a larger file only the start, which takes a megabyte of memory.
const FARTHEST: u64 = 1 << 38;
/// How many files are remembered.
const FILES: usize = 64;
/// How many bytes at the start of a file distinguish it from one that replaced it.
const START: usize = 64;

/// The counts so far.
#[derive(Debug)]
pub struct Counts {
    clock: Clock,
    files: Mutex<VecDeque<(Key, Arc<Mutex<Counted>>)>>,
}

/// The device and inode number of a file.
type Key = (u64, u64);

#[derive(Debug)]
struct Counted {
    start: Vec<u8>,
    /// The width and byte order of its characters.
    units: Units,
    /// The number of line breaks in each complete block.
    blocks: Vec<u32>,
}

impl Counts {
    pub fn new(clock: Clock) -> Self {
        Self { clock, files: Mutex::default() }
    }

    /// The number of lines that end before `at`; `None` until they are counted: ask again.
    ///
    /// # Errors
    /// The errors of reading; [`io::ErrorKind::FileTooLarge`] beyond the part that is counted.
    pub fn before(&self, file: &File, at: u64) -> io::Result<Option<u64>> {
        let until = self.clock.instant() + WHILE;
        near(at)?;
        let counted = self.of(file)?;
        let Some(mut counted) = free(&counted) else { return Ok(None) };
        let whole = (at / BLOCK) as usize;
        if !counted.count(file, whole, &self.clock, until)? {
            return Ok(None);
        }
        let before: u64 = counted.blocks[..whole].iter().map(|count| u64::from(*count)).sum();
        let begin = whole as u64 * BLOCK;
        let (rest, _) = ends(file, begin, at - begin, &mut vec![0; READ], counted.units)?;
        Ok(Some(before + rest))
    }

    /// Where the line with a number begins, counted from 1; past the end, the last line. `None` until the lines are counted.
    ///
    /// # Errors
    /// The errors of [`Self::before`].
    pub fn line(&self, file: &File, number: u64) -> io::Result<Option<u64>> {
        let until = self.clock.instant() + WHILE;
        let counted = self.of(file)?;
        let Some(mut counted) = free(&counted) else { return Ok(None) };
        let size = file.metadata()?.len();
        let mut left = number.saturating_sub(1);
        let mut block = 0;
        loop {
            let begin = block as u64 * BLOCK;
            if begin + BLOCK > size {
                break;
            }
            near(begin + BLOCK)?;
            if !counted.count(file, block + 1, &self.clock, until)? {
                return Ok(None);
            }
            let here = u64::from(counted.blocks[block]);
            if here >= left {
                break;
            }
            left -= here;
            block += 1;
        }
        let begin = block as u64 * BLOCK;
        let bytes = crate::read(file, begin, BLOCK as usize)?;
        let mut at = 0;
        for next in counted.units.all_after(&bytes, b'\n') {
            if left == 0 {
                break;
            }
            if begin + next as u64 >= size {
                break; // Nothing follows: this is the last line.
            }
            left -= 1;
            at = next;
        }
        if at == 0 && block > 0 && left == 0 {
            // The line began in an earlier block.
            let before = crate::read(file, begin - BLOCK, BLOCK as usize)?;
            let length = counted.units.after_last(&before, b'\n').map_or(0, |next| next as u64);
            return Ok(Some(begin - BLOCK + length));
        }
        Ok(Some(begin + at as u64))
    }

    /// The counts of a file; empty for a file that replaced another.
    fn of(&self, file: &File) -> io::Result<Arc<Mutex<Counted>>> {
        let known = file.metadata()?;
        let key = (known.dev(), known.ino());
        let mut start = vec![0; START];
        let length = file.read_at(&mut start, 0)?;
        start.truncate(length);
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = files.iter().position(|(held, _)| *held == key)
            && let Some((_, found)) = files.remove(at)
        {
            // If another request is counting, it has made this check.
            let same =
                free(&found).is_none_or(|counted| start.starts_with(&counted.start) && counted.blocks.len() as u64 * BLOCK <= known.len());
            if same {
                files.push_back((key, Arc::clone(&found)));
                return Ok(found);
            }
        }
        let new = Arc::new(Mutex::new(Counted { units: units_of(&start), start, blocks: Vec::new() }));
        files.push_back((key, Arc::clone(&new)));
        while files.len() > FILES {
            files.pop_front();
        }
        Ok(new)
    }
}

/// The counts of a file, unless another request is counting at the moment.
fn free(counted: &Mutex<Counted>) -> Option<MutexGuard<'_, Counted>> {
    match counted.try_lock() {
        Ok(counted) => Some(counted),
        Err(TryLockError::Poisoned(counted)) => Some(counted.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// An error for a position beyond the part that is counted.
fn near(at: u64) -> io::Result<()> {
    if at <= FARTHEST { Ok(()) } else { Err(io::ErrorKind::FileTooLarge.into()) }
}

impl Counted {
    /// Counts up to a block, until a deadline; returns whether it got that far.
    fn count(&mut self, file: &File, blocks: usize, clock: &Clock, until: Instant) -> io::Result<bool> {
        if self.blocks.len() >= blocks {
            return Ok(true);
        }
        let mut buffer = vec![0; READ];
        while self.blocks.len() < blocks {
            if clock.instant() > until {
                return Ok(false);
            }
            let (found, read) = ends(file, self.blocks.len() as u64 * BLOCK, BLOCK, &mut buffer, self.units)?;
            if read < BLOCK {
                return Ok(false);
            }
            self.blocks.push(found as u32);
        }
        Ok(true)
    }
}

/// The width and byte order of a file's characters, determined from its start.
fn units_of(start: &[u8]) -> Units {
    Units::of(encoding::sniff(start, &[], None).map_or(Encoding::UTF_8, |read| read.encoding))
}

/// The number of line breaks in `length` bytes from `from` on, and how many bytes there were.
fn ends(file: &File, from: u64, length: u64, buffer: &mut [u8], units: Units) -> io::Result<(u64, u64)> {
    let (mut found, mut read) = (0, 0);
    while read < length {
        let wanted = (length - read).min(buffer.len() as u64) as usize;
        let filled = crate::fill(file, from + read, &mut buffer[..wanted])?;
        found += units.count(&buffer[..filled], b'\n') as u64;
        read += filled as u64;
        if filled < wanted {
            break;
        }
    }
    Ok((found, read))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::clock::MockClock;
    use std::io::Write as _;

    /// Whose time does not pass.
    fn counts() -> Counts {
        Counts::new(MockClock::new(0).clock())
    }

    #[test]
    fn lines_have_numbers_and_numbers_lines() {
        let mut file = tempfile::tempfile().unwrap();
        let mut starts = Vec::new();
        let mut at = 0_u64;
        let mut text = Vec::new();
        for n in 0_usize..60_000 {
            starts.push(at);
            let line = format!("{n} {}\n", "x".repeat(n % 97));
            at += line.len() as u64;
            text.extend(line.into_bytes());
        }
        assert!(at > 2 * BLOCK, "over several blocks");
        file.write_all(&text).unwrap();
        let counts = counts();
        for n in [0, 1, 2, 19_999, 20_000, 31_234, 59_998, 59_999] {
            assert_eq!(counts.before(&file, starts[n]).unwrap(), Some(n as u64));
            assert_eq!(counts.line(&file, n as u64 + 1).unwrap(), Some(starts[n]), "line {n}");
        }
        assert_eq!(counts.line(&file, 1_000_000).unwrap(), Some(starts[59_999]), "the last one");
        assert_eq!(counts.line(&file, 0).unwrap(), Some(0));
        // A different file in its place.
        file.set_len(0).unwrap();
        file.write_all_at(b"a\nb\n", 0).unwrap();
        assert_eq!(counts.before(&file, 4).unwrap(), Some(2));
        assert_eq!(counts.line(&file, 2).unwrap(), Some(2));
    }

    /// A sparse file, far larger than any disk of this machine; nothing of it is written.
    fn hollow(size: u64) -> File {
        let file = tempfile::tempfile().unwrap();
        file.set_len(size).unwrap();
        file
    }

    #[test]
    fn one_question_to_an_endless_file_takes_a_moment_however_many_ask() {
        let file = hollow(10 << 40);
        // A thousand reads take as long as one question may; reading all of it would take many minutes.
        let counts = Counts::new(MockClock::stepping(0, WHILE / 1_000).clock());

        let answers: Vec<Option<u64>> = std::thread::scope(|scope| {
            let all: Vec<_> = (0..33).map(|_| scope.spawn(|| counts.line(&file, 1_000_000_000_000).unwrap())).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });

        assert!(answers.iter().all(Option::is_none), "it is not counted yet");
    }

    #[test]
    fn what_lies_beyond_all_counting_is_said_to() {
        let file = hollow(FARTHEST + 3 * BLOCK);
        let counts = counts();
        let beyond = counts.before(&file, FARTHEST + 1).unwrap_err();
        assert_eq!(beyond.kind(), io::ErrorKind::FileTooLarge);
        // As if everything before it had been counted.
        let known = counts.of(&file).unwrap();
        known.lock().unwrap().blocks = vec![0; (FARTHEST / BLOCK) as usize];
        assert_eq!(counts.before(&file, FARTHEST).unwrap(), Some(0));
        assert_eq!(counts.line(&file, 2).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn a_line_longer_than_a_block_begins_where_it_begins() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"first\n").unwrap();
        file.write_all(&vec![b'x'; 3 << 20]).unwrap();
        file.write_all(b"\nlast\n").unwrap();
        let counts = counts();
        assert_eq!(counts.line(&file, 2).unwrap(), Some(6));
        assert_eq!(counts.line(&file, 3).unwrap(), Some(6 + (3 << 20) + 1));
    }

    #[test]
    fn wide_letters_have_the_same_numbers() {
        let text = "\u{4e0a}\u{a0a} x\n".repeat(9);
        let bytes = encoding::encoded(&format!("\u{feff}{text}"), Encoding::UTF_16LE).unwrap();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        let counts = counts();
        assert_eq!(counts.before(&file, bytes.len() as u64).unwrap(), Some(9));
        assert_eq!(counts.line(&file, 3).unwrap(), Some(2 + 2 * 10), "after the mark and two lines");
    }
}
