//! What is shown of a file: detects its format, and returns a window of its content in a form that a page can draw.
//! Also reads lines of logs, searches and counts them, and parses the log of a run.
//!
//! Knows formats, but neither paths nor pages. All input is untrusted. The code is meant to run in a process of its own
//! with limits on memory and time ([`ask`] and the `peek` command of the server): if a file makes a library use too
//! much, that process ends, not the server.
#![forbid(unsafe_code)]

mod about;
mod alignments;
mod archive;
mod at;
pub mod benchmark;
mod bytes;
mod columns;
pub mod counts;
mod delimited;
mod encoding;
mod ends;
pub mod find;
pub mod fuzzed;
pub mod log_lines;
pub mod logs;
mod markup;
mod near;
mod notebook;
pub mod run_jobs;
pub mod run_log;
mod sequences;
mod source;
pub mod still;
mod summary;
mod terminal;
mod text;
mod tree;
mod visible;

use model::{
    clock::Clock,
    cut::letters as clipped,
    encoding::ReadAs,
    preview::{Ask, Ends, Preview},
    text::more,
};
use serde::Deserialize;
use source::{Packing, Source};
use std::{fs::File, io, os::unix::fs::FileExt as _};

/// How many bytes of a file are read for a window of it.
const READ: usize = 256 << 10;
/// How many bytes of a file are examined to determine whether it is text.
const SNIFF: usize = 8 << 10;
/// How many rows and columns a window of a table has, and how many letters of a cell are shown.
const ROWS: usize = 200;
const COLUMNS: usize = 60;
const CELL: usize = 200;

/// The preview of a file. If the content does not match the name, it is shown as text or as bytes.
///
/// Reads a window of the file, some of its end if the format requires that, and the whole of a small file. `clock` limits
/// how long an archive is read.
///
/// # Errors
/// Only errors of reading.
pub fn peek(file: &File, ask: &Ask, clock: &Clock) -> io::Result<Preview> {
    let source = Source::new(file, &ask.name)?.read_as(ask.encoding)?;
    let mut found = look(&source, ask, clock)?;
    visible::preview(&mut found);
    Ok(found)
}

fn look(source: &Source<'_>, ask: &Ask, clock: &Clock) -> io::Result<Preview> {
    let plain = source.packing == Packing::None;
    let found = match source.ending() {
        "png" | "jpg" | "jpeg" | "gif" | "webp" | "avif" | "bmp" | "ico" | "svg" if plain => Some(Preview::Image),
        "html" | "htm" if plain => Some(Preview::Page),
        "pdf" if plain => Some(Preview::Pdf),
        "md" | "markdown" => markup::markdown(source, ask.near.as_ref())?,
        "json" | "geojson" => tree::json(source)?,
        "yaml" | "yml" => tree::yaml(source)?,
        "ipynb" => notebook::notebook(source, ask.near.as_ref())?,
        "fa" | "fasta" | "fna" | "ffn" | "faa" | "fas" | "frn" => sequences::fasta(source, ask.at)?,
        "fq" | "fastq" => sequences::fastq(source, ask.at)?,
        "bam" if plain => alignments::bam(source, ask.at),
        "parquet" | "pq" if plain => columns::parquet(source, ask.at),
        "zip" if plain => archive::zip(source),
        "tar" => archive::tar(source, clock),
        _ => None,
    };
    if let Some(found) = found {
        return Ok(found);
    }
    if let Some(layout) = delimited::layout(source.ending()) {
        if let Some(found) = delimited::letters_at(source, layout, ask.at)? {
            return Ok(Preview::Sequences(found));
        }
        if let Some(table) = delimited::table(source, layout, ask.at)? {
            return Ok(Preview::Table(table));
        }
    }
    let (head, ends) = source.head(READ)?;
    let begin = &head[..head.len().min(SNIFF)];
    if encoding::sniff(begin, &[], source.encoding).is_none() || (source.has_no_letters() && begin.contains(&0)) {
        return bytes::bytes(source).map(Preview::Bytes);
    }
    let ends = if ends.is_whole() && tree::lacks_end(source.ending(), &head) { Ends::Early } else { ends };
    Ok(Preview::Text(text::text(&head, source.ending(), ends)))
}

/// The encoding in which a file previewed with `ask` is read; `None` if it is not text.
///
/// # Errors
/// The errors of reading.
pub fn read_as(file: &File, ask: &Ask) -> io::Result<Option<ReadAs>> {
    let source = Source::new(file, &ask.name)?;
    if source.has_no_letters() {
        return Ok(None);
    }
    let (head, _) = source.head(encoding::SNIFFED)?;
    Ok(encoding::sniff(&head, &[], ask.encoding))
}

/// Possible requests: about a file, or about the lines of a compressed log.
#[derive(Deserialize)]
#[serde(untagged)]
enum Question {
    Log { log: logs::PackedAsk },
    ReadAs { read_as: Ask },
    File(Ask),
}

/// Handles a request and returns the answer as JSON, the form in which both pass between the processes.
///
/// # Errors
/// The errors of reading, and an invalid request.
pub fn ask(file: &File, question: &str, clock: &Clock) -> io::Result<String> {
    match serde_json::from_str(question)? {
        Question::Log { log } => logs::packed(file, log, clock),
        Question::ReadAs { read_as: ask } => Ok(serde_json::to_string(&read_as(file, &ask)?)?),
        Question::File(ask) => Ok(serde_json::to_string(&peek(file, &ask, clock)?)?),
    }
}

/// The start of a text from its first `bytes`; `cut` says that there are more. `None` if it is not text. NUL is
/// replaced by a visible symbol.
pub fn start_of_text(bytes: &[u8], cut: bool) -> Option<String> {
    let read = encoding::sniff(bytes, &[], None)?;
    let text = encoding::decoded(bytes, read.encoding);
    // If the text was cut inside a character, it ends with replacement characters.
    let whole = if cut { text.trim_end_matches(char::REPLACEMENT_CHARACTER) } else { &text };
    Some(whole.replace('\0', "\u{2400}"))
}

/// At most `most` bytes of a file from `from` on.
///
/// # Errors
/// The errors of reading.
pub fn read(file: &File, from: u64, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; most];
    let filled = fill(file, from, &mut bytes)?;
    bytes.truncate(filled);
    Ok(bytes)
}

/// Fills a reusable buffer with bytes of a file from `from` on. Returns how many there were: fewer than the buffer
/// holds only at the end.
fn fill(file: &File, from: u64, bytes: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < bytes.len() {
        // No file has bytes beyond the range of the system's offsets.
        let at = from.checked_add(filled as u64).filter(|at| i64::try_from(*at).is_ok());
        let Some(at) = at else { break };
        match file.read_at(&mut bytes[filled..], at) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The mark at the end of a text from which letters were left out; empty if none were.
fn left_out(letters: u64) -> String {
    if letters == 0 { String::new() } else { format!("\u{2026} ({})", more(letters, "letter")) }
}

#[cfg(test)]
mod tests;
