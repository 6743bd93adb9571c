//! Text tables: separated by commas or tabs with names in the first row, and the biological formats that are such tables.
//!
//! A window can start at any row. The text before the rows is shown as it is.

use crate::{
    CELL, READ, ROWS,
    about::About,
    clipped, sequences,
    source::Source,
    summary::{self, Cell},
    text::decoded,
};
use model::preview::{Ends, Sequences, Table};
use std::io;

/// How many bytes are searched for the first row in a format with a long header.
const BEFORE: usize = 4 << 20;

/// The syntax of a table.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    separator: u8,
    /// Cells may be quoted and then contain separators.
    quotes: bool,
    names: Names,
    /// Other texts may have the same file extension: only a file whose rows are equally long counts as a table.
    unsure: bool,
}

/// Where the names of columns come from.
#[derive(Clone, Copy, Debug)]
enum Names {
    First,
    /// The last line that begins with `#`.
    Hash,
    Known(&'static [&'static str]),
}

const SAM: &[&str] = &["qname", "flag", "rname", "pos", "mapq", "cigar", "rnext", "pnext", "tlen", "seq", "qual", "tags"];
const BED: &[&str] =
    &["chrom", "start", "end", "name", "score", "strand", "thickStart", "thickEnd", "itemRgb", "blockCount", "blockSizes", "blockStarts"];
const GFF: &[&str] = &["seqid", "source", "type", "start", "end", "score", "strand", "phase", "attributes"];

/// The syntax of files with this extension, if they are tables.
pub fn layout(ending: &str) -> Option<Layout> {
    let tabs = |names| Some(Layout { separator: b'\t', quotes: false, names, unsure: false });
    match ending {
        "csv" => Some(Layout { separator: b',', quotes: true, names: Names::First, unsure: false }),
        "tsv" | "tab" => Some(Layout { separator: b'\t', quotes: true, names: Names::First, unsure: false }),
        "txt" | "counts" | "out" | "stats" | "summary" => {
            Some(Layout { separator: b'\t', quotes: true, names: Names::First, unsure: true })
        }
        "vcf" => tabs(Names::Hash),
        "sam" => tabs(Names::Known(SAM)),
        "bed" | "bedgraph" | "narrowpeak" | "broadpeak" => tabs(Names::Known(BED)),
        "gff" | "gff3" | "gtf" => tabs(Names::Known(GFF)),
        _ => None,
    }
}

/// The records of SAM text.
pub fn sam(text: &str) -> Table {
    let body = Body { about: About::default(), names: SAM.iter().map(|name| (*name).to_owned()).collect(), start: 0 };
    let layout = Layout { separator: b'\t', quotes: false, names: Names::Known(SAM), unsure: false };
    rows(text.as_bytes(), layout, body, 0, Ends::Whole)
}

/// A window of a table; `None` if the file is not a table: it has only one column, or no matching rows.
pub fn table(source: &Source<'_>, mut layout: Layout, at: u64) -> io::Result<Option<Table>> {
    if source.packing == crate::source::Packing::Letters {
        return lettered(source, layout, at);
    }
    let (mut head, mut ends) = source.head(READ)?;
    if head.contains(&0) {
        return Ok(None);
    }
    let mut body = before(&head, &mut layout, !ends.is_whole());
    if body.is_none() && ends == Ends::More && !matches!(layout.names, Names::First) {
        (head, ends) = source.head(BEFORE)?;
        body = before(&head, &mut layout, !ends.is_whole());
    }
    let Some(body) = body else { return Ok(None) };
    let from = at.max(body.start as u64);
    let packed = source.packing != crate::source::Packing::None;
    let (mut bytes, mut ends) = if packed || (at == 0 && body.start < READ / 2) {
        (head.get(from as usize..).unwrap_or_default().to_vec(), ends)
    } else {
        source.window(from, READ)?
    };
    let found = layout.letters_follow().then(|| letters(&bytes)).flatten();
    let sequences = match found {
        Some(begin) if packed => {
            let records = sequences::records(&bytes[begin..], from + begin as u64, ends, false);
            Some(sequences::packed(source, records))
        }
        Some(begin) => Some(of_letters(source, from + begin as u64)?),
        None => None,
    };
    if let Some(begin) = found {
        bytes.truncate(begin);
        ends = Ends::Whole;
    }
    let mut table = rows(&bytes, layout, body, from, ends);
    // Sequences come after the last row.
    table.sequences = sequences.filter(|_| table.next.is_none());
    if packed && table.next.take().is_some() {
        // More rows were read than are shown, or the file could not be read further.
        table.ends = if table.rows.len() == ROWS || ends.is_whole() { Ends::More } else { ends };
    }
    Ok(Some(table))
}

