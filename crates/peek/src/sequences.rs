//! FASTA and FASTQ: records with a name and letters, read from any record on.

use crate::{clipped, source::Source, text::decoded};
use model::preview::{Ends, Preview, Sequence, Sequences};
use std::io;

/// How many bytes are read for a window: up to this size, the remaining letters of a genome are skipped.
pub const WINDOW: usize = 4 << 20;
/// How many records a window has, and how many letters are shown of a sequence, its name and its description.
const RECORDS: usize = 40;
const LETTERS: usize = 600;
const NAME: usize = 200;
const ABOUT: usize = 400;

pub fn fasta(source: &Source<'_>, at: u64) -> io::Result<Option<Preview>> {
    let (bytes, ends) = source.window(at, WINDOW)?;
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if first != Some(&b'>') && !bytes.is_empty() {
        return Ok(None);
    }
    let found = records(&bytes, at, ends, source.ending() == "faa");
    Ok(Some(Preview::Sequences(packed(source, found))))
}

/// The FASTA records in `bytes`, which come from position `at` of the file.
pub fn records(bytes: &[u8], at: u64, ends: Ends, protein: bool) -> Sequences {
    let mut found = Sequences { protein, ..Sequences::default() };
    let mut place = 0;
    let mut counts = [0_u64; 2];
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if line.first() == Some(&b'>') {
            settle(&mut found, &mut counts);
            if found.records.len() == RECORDS {
                found.next = Some(at + place as u64);
                break;
            }
            let title = decoded(&line[1..], true);
            let (name, about) = title.trim().split_once(char::is_whitespace).unwrap_or((title.trim(), ""));
            found.records.push(Sequence { name: clipped(name, NAME), about: clipped(about, ABOUT), ..Sequence::default() });
        } else if let Some(record) = found.records.last_mut() {
            let letters = line.iter().filter(|byte| !byte.is_ascii_whitespace());
            for letter in letters {
                take(record, *letter, &mut counts);
            }
        }
        place += line.len();
    }
    settle(&mut found, &mut counts);
    if found.next.is_none() && !ends.is_whole() {
        // The last record continues after the part that was read: the next window begins with it, unless it is the only record.
        let begun = bytes.iter().enumerate().rev().find(|(at, byte)| **byte == b'>' && (*at == 0 || bytes[at - 1] == b'\n'));
        match begun {
            Some((begun, _)) if begun > 0 && ends == Ends::More => {
                found.records.pop();
                found.next = Some(at + begun as u64);
            }
            _ => {
                if let Some(record) = found.records.last_mut() {
                    record.cut = true;
                }
                found.ends = ends;
            }
        }
    }
    let letters = found.records.first().map(|record| record.letters.to_ascii_uppercase()).unwrap_or_default();
    found.protein |= letters.bytes().any(|letter| matches!(letter, b'E' | b'F' | b'I' | b'L' | b'P' | b'Q' | b'Z' | b'*'));
    if found.protein {
        found.records.iter_mut().for_each(|record| record.gc = None);
    }
    found
}

pub fn fastq(source: &Source<'_>, at: u64) -> io::Result<Option<Preview>> {
    let (bytes, ends) = source.window(at, WINDOW / 8)?;
    if bytes.first().is_some_and(|byte| *byte != b'@') {
        return Ok(None);
    }
    let mut found = Sequences::default();
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let mut place = 0;
    while let Some(title) = lines.next() {
        let rest = [lines.next(), lines.next(), lines.next()].map(Option::unwrap_or_default);
        let [letters, plus, scores] = rest;
        let length = title.len() + rest.iter().map(|line| line.len()).sum::<usize>();
        if [title, letters, plus, scores].iter().all(|line| line.trim_ascii().is_empty()) {
            place += length;
            continue;
        }
        if found.records.len() == RECORDS {
            found.next = Some(at + place as u64);
            break;
        }
        let whole = scores.ends_with(b"\n") || ends.is_whole() && !scores.is_empty() && trimmed(scores).len() >= trimmed(letters).len();
        // An incomplete record at the end of a window belongs to the next window.
        if !whole && ends == Ends::More && place > 0 {
            found.next = Some(at + place as u64);
            break;
        }
        if title.first() != Some(&b'@') || !plus.is_empty() && plus.first() != Some(&b'+') {
            if found.records.is_empty() {
                return Ok(None);
            }
            found.ends = Ends::Broken;
            break;
        }
        found.records.push(Sequence { cut: !whole, ..read(title, letters, scores) });
        if !whole {
            // A complete file that ends within a record is truncated.
            found.ends = if ends.is_whole() { Ends::Early } else { ends };
            break;
        }
        place += length;
    }
    if found.next.is_none() && found.ends.is_whole() {
        found.ends = ends;
    }
    Ok(Some(Preview::Sequences(packed(source, found))))
}

/// A FASTQ record from its lines.
fn read(title: &[u8], letters: &[u8], scores: &[u8]) -> Sequence {
    let title = decoded(&title[1..], true);
    let (name, about) = title.trim().split_once(char::is_whitespace).unwrap_or((title.trim(), ""));
    let mut record = Sequence { name: clipped(name, NAME), about: clipped(about, ABOUT), ..Sequence::default() };
    let mut counts = [0; 2];
    for letter in trimmed(letters) {
        take(&mut record, *letter, &mut counts);
    }
    record.gc = gc(counts);
    let scores = trimmed(scores);
    let sum: u64 = scores.iter().map(|score| u64::from(score.saturating_sub(33))).sum();
    record.quality = (!scores.is_empty()).then(|| (sum * 10 / scores.len() as u64) as u16);
    record
}

/// A line without its line break.
fn trimmed(line: &[u8]) -> &[u8] {
    line.trim_ascii_end()
}

/// Of a compressed file only the start is available.
pub fn packed(source: &Source<'_>, mut found: Sequences) -> Sequences {
    if source.packing != crate::source::Packing::None && found.next.take().is_some() {
        found.ends = Ends::More;
    }
    found
}

fn take(record: &mut Sequence, letter: u8, counts: &mut [u64; 2]) {
    record.length += 1;
    match letter {
        b'G' | b'C' | b'g' | b'c' | b'S' | b's' => counts[0] += 1,
        b'A' | b'T' | b'U' | b'a' | b't' | b'u' | b'W' | b'w' => counts[1] += 1,
        _ => {}
    }
    if record.letters.len() < LETTERS {
        record.letters.push(if letter.is_ascii_graphic() { char::from(letter) } else { '?' });
    }
}

fn settle(found: &mut Sequences, counts: &mut [u64; 2]) {
    if let Some(record) = found.records.last_mut() {
        record.gc = gc(*counts);
    }
    *counts = [0; 2];
}

/// The share of G and C in thousandths; `None` without nucleotides.
fn gc([strong, weak]: [u64; 2]) -> Option<u16> {
    (strong + weak > 0).then(|| (strong * 1000 / (strong + weak)) as u16)
}
