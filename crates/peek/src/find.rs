//! Searches a file for text, or for lines by their level, one part at a time: the caller continues where the search
//! stopped, or gives up.

use crate::{
    at::ReadAt,
    encoding::{self, Units, decoded, encoded},
    terminal::Screen,
};
use aho_corasick::AhoCorasick;
use model::{
    clock::Clock,
    encoding::Encoding,
    log::{Hit, Hits, Level, LogLine, Look, Wanted},
};
use std::{io, time::Duration};

/// How long one part may take, and how many lines it may return.
const WHILE: Duration = Duration::from_millis(250);
const MOST: usize = 200;
/// How many bytes are read at a time: many threads may search, and the allocator keeps what each thread has allocated.
const BLOCK: usize = 128 << 10;
/// How many bytes of a line are shown, and how many bytes before a match are searched for the beginning of its line.
const SHOWN: usize = 240;
const BACK: usize = 4 << 10;
/// From how many bytes of a line its level is judged: those at its start, or at its end if the line was overwritten.
const JUDGED: usize = 4 << 10;

/// Searches from `look.from` on.
///
/// Memory: one block. A line is reported once, however often it contains the text; it is reported again only if another
/// request starts within the line.
///
/// # Errors
/// The errors of reading.
pub fn find(text: &(impl ReadAt + ?Sized), size: u64, look: &Look, clock: &Clock) -> io::Result<Hits> {
    let read = encoding::of(text, look.encoding)?;
    let encoding = read.map_or(Encoding::UTF_8, |read| read.encoding);
    let from = Units::of(encoding).aligned(look.from.min(size));
    match &look.wanted {
        Wanted::Words(words) => self::words(text, size, words, from, encoding, clock),
        Wanted::Level(level) => levels(text, size, *level, from, encoding, clock),
    }
}

fn words(text: &(impl ReadAt + ?Sized), size: u64, words: &str, from: u64, encoding: Encoding, clock: &Clock) -> io::Result<Hits> {
    let units = Units::of(encoding);
    // Characters that the file's encoding cannot represent do not occur in the file.
    let Some(wanted) = encoded(words, encoding).filter(|wanted| !wanted.is_empty()) else { return Ok(Hits { size, ..Hits::default() }) };
    let finder = AhoCorasick::builder().ascii_case_insensitive(true).build([&wanted]).map_err(io::Error::other)?;
    let until = clock.instant() + WHILE;
    let mut hits = Vec::new();
    let mut at = from.min(size);
    let mut block = vec![0; BLOCK];
    // Set within a line that was reported and goes on: further matches in the line are not new lines.
    let mut in_reported_line = false;
    loop {
        // Read a little further back, so that a line that began there is reported from its beginning.
        let begin = units.aligned(at.saturating_sub(BACK as u64));
        let filled = text.fill(begin, &mut block)?;
        let block = &block[..filled];
        let skip = (at - begin) as usize;
        if block.len() <= skip {
            return Ok(Hits { hits, next: None, size, judged: 0 });
        }
        let ended = block.len() < BLOCK;
        let mut done = skip;
        if in_reported_line {
            let end = units.after(&block[skip..], b'\n');
            in_reported_line = end.is_none();
            done = end.map_or(block.len(), |end| skip + end);
        }
        let mut torn = None;
        while let Some(found) = finder.find(&block[done..]) {
            let place = done + found.start();
            let unit = place - place % units.width;
            let line = units.after_last(&block[..unit], b'\n').unwrap_or(0);
            let next = units.after(&block[unit..], b'\n').map(|length| unit + length);
            if next.is_none() && !ended && line > skip {
                // The line goes on in the next block: it is reported from there.
                torn = Some(line);
                break;
            }
            let bytes = &block[line..next.unwrap_or(block.len())];
            if encoding != Encoding::UTF_8 && !has(&decoded(bytes, encoding), words) {
                // The bytes match, but the characters differ.
                done = place + 1;
                continue;
            }
            hits.push(Hit { at: begin + line as u64, text: around(bytes, place - line, encoding), level: None });
            in_reported_line = next.is_none();
            done = next.unwrap_or(block.len());
            if hits.len() == MOST {
                return Ok(Hits { hits, next: (!ended || done < block.len()).then_some(begin + done as u64), size, judged: 0 });
            }
        }
        if ended {
            return Ok(Hits { hits, next: None, size, judged: 0 });
        }
        // A match may lie across two blocks.
        let rest = (block.len() + 1).saturating_sub(wanted.len()).max(skip + 1);
        let rest = units.aligned(begin + torn.unwrap_or(done.max(rest)) as u64);
        at = if rest > at { rest } else { at + units.width as u64 };
        if clock.instant() > until {
            return Ok(Hits { hits, next: Some(at), size, judged: 0 });
        }
    }
}

/// Whether a text contains `words`, ignoring ASCII case.
fn has(text: &str, words: &str) -> bool {
    text.to_ascii_lowercase().contains(&words.to_ascii_lowercase())
}

