//! Archives: the list of what is in them. Nothing is unpacked.

use crate::{short, source::Source, summary};
use model::preview::{Preview, Table};
use std::{
    io::{self, BufReader, Read},
    time::{Duration, Instant},
};

/// Members that are listed.
const MEMBERS: usize = 1_000;
/// How long a packed archive is read for its list.
const PATIENCE: Duration = Duration::from_secs(1);

pub fn zip(source: &Source<'_>) -> Option<Preview> {
    let mut archive = zip::ZipArchive::new(BufReader::new(source.raw().ok()?)).ok()?;
    let total = archive.len();
    let mut rows = Vec::new();
    for at in 0..total.min(MEMBERS) {
        let member = archive.by_index_raw(at).ok()?;
        let name = String::from_utf8_lossy(member.name_raw()).into_owned();
        rows.push(vec![short(&name, 300), member.size().to_string(), member.compressed_size().to_string()]);
    }
    Some(list(&["name", "size", "packed"], rows, Some(total as u64), false))
}

pub fn tar(source: &Source<'_>) -> Option<Preview> {
    let mut archive = tar::Archive::new(Timed { inner: source.stream().ok()?, until: Instant::now() + PATIENCE });
    let mut rows = Vec::new();
    let mut cut = false;
    for member in archive.entries().ok()? {
        let Ok(member) = member else {
            cut = true;
            break;
        };
        if rows.len() == MEMBERS {
            cut = true;
            break;
        }
        let header = member.header();
        let kind = match header.entry_type() {
            tar::EntryType::Regular | tar::EntryType::Continuous => "file",
            tar::EntryType::Directory => "directory",
            tar::EntryType::Symlink | tar::EntryType::Link => "link",
            _ => "other",
        };
        let name = short(&String::from_utf8_lossy(&member.path_bytes()), 300);
        rows.push(vec![name, member.size().to_string(), kind.to_owned()]);
    }
    (!rows.is_empty()).then(|| list(&["name", "size", "kind"], rows, None, cut))
}

fn list(names: &[&str], rows: Vec<Vec<String>>, total: Option<u64>, cut: bool) -> Preview {
    let columns = summary::columns(names.iter().map(|name| (*name).to_owned()).collect(), &rows);
    let cut = cut || total.is_some_and(|total| total > rows.len() as u64);
    Preview::Table(Table { columns, rows, cut, total, ..Table::default() })
}

/// Reads until a moment.
struct Timed<R> {
    inner: R,
    until: Instant,
}

impl<R: Read> Read for Timed<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if Instant::now() > self.until { Err(io::ErrorKind::TimedOut.into()) } else { self.inner.read(into) }
    }
}
