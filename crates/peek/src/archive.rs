//! Archives: the list of their members. Nothing is unpacked.

use crate::{
    CELL, ends,
    source::Source,
    summary::{self, Cell},
};
use model::{
    clock::{Clock, Instant},
    preview::{Ends, Preview, Table},
};
use std::{
    io::{self, BufReader, Read},
    time::Duration,
};

/// How many members are listed.
const MEMBERS: usize = 1_000;
/// How many letters of a member's name are shown.
const NAME: usize = 300;
/// The size in bytes of the header of a zip member, without its name.
const HEAD: usize = 30;
/// How long a compressed archive is read to list its members.
const LIST_LIMIT: Duration = Duration::from_secs(1);

pub fn zip(source: &Source<'_>) -> Option<Preview> {
    let Ok(mut archive) = zip::ZipArchive::new(BufReader::new(source.raw().ok()?)) else { return unlisted(source) };
    let total = archive.len();
    let mut rows = Vec::new();
    for at in 0..total.min(MEMBERS) {
        let member = archive.by_index_raw(at).ok()?;
        let name = String::from_utf8_lossy(member.name_raw()).into_owned();
        rows.push([name, member.size().to_string(), member.compressed_size().to_string()]);
    }
    let ends = if total > rows.len() { Ends::More } else { Ends::Whole };
    Some(list(&["name", "size", "packed"], rows, Some(total as u64), ends))
}

/// The members of an archive whose list, which is at its end, is missing: each member also has a header of its own
/// before it. Lists the complete members, and the first one that may be incomplete.
fn unlisted(source: &Source<'_>) -> Option<Preview> {
    let mut rows = Vec::new();
    let mut at = 0;
    while rows.len() < MEMBERS {
        let (head, _) = source.window(at, HEAD).ok()?;
        if head.len() < HEAD || !head.starts_with(b"PK\x03\x04") {
            break;
        }
        let short_at = |at: usize| u64::from(u16::from_le_bytes([head[at], head[at + 1]]));
        let long_at = |at: usize| short_at(at) | short_at(at + 2) << 16;
        let (name, extra) = (short_at(26), short_at(28));
        let (packed, size) = (long_at(18), long_at(22));
        let (name_bytes, _) = source.window(at + HEAD as u64, name as usize).ok()?;
        let name_text = String::from_utf8_lossy(&name_bytes).into_owned();
        at += HEAD as u64 + name + extra + packed;
        // The sizes are stored after the member, or elsewhere.
        if short_at(6) & 8 != 0 && packed == 0 || packed == u64::from(u32::MAX) {
            rows.push([name_text, String::new(), String::new()]);
            break;
        }
        if at > source.size {
            break;
        }
        rows.push([name_text, size.to_string(), packed.to_string()]);
    }
    (!rows.is_empty()).then(|| list(&["name", "size", "packed"], rows, None, Ends::Early))
}

pub fn tar(source: &Source<'_>, clock: &Clock) -> Option<Preview> {
    let timed = Timed { inner: source.stream().ok()?, clock, until: clock.instant() + LIST_LIMIT, ended: false };
    let mut archive = tar::Archive::new(timed);
    let mut rows = Vec::new();
    let mut end = Ends::Whole;
    let mut broke = None;
    for member in archive.entries().ok()? {
        let member = match member {
            Ok(member) => member,
            Err(error) => {
                broke = Some(error);
                break;
            }
        };
        if rows.len() == MEMBERS {
            end = Ends::More;
            break;
        }
        let header = member.header();
        let kind = match header.entry_type() {
            tar::EntryType::Regular | tar::EntryType::Continuous => "file",
            tar::EntryType::Directory => "directory",
            tar::EntryType::Symlink | tar::EntryType::Link => "link",
            _ => "other",
        };
        let name = String::from_utf8_lossy(&member.path_bytes()).into_owned();
        rows.push([name, member.size().to_string(), kind.to_owned()]);
    }
    let ended = archive.into_inner().ended;
    if let Some(error) = broke {
        end = match error.kind() {
            io::ErrorKind::TimedOut => Ends::More,
            // The reader expected more data at the end of the file.
            _ if ended => Ends::Early,
            _ => ends::of_error(&error),
        };
    }
    (!rows.is_empty()).then(|| list(&["name", "size", "kind"], rows, None, end))
}

fn list(names: &[&str], members: Vec<[String; 3]>, total: Option<u64>, ends: Ends) -> Preview {
    let row = |[name, size, more]: [String; 3]| vec![Cell::new(&name, NAME), Cell::new(&size, CELL), Cell::new(&more, CELL)];
    let rows: Vec<Vec<Cell>> = members.into_iter().map(row).collect();
    let columns = summary::columns(names.iter().map(|name| (*name).to_owned()).collect(), &rows);
    Preview::Table(Table { columns, rows: summary::shown(rows), ends, total, ..Table::default() })
}

/// Reads until a deadline, and records whether it reached the end.
struct Timed<'a, R> {
    inner: R,
    clock: &'a Clock,
    until: Instant,
    ended: bool,
}

impl<R: Read> Read for Timed<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.clock.instant() > self.until {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let read = self.inner.read(into)?;
        self.ended |= read == 0 && !into.is_empty();
        Ok(read)
    }
}
