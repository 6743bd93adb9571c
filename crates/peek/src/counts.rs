//! Which number a line has, and where the line of a number begins: counted once, remembered by the megabyte.
//!
//! A log of gigabytes is counted over several questions; none of them waits for all of it.

use std::{
    collections::VecDeque,
    fs::File,
    io,
    os::unix::fs::{FileExt as _, MetadataExt as _},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Bytes whose lines are counted together; four bytes of memory each.
const BLOCK: u64 = 1 << 20;
/// Bytes that are read at a time.
const READ: usize = 128 << 10;
/// One question counts for so long.
const WHILE: Duration = Duration::from_millis(200);
/// Files that are remembered.
const FILES: usize = 64;
/// Bytes at the start of a file that tell it from one that took its place.
const START: usize = 64;

/// What was counted so far.
#[derive(Debug, Default)]
pub struct Counts {
    files: Mutex<VecDeque<(Key, Arc<Mutex<Counted>>)>>,
}

/// Device and number of a file.
type Key = (u64, u64);

#[derive(Debug, Default)]
struct Counted {
    start: Vec<u8>,
    /// Ends of lines in each whole block.
    blocks: Vec<u32>,
}

impl Counts {
    /// Lines that end before `at`; `None` as long as they are not counted: ask again.
    ///
    /// # Errors
    /// Those of reading.
    pub fn before(&self, file: &File, at: u64) -> io::Result<Option<u64>> {
        let counted = self.of(file)?;
        let mut counted = counted.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = (at / BLOCK) as usize;
        if !counted.count(file, whole)? {
            return Ok(None);
        }
        let before: u64 = counted.blocks[..whole].iter().map(|count| u64::from(*count)).sum();
        let begin = whole as u64 * BLOCK;
        let (rest, _) = ends(file, begin, at - begin, &mut vec![0; READ])?;
        Ok(Some(before + rest))
    }

    /// Where the line of a number begins, which counts from 1; of one beyond the end, the last. `None` as long as it
    /// is not counted.
    ///
    /// # Errors
    /// Those of reading.
    pub fn line(&self, file: &File, number: u64) -> io::Result<Option<u64>> {
        let counted = self.of(file)?;
        let mut counted = counted.lock().unwrap_or_else(PoisonError::into_inner);
        let size = file.metadata()?.len();
        let mut left = number.saturating_sub(1);
        let mut block = 0;
        loop {
            let begin = block as u64 * BLOCK;
            if begin + BLOCK > size {
                break;
            }
            if !counted.count(file, block + 1)? {
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
        for end in memchr::memchr_iter(b'\n', &bytes) {
            if left == 0 {
                break;
            }
            if begin + end as u64 + 1 >= size {
                break; // Nothing follows: the last line it is.
            }
            left -= 1;
            at = end + 1;
        }
        if at == 0 && block > 0 && left == 0 {
            // It began in a block before this one.
            let before = crate::read(file, begin - BLOCK, BLOCK as usize)?;
            let length = memchr::memrchr(b'\n', &before).map_or(0, |end| end as u64 + 1);
            return Ok(Some(begin - BLOCK + length));
        }
        Ok(Some(begin + at as u64))
    }

    /// What is known of a file, or of one that has taken its place: nothing.
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
            let same = {
                let counted = found.lock().unwrap_or_else(PoisonError::into_inner);
                start.starts_with(&counted.start) && counted.blocks.len() as u64 * BLOCK <= known.len()
            };
            if same {
                files.push_back((key, Arc::clone(&found)));
                return Ok(found);
            }
        }
        let new = Arc::new(Mutex::new(Counted { start, blocks: Vec::new() }));
        files.push_back((key, Arc::clone(&new)));
        while files.len() > FILES {
            files.pop_front();
        }
        Ok(new)
    }
}

impl Counted {
    /// Counts up to a block, for a while; whether it came that far.
    fn count(&mut self, file: &File, blocks: usize) -> io::Result<bool> {
        let until = Instant::now() + WHILE;
        let mut buffer = vec![0; READ];
        while self.blocks.len() < blocks {
            if Instant::now() > until {
                return Ok(false);
            }
            let (found, read) = ends(file, self.blocks.len() as u64 * BLOCK, BLOCK, &mut buffer)?;
            if read < BLOCK {
                return Ok(false);
            }
            self.blocks.push(found as u32);
        }
        Ok(true)
    }
}

/// Ends of lines in so many bytes from `from` on, and how many bytes there were.
fn ends(file: &File, from: u64, length: u64, buffer: &mut [u8]) -> io::Result<(u64, u64)> {
    let (mut found, mut read) = (0, 0);
    while read < length {
        let wanted = (length - read).min(buffer.len() as u64) as usize;
        let filled = crate::fill(file, from + read, &mut buffer[..wanted])?;
        found += memchr::memchr_iter(b'\n', &buffer[..filled]).count() as u64;
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
    use std::io::Write as _;

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
        let counts = Counts::default();
        for n in [0, 1, 2, 19_999, 20_000, 31_234, 59_998, 59_999] {
            assert_eq!(counts.before(&file, starts[n]).unwrap(), Some(n as u64));
            assert_eq!(counts.line(&file, n as u64 + 1).unwrap(), Some(starts[n]), "line {n}");
        }
        assert_eq!(counts.line(&file, 1_000_000).unwrap(), Some(starts[59_999]), "the last one");
        assert_eq!(counts.line(&file, 0).unwrap(), Some(0));
        // Another file in its place.
        file.set_len(0).unwrap();
        file.write_all_at(b"a\nb\n", 0).unwrap();
        assert_eq!(counts.before(&file, 4).unwrap(), Some(2));
        assert_eq!(counts.line(&file, 2).unwrap(), Some(2));
    }

    #[test]
    fn a_line_longer_than_a_block_begins_where_it_begins() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"first\n").unwrap();
        file.write_all(&vec![b'x'; 3 << 20]).unwrap();
        file.write_all(b"\nlast\n").unwrap();
        let counts = Counts::default();
        assert_eq!(counts.line(&file, 2).unwrap(), Some(6));
        assert_eq!(counts.line(&file, 3).unwrap(), Some(6 + (3 << 20) + 1));
    }
}
