//! What is shown of a file, made of its first bytes and its name. Server only; reads nothing.

use crate::{
    api::results::{Column, Preview},
    highlight,
    state::Window,
};
use flate2::read::MultiGzDecoder;
use std::{fmt::Write as _, io::Read as _};

/// Bytes of a file that are read for its preview, and bytes shown as text.
pub const READ: usize = 256 << 10;
const TEXT: usize = 200_000;
/// Rows, columns and letters of a cell of a table.
const ROWS: usize = 200;
const COLUMNS: usize = 60;
const CELL: usize = 200;
/// Bytes of what is no text.
const HEX: usize = 512;
/// So much of a file tells whether it is text.
const SNIFF: usize = 8 << 10;

/// The preview of the file called `path` that begins with `window`.
pub fn of(path: &str, window: Window) -> Preview {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let mut cut = window.facts.size > window.bytes.len() as u64;
    let mut bytes = window.bytes;
    let mut name = name.as_str();
    if let Some(inner) = [".gz", ".bgz"].iter().find_map(|ending| name.strip_suffix(ending))
        && bytes.starts_with(&[0x1f, 0x8b])
    {
        let mut plain = Vec::new();
        // What is cut off, or more than is shown, is no reason to show nothing.
        let _ = MultiGzDecoder::new(bytes.as_slice()).take(READ as u64).read_to_end(&mut plain);
        cut |= plain.len() >= READ;
        (bytes, name) = (plain, inner);
    }
    match name.rsplit('.').next().unwrap_or_default() {
        "png" | "jpg" | "jpeg" | "gif" | "webp" | "avif" | "bmp" | "ico" | "svg" => return Preview::Image,
        "html" | "htm" => return Preview::Page,
        _ => {}
    }
    if bytes.iter().take(SNIFF).any(|byte| *byte == 0) {
        return Preview::Hex(hex(&bytes));
    }
    let text = match std::str::from_utf8(&bytes) {
        Ok(text) => text.to_owned(),
        // Cut inside a letter is no reason to call it broken.
        Err(error) if cut && error.error_len().is_none() => String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned(),
        Err(_) => String::from_utf8_lossy(&bytes).into_owned(),
    };
    let separator = match name.rsplit('.').next() {
        Some("csv") => Some(b','),
        Some("tsv" | "tab") => Some(b'\t'),
        _ => None,
    };
    separator.and_then(|separator| table(&text, separator, cut)).unwrap_or_else(|| shown(&text, name, cut))
}

fn shown(text: &str, name: &str, cut: bool) -> Preview {
    let end = (0..=TEXT.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let cut = cut || end < text.len();
    let text = &text[..end];
    Preview::Text { lines: text.lines().count() as u32, html: highlight::html(text, highlight::language_of(name)), cut }
}

/// `None` for what is no table: one column, or nothing.
fn table(text: &str, separator: u8, cut: bool) -> Option<Preview> {
    // The last row of a cut text may be half of one.
    let text = if cut { &text[..=text.rfind('\n')?] } else { text };
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).flexible(true).from_reader(text.as_bytes());
    let cell = |cell: &str| {
        let mut letters = cell.chars();
        let short: String = letters.by_ref().take(CELL).collect();
        if letters.next().is_some() { short + "…" } else { short }
    };
    let names: Vec<String> = reader.headers().ok()?.iter().take(COLUMNS).map(cell).collect();
    if names.len() < 2 {
        return None;
    }
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut more = cut;
    for record in reader.records() {
        let Ok(record) = record else { break };
        if rows.len() == ROWS {
            more = true;
            break;
        }
        rows.push(record.iter().take(COLUMNS).map(cell).collect());
    }
    let columns = names.into_iter().enumerate().map(|(at, name)| {
        let mut values =
            rows.iter().filter_map(|row| row.get(at)).filter(|value| !matches!(value.as_str(), "" | "NA" | "NaN" | "nan")).peekable();
        let numeric = values.peek().is_some() && values.all(|value| value.trim().parse::<f64>().is_ok());
        Column { name, numeric }
    });
    Some(Preview::Table { columns: columns.collect(), rows, more })
}

/// Sixteen bytes a line: where, their numbers, their letters.
fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (at, line) in bytes[..bytes.len().min(HEX)].chunks(16).enumerate() {
        let _ = write!(text, "{:08x} ", at * 16);
        for n in 0..16 {
            let _ = match line.get(n) {
                Some(byte) => write!(text, " {byte:02x}"),
                None => write!(text, "   "),
            };
        }
        text.push_str("  ");
        text.extend(line.iter().map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' }));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::file::FileFacts;
    use std::io::Write as _;

    fn whole(path: &str, bytes: &[u8]) -> Preview {
        of(path, Window { facts: FileFacts { size: bytes.len() as u64, modified_at: 0 }, from: 0, bytes: bytes.to_vec() })
    }

    #[test]
    fn tables_have_columns_of_numbers_and_of_words() {
        let Preview::Table { columns, rows, more } = whole("a.tsv", b"gene\tlfc\tnote\nTP53\t-1.5e3\tx\nMYC\tNA\t\"a\tb\"\nodd\n") else {
            panic!("a table")
        };
        assert_eq!(
            columns.iter().map(|column| (column.name.as_str(), column.numeric)).collect::<Vec<_>>(),
            [("gene", false), ("lfc", true), ("note", false)]
        );
        assert_eq!(rows, [vec!["TP53", "-1.5e3", "x"], vec!["MYC", "NA", "a\tb"], vec!["odd"]]);
        assert!(!more);
        assert!(matches!(whole("one.csv", b"only\n1\n"), Preview::Text { .. }));
    }

    #[test]
    fn half_a_row_is_not_shown() {
        let bytes = b"a,b\n1,2\n3,4567".to_vec();
        let window = Window { facts: FileFacts { size: 1000, modified_at: 0 }, from: 0, bytes };
        let Preview::Table { rows, more, .. } = of("x.csv", window) else { panic!("a table") };
        assert_eq!((rows.len(), more), (1, true));
    }

    #[test]
    fn compressed_texts_are_shown_as_texts_also_when_cut() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&b"a,b\n1,2\n".repeat(50_000)).unwrap();
        let packed = packed.finish().unwrap();
        assert!(matches!(whole("x.csv.gz", &packed), Preview::Table { more: true, .. }));
        let half =
            Window { facts: FileFacts { size: packed.len() as u64, modified_at: 0 }, from: 0, bytes: packed[..packed.len() / 2].to_vec() };
        assert!(matches!(of("x.csv.gz", half), Preview::Table { .. }));
        assert!(matches!(whole("x.csv.gz", b"not packed"), Preview::Text { .. }));
    }

    #[test]
    fn what_is_no_text_is_shown_as_bytes_and_nothing_as_markup() {
        let Preview::Hex(text) = whole("x.rds", b"\0ab\xff") else { panic!("bytes") };
        assert!(text.starts_with("00000000  00 61 62 ff "), "{text}");
        let Preview::Text { html, .. } = whole("x.txt", b"<script>alert(1)</script>") else { panic!("text") };
        assert!(!html.contains("<script"), "{html}");
        assert_eq!(whole("p.SVG", b"<svg onload=alert(1)>"), Preview::Image);
        assert_eq!(whole("r.html", b"<p>"), Preview::Page);
    }
}