/// Like [`table`], for a file that is not in UTF-8: positions in the file differ from positions in its text.
fn lettered(source: &Source<'_>, mut layout: Layout, at: u64) -> io::Result<Option<Table>> {
    let (head, ends) = source.head(READ)?;
    let Some(body) = before(&head, &mut layout, !ends.is_whole()) else { return Ok(None) };
    let begin = if at == 0 { body.start } else { 0 };
    let (text, ends) = if at == 0 { (head, ends) } else { source.letters(at, READ)? };
    let mut table = rows(&text[begin..], layout, body, begin as u64, ends);
    if let Some(next) = table.next.take() {
        table.next = source.place(at, &text, next as usize)?;
        table.ends = if table.next.is_none() { Ends::More } else { table.ends };
    }
    Ok(Some(table))
}

/// The sequences after the rows of a file, from one of them on.
fn of_letters(source: &Source<'_>, at: u64) -> io::Result<Sequences> {
    let (bytes, ends) = source.window(at, sequences::WINDOW)?;
    Ok(sequences::records(&bytes, at, ends, false))
}

/// The sequences after the rows, if the window at `at` of a file with this syntax begins with one.
///
/// # Errors
/// The errors of reading.
pub fn letters_at(source: &Source<'_>, layout: Layout, at: u64) -> io::Result<Option<Sequences>> {
    if at == 0 || !layout.letters_follow() || source.packing != crate::source::Packing::None {
        return Ok(None);
    }
    let (first, _) = source.window(at, 1)?;
    if first == b">" { of_letters(source, at).map(Some) } else { Ok(None) }
}

/// Where the first sequence after the rows begins: after the line that announces it, or without one.
fn letters(bytes: &[u8]) -> Option<usize> {
    let mut place = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b">") {
            return Some(place);
        }
        place += line.len();
        if line.trim_ascii_end().eq_ignore_ascii_case(b"##FASTA") {
            return Some(place);
        }
    }
    None
}

impl Layout {
    /// Sequences may follow the rows, as GFF3 allows.
    fn letters_follow(self) -> bool {
        matches!(self.names, Names::Known(names) if names == GFF)
    }

    /// The first letter of comment lines between the rows.
    fn remark(self) -> Option<u8> {
        matches!(self.names, Names::Known(names) if names != SAM).then_some(b'#')
    }
}

/// The part before the rows.
struct Body {
    about: About,
    names: Vec<String>,
    /// Where the rows begin, in bytes.
    start: usize,
}

