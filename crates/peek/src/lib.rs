//! What is shown of a file: of which format it is, and a window of it in a form that a page can draw; lines of logs,
//! words in them, their numbers, and what the log of a run tells.
//!
//! Knows formats, neither paths nor pages. Everything here reads what strangers wrote. It is meant to run in a
//! process of its own with bounds on memory and time ([`ask`] and the `peek` command of the server): a library
//! that can be made to ask for too much ends that process, not the server.
#![forbid(unsafe_code)]

mod alignments;
mod archive;
pub mod benchmark;
mod bytes;
mod columns;
pub mod counts;
mod delimited;
pub mod find;
pub mod fuzzed;
pub mod log_lines;
pub mod markup;
mod notebook;
pub mod run_log;
mod sequences;
mod source;
mod summary;
mod text;
mod tree;

use model::preview::{Ask, Preview};
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
    let source = Source::new(file, &ask.name)?;
    let plain = source.packing == Packing::None;
    let found = match source.ending() {
        "png" | "jpg" | "jpeg" | "gif" | "webp" | "avif" | "bmp" | "ico" | "svg" if plain => Some(Preview::Image),
        "html" | "htm" if plain => Some(Preview::Page),
        "pdf" if plain => Some(Preview::Pdf),
        "md" | "markdown" => markup::markdown(&source)?,
        "json" | "geojson" => tree::json(&source)?,
        "yaml" | "yml" => tree::yaml(&source)?,
        "ipynb" => notebook::notebook(&source)?,
        "fa" | "fasta" | "fna" | "ffn" | "faa" | "fas" | "frn" => sequences::fasta(&source, ask.at)?,
        "fq" | "fastq" => sequences::fastq(&source, ask.at)?,
        "bam" if plain => alignments::bam(&source, ask.at),
        "parquet" | "pq" if plain => columns::parquet(&source, ask.at),
        "zip" if plain => archive::zip(&source),
        "tar" => archive::tar(&source),
        _ => None,
    };
    if let Some(found) = found {
        return Ok(found);
    }
    if let Some(layout) = delimited::layout(source.ending())
        && let Some(table) = delimited::table(&source, layout, ask.at)?
    {
        return Ok(Preview::Table(table));
    }
    let (head, cut) = source.head(READ)?;
    if head.iter().take(SNIFF).any(|byte| *byte == 0) {
        return bytes::bytes(&source).map(Preview::Bytes);
    }
    Ok(Preview::Text(text::text(&head, source.ending(), cut)))
}

/// The question and the answer as they pass between the processes: JSON.
///
/// # Errors
/// Those of reading, and a question that is none.
pub fn ask(file: &File, question: &str) -> io::Result<String> {
    let ask: Ask = serde_json::from_str(question)?;
    Ok(serde_json::to_string(&peek(file, &ask)?)?)
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
        match file.read_at(&mut bytes[filled..], from + filled as u64) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// At most so many letters, and a sign that there were more.
fn short(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
