//! What is shown of a file: of which format it is, and a window of it in a form that a page can draw; lines of logs,
//! words in them, their numbers, and what the log of a run tells.
//!
//! Knows formats, neither paths nor pages. Everything here reads what strangers wrote. It is meant to run in a
//! process of its own with bounds on memory and time ([`ask`] and the `peek` command of the server): a library
//! that can be made to ask for too much ends that process, not the server.
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
    cut::letters as clipped,
    encoding::ReadAs,
    preview::{Ask, Ends, Preview},
    text::more,
};
use serde::Deserialize;
use source::{Packing, Source};
use std::{fs::File, io, os::unix::fs::FileExt as _};

/// Bytes of a file that are read for a window of it.
const READ: usize = 256 << 10;
/// So much of a file tells whether it is text.
const SNIFF: usize = 8 << 10;
/// Rows and columns of a window of a table, and letters of one cell.
const ROWS: usize = 200;
const COLUMNS: usize = 60;
const CELL: usize = 200;

/// The preview of a file. What its name promises and it is not is shown as text, or as bytes.
///
/// Reads a window of the file, some of its end where the format wants that, and of small files all.
///
/// # Errors
/// Only those of reading.
pub fn peek(file: &File, ask: &Ask) -> io::Result<Preview> {
    let source = Source::new(file, &ask.name)?.read_as(ask.encoding)?;
    let mut found = look(&source, ask)?;
    visible::preview(&mut found);
    Ok(found)
}

fn look(source: &Source<'_>, ask: &Ask) -> io::Result<Preview> {
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
        "tar" => archive::tar(source),
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

/// In which encoding a file is read that is shown as `ask` says; `None` for what is no text.
///
/// # Errors
/// Those of reading.
pub fn read_as(file: &File, ask: &Ask) -> io::Result<Option<ReadAs>> {
    let source = Source::new(file, &ask.name)?;
    if source.has_no_letters() {
        return Ok(None);
    }
    let (head, _) = source.head(encoding::SNIFFED)?;
    Ok(encoding::sniff(&head, &[], ask.encoding))
}

/// What may be asked: about a file, or about the lines of a packed log.
#[derive(Deserialize)]
#[serde(untagged)]
enum Question {
    Log { log: logs::PackedAsk },
    ReadAs { read_as: Ask },
    File(Ask),
}

/// The question and the answer as they pass between the processes: JSON.
///
/// # Errors
/// Those of reading, and a question that is none.
pub fn ask(file: &File, question: &str) -> io::Result<String> {
    match serde_json::from_str(question)? {
        Question::Log { log } => logs::packed(file, log),
        Question::ReadAs { read_as: ask } => Ok(serde_json::to_string(&read_as(file, &ask)?)?),
        Question::File(ask) => Ok(serde_json::to_string(&peek(file, &ask)?)?),
    }
}

/// The start of a text, at most so many bytes of which were read; `cut` says that there are more. `None` for what is
/// no text. Zeros in it have a sign in their place.
pub fn start_of_text(bytes: &[u8], cut: bool) -> Option<String> {
    let read = encoding::sniff(bytes, &[], None)?;
    let text = encoding::decoded(bytes, read.encoding);
    // Cut inside a letter it has a sign of that at its end.
    let whole = if cut { text.trim_end_matches(char::REPLACEMENT_CHARACTER) } else { &text };
    Some(whole.replace('\0', "\u{2400}"))
}

/// At most `most` bytes of a file from `from` on.
///
/// # Errors
/// Those of reading.
pub fn read(file: &File, from: u64, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; most];
    let filled = fill(file, from, &mut bytes)?;
    bytes.truncate(filled);
    Ok(bytes)
}

/// Bytes of a file from `from` on into a buffer that is used again; how many there were, which is all of the buffer
/// but at the end.
fn fill(file: &File, from: u64, bytes: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < bytes.len() {
        // No file has bytes beyond what the system counts in.
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

/// What stands where letters are left out at the end of a text; nothing if none are.
fn left_out(letters: u64) -> String {
    if letters == 0 { String::new() } else { format!("\u{2026} ({})", more(letters, "letter")) }
}

#[cfg(test)]
mod tests;