/// Finds lines of at least the given level.
fn levels(text: &(impl ReadAt + ?Sized), size: u64, least: Level, from: u64, encoding: Encoding, clock: &Clock) -> io::Result<Hits> {
    let units = Units::of(encoding);
    let hints = AhoCorasick::builder().ascii_case_insensitive(true).build(Level::HINTS).map_err(io::Error::other)?;
    let until = clock.instant() + WHILE;
    let mut hits = Vec::new();
    let mut block = vec![0; BLOCK];
    let mut at = from;
    // Set within a line that was judged by its start and goes on.
    let mut goes_on = false;
    let mut judged = 0;
    loop {
        let filled = text.fill(at, &mut block)?;
        let ended = filled < BLOCK;
        let mut rest = &block[..filled];
        while !rest.is_empty() {
            let next = units.after(rest, b'\n');
            if next.is_none() && !ended && rest.len() < filled {
                break; // The line goes on: read it from its beginning with the next block.
            }
            let (line, more) = rest.split_at(next.unwrap_or(rest.len()));
            let seen = std::mem::replace(&mut goes_on, next.is_none());
            // In encodings with wider characters, the byte search for hints does not work.
            let hinted = units.width > 1 || line.first().is_some_and(|first| Level::LETTERS.contains(first)) || hints.is_match(line);
            let found = if hinted && !seen { last_look(line, at, encoding).filter(|found| found.level >= Some(least)) } else { None };
            if let Some(found) = found {
                let plain = found.plain();
                let text = clipped(plain.trim());
                hits.push(Hit { at, text, level: found.level });
            } else if seen || line.len() > JUDGED {
                let beyond = if seen { line } else { &line[JUDGED..] };
                judged = if hints.is_match(beyond) { JUDGED as u64 } else { judged };
            }
            at += line.len() as u64;
            rest = more;
            if hits.len() == MOST {
                return Ok(Hits { hits, next: (!ended || !rest.is_empty()).then_some(at), size, judged });
            }
        }
        if ended {
            return Ok(Hits { hits, next: None, size, judged });
        }
        if clock.instant() > until {
            return Ok(Hits { hits, next: Some(at), size, judged });
        }
    }
}

/// What a terminal finally shows of a line.
fn last_look(line: &[u8], at: u64, encoding: Encoding) -> Option<LogLine> {
    let units = Units::of(encoding);
    let begin = line.len().saturating_sub(JUDGED);
    // The line break may include a carriage return.
    let stop = line.len().saturating_sub(2 * units.width).max(begin);
    let part = match units.after(&line[begin..stop], b'\r').filter(|_| begin > 0) {
        Some(over) => &line[begin + over..],
        None => &line[..line.len().min(JUDGED)],
    };
    let mut screen = Screen::default();
    screen.line(at, decoded(part, encoding).trim_end_matches('\n'));
    screen.lines(0).pop()
}

/// The part of a text that is shown.
fn clipped(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}\u{2026}", &text[..end]),
        None => text.to_owned(),
    }
}

