//! Looks for words in a file, a part at a time: whoever asks goes on where it stopped, or does not.

use aho_corasick::AhoCorasick;
use model::log::{Hit, Hits};
use std::{
    fs::File,
    io,
    time::{Duration, Instant},
};

/// One part takes so long at most, or gives so many lines.
const WHILE: Duration = Duration::from_millis(250);
const MOST: usize = 200;
/// Bytes that are read at a time: many threads may look for words, and what each took the allocator keeps for it.
const BLOCK: usize = 128 << 10;
/// Bytes of a line that are shown, and looked back for its beginning.
const SHOWN: usize = 240;
const BACK: usize = 4 << 10;

/// Lines from `from` on that contain `words`, whatever the case of their ASCII letters.
///
/// Memory: one block. A line is told once, however often it has the words, and again only where another question
/// begins within it.
pub fn find(file: &File, size: u64, words: &str, from: u64) -> io::Result<Hits> {
    let finder = AhoCorasick::builder().ascii_case_insensitive(true).build([words]).map_err(io::Error::other)?;
    let until = Instant::now() + WHILE;
    let mut hits = Vec::new();
    let mut at = from;
    let mut block = vec![0; BLOCK];
    // In a line that was told and goes on: its other places are no other lines.
    let mut told = false;
    loop {
        // A little of what is behind, so that a line that began there is told from its beginning.
        let begin = at.saturating_sub(BACK as u64);
        let filled = crate::fill(file, begin, &mut block)?;
        let block = &block[..filled];
        let skip = (at - begin) as usize;
        if block.len() <= skip {
            return Ok(Hits { hits, next: None, size });
        }
        let ended = block.len() < BLOCK;
        let mut done = skip;
        if told {
            let end = memchr::memchr(b'\n', &block[skip..]);
            told = end.is_none();
            done = end.map_or(block.len(), |end| skip + end + 1);
        }
        let mut torn = None;
        while let Some(found) = finder.find(&block[done..]) {
            let place = done + found.start();
            let line = block[..place].iter().rposition(|byte| *byte == b'\n').map_or(0, |before| before + 1);
            let next = block[place..].iter().position(|byte| *byte == b'\n').map(|length| place + length + 1);
            if next.is_none() && !ended && line > skip {
                // The line goes on in the next block: it is told from there.
                torn = Some(line);
                break;
            }
            hits.push(Hit { at: begin + line as u64, text: around(&block[line..next.unwrap_or(block.len())], place - line) });
            told = next.is_none();
            done = next.unwrap_or(block.len());
            if hits.len() == MOST {
                return Ok(Hits { hits, next: (!ended || done < block.len()).then_some(begin + done as u64), size });
            }
        }
        if ended {
            return Ok(Hits { hits, next: None, size });
        }
        // Words may lie across two blocks.
        let rest = (block.len() + 1).saturating_sub(words.len()).max(skip + 1);
        at = begin + torn.unwrap_or(done.max(rest)) as u64;
        if Instant::now() > until {
            return Ok(Hits { hits, next: Some(at), size });
        }
    }
}

/// So much of a line that the words at `place` are in it.
fn around(line: &[u8], place: usize) -> String {
    let begin = if place > SHOWN / 2 { place - SHOWN / 4 } else { 0 };
    let end = line.len().min(begin + SHOWN);
    let text = String::from_utf8_lossy(&line[begin..end]);
    let text = anstream::adapter::strip_str(&text).to_string();
    let text: String = text.chars().filter(|letter| *letter == '\t' || !letter.is_control()).collect();
    format!("{}{}{}", if begin > 0 { "…" } else { "" }, text.trim(), if end < line.len().saturating_sub(1) { "…" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{io::Write as _, os::unix::fs::FileExt as _};

    fn all(file: &File, words: &str) -> Vec<Hit> {
        let size = file.metadata().unwrap().len();
        let (mut at, mut hits) = (0, Vec::new());
        loop {
            let found = find(file, size, words, at).unwrap();
            hits.extend(found.hits);
            match found.next {
                Some(next) => {
                    assert!(next > at, "it goes on");
                    at = next;
                }
                None => return hits,
            }
        }
    }

    #[test]
    fn every_line_with_the_words_is_told_once() {
        let mut file = tempfile::tempfile().unwrap();
        let mut wanted = Vec::new();
        let mut at = 0_u64;
        // Lines of all lengths, over several blocks, some with the words twice, one at an edge of a block.
        for n in 0..60_000_usize {
            let line = match n % 97 {
                0 => format!("{n} needle and NEEDLE {}\n", "x".repeat(n % 211)),
                _ => format!("{n} {}\n", "y".repeat(n % 83)),
            };
            if n % 97 == 0 {
                wanted.push(at);
            }
            at += line.len() as u64;
            file.write_all(line.as_bytes()).unwrap();
        }
        assert!(at > 2 * BLOCK as u64);
        assert_eq!(all(&file, "Needle").iter().map(|hit| hit.at).collect::<Vec<_>>(), wanted);
        assert!(all(&file, "no such words").is_empty());
    }

    #[test]
    fn words_across_two_blocks_are_found() {
        for shift in 0..9_u64 {
            let file = tempfile::tempfile().unwrap();
            file.write_all_at(b"\n", BLOCK as u64 - 100).unwrap();
            file.write_all_at(b"haystack\n", BLOCK as u64 - shift).unwrap();
            assert_eq!(all(&file, "haystack").len(), 1, "{shift}");
        }
    }

    #[test]
    fn a_line_without_end_is_no_trap() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&b"needle ".repeat(700_000)).unwrap();
        let hits = all(&file, "needle");
        // Once for each question of a quarter of a second.
        assert!(!hits.is_empty() && hits.len() < 5, "{}", hits.len());
        assert!(hits.iter().all(|hit| hit.text.contains("needle") && hit.text.len() < 2 * SHOWN));
    }
}
