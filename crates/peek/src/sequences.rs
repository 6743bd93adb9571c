//! FASTA and FASTQ: records with a name and letters, read from any record on.

use crate::{short, source::Source, text::decoded};
use model::preview::{Preview, Sequence, Sequences};
use std::io;

/// Bytes that are read for a window: letters of a genome are passed over up to this.
const WINDOW: usize = 4 << 20;
/// Records of a window, and letters of one that are shown.
const RECORDS: usize = 40;
const LETTERS: usize = 600;

pub fn fasta(source: &Source<'_>, at: u64) -> io::Result<Option<Preview>> {
    let (bytes, more) = source.window(at, WINDOW)?;
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if first != Some(&b'>') && !bytes.is_empty() {
        return Ok(None);
    }
    let mut found = Sequences { protein: source.ending() == "faa", ..Sequences::default() };
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
            found.records.push(Sequence { name: short(name, 200), about: short(about, 400), ..Sequence::default() });
        } else if let Some(record) = found.records.last_mut() {
            let letters = line.iter().filter(|byte| !byte.is_ascii_whitespace());
            for letter in letters {
                take(record, *letter, &mut counts);
            }
        }
        place += line.len();
    }
    settle(&mut found, &mut counts);
    if found.next.is_none() && more {
        // The last one goes on beyond what was read: the next window begins with it, unless it is all there was.
        let begun = bytes.iter().enumerate().rev().find(|(at, byte)| **byte == b'>' && (*at == 0 || bytes[at - 1] == b'\n'));
        match begun {
            Some((begun, _)) if begun > 0 => {
                found.records.pop();
                found.next = Some(at + begun as u64);
            }
            _ => {
                if let Some(record) = found.records.last_mut() {
                    record.cut = true;
                }
                found.cut = true;
            }
        }
    }
    packed(source, &mut found);
    let letters = found.records.first().map(|record| record.letters.to_ascii_uppercase()).unwrap_or_default();
    found.protein |= letters.bytes().any(|letter| matches!(letter, b'E' | b'F' | b'I' | b'L' | b'P' | b'Q' | b'Z' | b'*'));
    if found.protein {
        found.records.iter_mut().for_each(|record| record.gc = None);
    }
    Ok(Some(Preview::Sequences(found)))
}

pub fn fastq(source: &Source<'_>, at: u64) -> io::Result<Option<Preview>> {
    let (bytes, more) = source.window(at, WINDOW / 8)?;
    if bytes.first().is_some_and(|byte| *byte != b'@') {
        return Ok(None);
    }
    let mut found = Sequences::default();
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let mut place = 0;
    loop {
        let four = [lines.next(), lines.next(), lines.next(), lines.next()];
        let [Some(title), Some(letters), Some(plus), Some(scores)] = four else {
            // Half a record at the end of a window belongs to the next one.
            let nothing = four.iter().flatten().all(|line| line.trim_ascii().is_empty());
            found.next = (more && place > 0).then_some(at + place as u64);
            found.cut = !nothing && found.next.is_none();
            break;
        };
        if title.first() != Some(&b'@') || plus.first() != Some(&b'+') {
            if found.records.is_empty() {
                return Ok(None);
            }
            found.cut = true;
            break;
        }
        if more && !scores.ends_with(b"\n") || found.records.len() == RECORDS {
            found.next = (place > 0).then_some(at + place as u64);
            break;
        }
        let title_text = decoded(&title[1..], true);
        let (name, about) = title_text.trim().split_once(char::is_whitespace).unwrap_or((title_text.trim(), ""));
        let mut record = Sequence { name: short(name, 200), about: short(about, 400), ..Sequence::default() };
        let mut counts = [0; 2];
        for letter in letters.trim_ascii_end() {
            take(&mut record, *letter, &mut counts);
        }
        record.gc = gc(counts);
        let scores = scores.trim_ascii_end();
        let sum: u64 = scores.iter().map(|score| u64::from(score.saturating_sub(33))).sum();
        record.quality = (!scores.is_empty()).then(|| (sum * 10 / scores.len() as u64) as u16);
        found.records.push(record);
        place += title.len() + letters.len() + plus.len() + scores_length(four[3]);
    }
    packed(source, &mut found);
    Ok(Some(Preview::Sequences(found)))
}

fn scores_length(line: Option<&[u8]>) -> usize {
    line.map_or(0, <[u8]>::len)
}

/// Of a packed file there is only the start.
fn packed(source: &Source<'_>, found: &mut Sequences) {
    if source.packing != crate::source::Packing::None {
        found.cut |= found.next.take().is_some();
    }
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

/// G and C in thousandths; `None` without nucleotides.
fn gc([strong, weak]: [u64; 2]) -> Option<u16> {
    (strong + weak > 0).then(|| (strong * 1000 / (strong + weak)) as u16)
}