/// The part of a line around the match at `place`.
fn around(line: &[u8], place: usize, encoding: Encoding) -> String {
    let width = Units::of(encoding).width;
    let shown = SHOWN * width;
    let begin = if place > shown / 2 { place - shown / 4 } else { 0 };
    let begin = begin - begin % width;
    let end = line.len().min(begin + shown);
    let text = decoded(&line[begin..end], encoding);
    let text = anstream::adapter::strip_str(&text).to_string();
    let text: String = text.chars().filter(|letter| *letter == '\t' || !letter.is_control()).collect();
    format!("{}{}{}", if begin > 0 { "…" } else { "" }, text.trim(), if end < line.len().saturating_sub(width) { "…" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::clock::MockClock;
    use std::{fmt::Write as _, fs::File, io::Write as _, os::unix::fs::FileExt as _};

    fn every(text: &(impl ReadAt + ?Sized), size: u64, wanted: &Wanted) -> Vec<Hit> {
        let mut look = Look { wanted: wanted.clone(), from: 0, encoding: None };
        let mut hits = Vec::new();
        let clock = MockClock::stepping(0, WHILE / 40).clock(); // Forty blocks take as long as one part may.
        loop {
            let found = find(text, size, &look, &clock).unwrap();
            hits.extend(found.hits);
            match found.next {
                Some(next) => {
                    assert!(next > look.from, "it goes on");
                    look.from = next;
                }
                None => return hits,
            }
        }
    }

    fn all(file: &File, words: &str) -> Vec<Hit> {
        every(file, file.metadata().unwrap().len(), &Wanted::Words(words.to_owned()))
    }

    #[test]
    fn every_line_with_the_words_is_found_once() {
        let mut file = tempfile::tempfile().unwrap();
        let mut wanted = Vec::new();
        let mut at = 0_u64;
        // Lines of all lengths, over several blocks, some with two matches, one with a match at the edge of a block.
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
        // Once for each part.
        assert!(!hits.is_empty() && hits.len() < 5, "{}", hits.len());
        assert!(hits.iter().all(|hit| hit.text.contains("needle") && hit.text.len() < 2 * SHOWN));
        assert!(every(&file, 4_900_000, &Wanted::Level(Level::Warning)).is_empty());
    }

    #[test]
    fn a_search_whose_time_is_over_says_where_to_go_on() {
        let text = "a line\n".repeat(BLOCK);
        for wanted in [Wanted::Words("no such words".to_owned()), Wanted::Level(Level::Warning)] {
            let clock = MockClock::stepping(0, WHILE).clock();
            let look = Look { wanted, from: 0, encoding: None };
            let found = find(text.as_bytes(), text.len() as u64, &look, &clock).unwrap();
            let next = found.next.expect("there is more");
            assert!(found.hits.is_empty() && next > BLOCK as u64 && next <= 2 * BLOCK as u64, "{next}");
        }
    }

    #[test]
    fn lines_that_matter_are_found_in_all_of_a_log() {
        let (mut log, mut wanted) = (String::new(), Vec::new());
        for n in 0..300_000 {
            if n % 40_000 == 3 {
                wanted.push(log.len() as u64);
                let _ = writeln!(log, "\x1b[31mERROR\x1b[0m number {n}");
            } else if n % 50_000 == 7 {
                let _ = writeln!(log, "Error rate: 0.01\n10%\r[W::main] odd");
            } else {
                let _ = writeln!(log, "line {n} of many, with nothing in it but words and more of them");
            }
        }
        assert!(log.len() > 18_000_000, "{}", log.len());
        let of = |level| every(log.as_bytes(), log.len() as u64, &Wanted::Level(level));
        let errors = of(Level::Error);
        assert_eq!(errors.iter().map(|hit| hit.at).collect::<Vec<_>>(), wanted, "all eight");
        assert_eq!((errors[0].text.as_str(), errors[0].level), ("ERROR number 3", Some(Level::Error)));
        let both = of(Level::Warning);
        assert_eq!(both.len(), wanted.len() + 6);
        assert_eq!((both[1].text.as_str(), both[1].level), ("[W::main] odd", Some(Level::Warning)));
    }

    #[test]
    fn a_line_that_is_judged_by_its_beginning_is_counted() {
        let look = Look { wanted: Wanted::Level(Level::Warning), from: 0, encoding: None };
        let of = |text: &str| find(text.as_bytes(), text.len() as u64, &look, &MockClock::new(0).clock()).unwrap();
        let far = of(&format!("{} ERROR: no space left\nend\n", "x".repeat(JUDGED)));
        assert_eq!((far.hits.len(), far.judged), (0, JUDGED as u64));
        assert_eq!(of(&format!("{} all is well\nERROR: no space left\n", "x".repeat(JUDGED))).judged, 0, "nothing is missed");
        assert_eq!(of(&format!("{} ERROR: no space left\n", "x".repeat(2 * BLOCK))).judged, JUDGED as u64, "in another block");
    }

    #[test]
    fn words_are_found_in_other_encodings() {
        let text = "erste Zeile\nGr\u{f6}\u{df}e zu klein\nERROR: \u{4e0a} x\nletzte";
        for encoding in [Encoding::UTF_16LE, Encoding::UTF_16BE, Encoding::UTF_32LE] {
            let bytes = encoded(&format!("\u{feff}{text}"), encoding).unwrap();
            let size = bytes.len() as u64;
            let words = |words: &str| every(bytes.as_slice(), size, &Wanted::Words(words.to_owned()));
            assert_eq!(
                words("gr\u{f6}\u{df}e").iter().map(|hit| hit.text.as_str()).collect::<Vec<_>>(),
                ["Gr\u{f6}\u{df}e zu klein"],
                "{encoding}"
            );
            assert_eq!(words("letzte").len(), 1, "{encoding}");
            let errors = every(bytes.as_slice(), size, &Wanted::Level(Level::Error));
            assert_eq!(errors.iter().map(|hit| hit.text.as_str()).collect::<Vec<_>>(), ["ERROR: \u{4e0a} x"], "{encoding}");
        }
        let latin = encoded("eins\nGr\u{f6}\u{df}e der \u{d6}ffnung\n", "windows-1252".parse().unwrap()).unwrap();
        let found = every(latin.as_slice(), latin.len() as u64, &Wanted::Words("Gr\u{f6}\u{df}e".to_owned()));
        assert_eq!((found.len(), found[0].text.as_str()), (1, "Gr\u{f6}\u{df}e der \u{d6}ffnung"));
        // Characters that the encoding cannot represent do not occur in the file.
        assert!(every(latin.as_slice(), latin.len() as u64, &Wanted::Words("\u{4e0a}".to_owned())).is_empty());
    }
}