/// `None` if no row was found, or the text is not a table.
fn before(bytes: &[u8], layout: &mut Layout, cut: bool) -> Option<Body> {
    let mut about = About::default();
    let mut last = String::new();
    // Some programs begin a text with a byte order mark.
    let mut start = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let comment = |line: &str| match layout.names {
        Names::Known(names) if names == SAM => line.starts_with('@'),
        Names::Known(names) if names == BED => line.starts_with('#') || line.starts_with("track") || line.starts_with("browser"),
        _ => line.starts_with('#'),
    };
    let mut row = None;
    for bytes in bytes[start..].split_inclusive(|byte| *byte == b'\n') {
        let line = decoded(bytes, false);
        if !line.ends_with('\n') && cut {
            return None;
        }
        if !comment(&line) {
            row = Some((line, bytes.len()));
            break;
        }
        about.push(&line);
        last = line;
        start += bytes.len();
    }
    let trimmed = |line: &str| line.trim_end_matches(['\r', '\n']).to_owned();
    let split = |line: &str, layout: &Layout| cells(&trimmed(line), *layout);
    let (row, length) = row.unwrap_or_default();
    let row = row.as_str();
    let names = match layout.names {
        Names::Known(names) => {
            let wide = split(row, layout).len().min(names.len());
            if wide < 3 && !row.is_empty() && !(layout.letters_follow() && row.starts_with('>')) {
                return None;
            }
            names[..wide.max(3)].iter().map(|name| (*name).to_owned()).collect()
        }
        Names::Hash => {
            if last.starts_with("##") || !last.contains('\t') {
                return None;
            }
            about.pop(&last);
            split(last.trim_start_matches('#'), layout)
        }
        Names::First => {
            // Names after a `#` count if there are as many of them as cells in a row.
            let hashed = split(last.trim_start_matches('#').trim_start(), layout);
            if hashed.len() > 1 && hashed.len() == split(row, layout).len() {
                about.pop(&last);
                hashed
            } else {
                if layout.separator == b',' && split(row, layout).len() < 2 {
                    let other = [b';', b'\t'].into_iter().find(|other| split(row, &Layout { separator: *other, ..*layout }).len() > 1);
                    layout.separator = other?;
                }
                if layout.unsure {
                    let text = decoded(&bytes[start..], cut);
                    let mut lines = text.lines().filter(|line| !line.trim().is_empty()).take(if cut { 8 } else { 9 });
                    let wide = split(lines.next()?, layout).len();
                    let mut same = lines.map(|line| split(line, layout).len() == wide).peekable();
                    if wide < 2 || same.peek().is_none() || !same.all(|same| same) {
                        return None;
                    }
                }
                start += length;
                split(row, layout)
            }
        }
    };
    (names.len() > 1).then_some(Body { about, names, start })
}

fn reader(text: &[u8], layout: Layout) -> csv::Reader<&[u8]> {
    let mut builder = csv::ReaderBuilder::new();
    builder.comment(layout.remark()).delimiter(layout.separator).quoting(layout.quotes).flexible(true).has_headers(false).from_reader(text)
}

fn cells(line: &str, layout: Layout) -> Vec<String> {
    let mut record = csv::StringRecord::new();
    let _ = reader(line.as_bytes(), layout).read_record(&mut record);
    record.iter().map(|cell| clipped(cell, CELL)).collect()
}

/// The rows at the start of `bytes`, which come from position `from` of the file.
fn rows(bytes: &[u8], layout: Layout, body: Body, from: u64, finish: Ends) -> Table {
    let more = !finish.is_whole();
    // The last row of a truncated text may be incomplete, and so may a row that an open quote extends.
    let bytes = match (more, bytes.iter().rposition(|byte| *byte == b'\n')) {
        (true, Some(last)) => &bytes[..=last],
        _ => bytes,
    };
    let open = more && layout.quotes && memchr::memchr_iter(b'"', bytes).count() % 2 == 1;
    let wide = body.names.len();
    let mut found = Vec::new();
    let mut record = csv::ByteRecord::new();
    let mut csv = reader(bytes, layout);
    let mut ends = vec![0];
    while found.len() <= ROWS && csv.read_byte_record(&mut record).unwrap_or(false) {
        let joined = layout.separator == b'\t' && matches!(layout.names, Names::Known(names) if names == SAM) && record.len() > wide;
        let mut cells = summary::row(record.iter().take(if joined { wide - 1 } else { usize::MAX }));
        if joined {
            let tags = record.iter().skip(wide - 1).collect::<Vec<_>>().join(&b' ');
            cells.push(Cell::new(&String::from_utf8_lossy(&tags), CELL));
        }
        found.push(cells);
        ends.push(csv.position().byte());
    }
    if open && found.len() <= ROWS {
        found.pop();
        ends.pop();
    }
    let over = found.len() > ROWS;
    if over {
        found.truncate(ROWS);
        ends.truncate(ROWS + 1);
    }
    let end = from + ends.last().copied().unwrap_or_default();
    let next = (over || more).then_some(end).filter(|end| *end > from);
    let more_columns = wide.saturating_sub(crate::COLUMNS) as u32;
    let names = body.names.into_iter().take(crate::COLUMNS).collect();
    let columns = summary::columns(names, &found);
    let (about, more_about) = body.about.finish();
    let ends = if next.is_none() { finish } else { Ends::Whole };
    Table { about, more_about, columns, rows: summary::shown(found), more_columns, next, ends, ..Table::default() }
}
