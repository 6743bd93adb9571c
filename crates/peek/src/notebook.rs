//! Jupyter notebooks of formats 3 and 4: their cells and outputs. Runs nothing.

use crate::{clipped, markup::Cleaner, source::Source, terminal, text};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use model::preview::{Cell, Near, Output, Preview};
use serde_json::{Map, Value};
use std::{borrow::Cow, io};

/// Up to which size a file is shown as a notebook, larger ones as text; how many bytes of pictures are shown, of one and of all.
const LARGEST: usize = 16 << 20;
const PICTURE: usize = 1 << 20;
const PICTURES: usize = 3 << 20;
/// How many cells, outputs of one cell, and letters of one text are shown.
const CELLS: usize = 300;
const OUTPUTS: usize = 40;
const LETTERS: usize = 20_000;

pub fn notebook(source: &Source<'_>, near: Option<&Near>) -> io::Result<Option<Preview>> {
    let (bytes, ends) = source.head(LARGEST)?;
    if !ends.is_whole() {
        return Ok(None);
    }
    let Ok(whole) = serde_json::from_slice::<Value>(&bytes) else { return Ok(None) };
    let Some((cells, old)) = cells(&whole) else { return Ok(None) };
    let language = ["/metadata/language_info/name", "/metadata/kernelspec/language"].iter().find_map(|at| whole.pointer(at)?.as_str());
    let language = language.or(cells.iter().find_map(|cell| cell.get("language")?.as_str())).unwrap_or("python");
    let mut reader = Reader { cleaner: Cleaner::new(near), language, pictures: PICTURES };
    let shown = cells.iter().take(CELLS).map(|cell| if old { reader.cell(&upgraded(cell)) } else { reader.cell(cell) });
    let mut shown: Vec<Cell> = shown.collect();
    if cells.len() > CELLS {
        shown.push(left_out(cells.len() - CELLS, "cell"));
    }
    Ok(Some(Preview::Notebook(shown)))
}

/// The cells of a notebook, and whether it has the old format, which stores cells in sheets.
fn cells(whole: &Value) -> Option<(Vec<&Value>, bool)> {
    if let Some(cells) = whole.get("cells").and_then(Value::as_array) {
        return Some((cells.iter().collect(), false));
    }
    let sheets = whole.get("worksheets")?.as_array()?;
    let cells = sheets.iter().filter_map(|sheet| sheet.get("cells")?.as_array()).flatten();
    Some((cells.collect(), true))
}

/// Converts a cell of format 3 to format 4.
fn upgraded(cell: &Value) -> Value {
    let get = |key: &str| cell.get(key).cloned().unwrap_or_default();
    let mut new = Map::new();
    match cell.get("cell_type").and_then(Value::as_str) {
        Some("heading") => {
            let level = cell.get("level").and_then(Value::as_u64).unwrap_or(1).clamp(1, 6) as usize;
            new.insert("cell_type".into(), "markdown".into());
            new.insert("source".into(), format!("{} {}", "#".repeat(level), joined(cell.get("source")).replace('\n', " ")).into());
        }
        Some("code") => {
            let outputs = cell.get("outputs").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            new.insert("cell_type".into(), "code".into());
            new.insert("execution_count".into(), get("prompt_number"));
            new.insert("source".into(), get("input"));
            new.insert("outputs".into(), outputs.iter().map(upgraded_output).collect());
        }
        _ => return cell.clone(),
    }
    new.into()
}

/// Converts an output of format 3: its representations are stored beside each other under short names.
fn upgraded_output(output: &Value) -> Value {
    const FORMS: [(&str, &str); 9] = [
        ("png", "image/png"),
        ("jpeg", "image/jpeg"),
        ("svg", "image/svg+xml"),
        ("html", "text/html"),
        ("markdown", "text/markdown"),
        ("latex", "text/latex"),
        ("json", "application/json"),
        ("javascript", "application/javascript"),
        ("text", "text/plain"),
    ];
    let kind = output.get("output_type").and_then(Value::as_str).unwrap_or_default();
    let mut new = Map::new();
    match kind {
        "stream" => {
            new.insert("name".into(), output.get("stream").cloned().unwrap_or_default());
            new.insert("text".into(), output.get("text").cloned().unwrap_or_default());
        }
        "pyout" | "display_data" => {
            let data: Map<String, Value> =
                FORMS.iter().filter_map(|(old, form)| Some(((*form).to_owned(), output.get(old)?.clone()))).collect();
            new.insert("data".into(), data.into());
        }
        _ => {
            for key in ["ename", "evalue", "traceback"] {
                new.insert(key.into(), output.get(key).cloned().unwrap_or_default());
            }
        }
    }
    let kind = match kind {
        "pyout" => "execute_result",
        "pyerr" => "error",
        other => other,
    };
    new.insert("output_type".into(), kind.into());
    new.into()
}

fn left_out(more: usize, what: &str) -> Cell {
    let s = if more == 1 { "" } else { "s" };
    let says = Output::Other(format!("{more} more {what}{s} not shown. Download the file for the rest."));
    Cell::Code { count: None, code: text::code("", ""), outputs: vec![says] }
}

/// A text may be stored as a list of lines or as one string.
fn joined(value: Option<&Value>) -> Cow<'_, str> {
    match value {
        Some(Value::String(text)) => text.into(),
        Some(Value::Array(lines)) => lines.iter().filter_map(Value::as_str).collect(),
        _ => "".into(),
    }
}

/// Reads the cells of one notebook.
struct Reader<'a> {
    cleaner: Cleaner,
    language: &'a str,
    /// How many bytes of pictures may still be shown.
    pictures: usize,
}

impl Reader<'_> {
    fn cell(&mut self, cell: &Value) -> Cell {
        let source = clipped(&joined(cell.get("source")), LETTERS);
        match cell.get("cell_type").and_then(Value::as_str) {
            Some("markdown") => Cell::Rich(self.cleaner.markdown(&source)),
            Some("code") => {
                let count = cell.get("execution_count").and_then(Value::as_u64).and_then(|count| u32::try_from(count).ok());
                let outputs = cell.get("outputs").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                Cell::Code { count, code: text::code(&source, self.language), outputs: self.outputs(outputs) }
            }
            _ => Cell::Code { count: None, code: text::code(&source, ""), outputs: Vec::new() },
        }
    }

    /// Streams come in pieces; consecutive pieces of the same stream are joined.
    fn outputs(&mut self, outputs: &[Value]) -> Vec<Output> {
        let stream = |output: &Value| {
            let is = output.get("output_type").and_then(Value::as_str) == Some("stream");
            is.then(|| output.get("name").and_then(Value::as_str).unwrap_or_default().to_owned())
        };
        let pieces: Vec<&[Value]> = outputs.chunk_by(|a, b| stream(a).is_some() && stream(a) == stream(b)).collect();
        let mut found: Vec<Output> = pieces.iter().take(OUTPUTS).map(|piece| self.output(piece)).collect();
        if pieces.len() > OUTPUTS {
            found.push(Output::Other(format!("{} more outputs are not shown. Download the file for them.", pieces.len() - OUTPUTS)));
        }
        found
    }

    fn output(&mut self, piece: &[Value]) -> Output {
        let Some(first) = piece.first() else { return Output::Text(String::new()) };
        match first.get("output_type").and_then(Value::as_str) {
            Some("stream") => {
                let text: String = piece.iter().map(|output| joined(output.get("text"))).collect();
                Output::Text(plain(&text))
            }
            Some("error") => {
                let lines = first.get("traceback").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                // Lines of a traceback have no line breaks of their own.
                let trace = lines.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n");
                let name = |key| first.get(key).and_then(Value::as_str).unwrap_or_default();
                Output::Error(plain(&if trace.is_empty() { format!("{}: {}", name("ename"), name("evalue")) } else { trace }))
            }
            _ => first.get("data").map_or_else(|| Output::Other("An output without data.".to_owned()), |data| self.shown(data)),
        }
    }

    /// The richest representation that can be shown.
    fn shown(&mut self, data: &Value) -> Output {
        for kind in ["image/png", "image/jpeg", "image/svg+xml"] {
            if let Some(found) = data.get(kind).filter(|found| found.is_string() || found.is_array()) {
                return self.picture(kind, &joined(Some(found)));
            }
        }
        let form = |kind: &str| data.get(kind).map(|found| joined(Some(found)));
        if let Some(html) = form("text/html") {
            return Output::Rich(self.cleaner.html(&clipped(&html, LETTERS)));
        }
        if let Some(markdown) = form("text/markdown") {
            return Output::Rich(self.cleaner.markdown(&clipped(&markdown, LETTERS)));
        }
        if let Some(text) = form("text/plain") {
            return Output::Text(plain(&text));
        }
        let kinds: Vec<&str> = data.as_object().into_iter().flatten().map(|(kind, _)| kind.as_str()).take(5).collect();
        Output::Other(format!("An output of another kind: {}.", clipped(&kinds.join(", "), 200)))
    }

    fn picture(&mut self, kind: &str, bytes: &str) -> Output {
        let mut bytes = if kind == "image/svg+xml" { STANDARD.encode(bytes) } else { bytes.to_owned() };
        bytes.retain(|letter| !letter.is_ascii_whitespace());
        let base64 = bytes.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='));
        if !base64 {
            return Output::Other("A picture whose bytes are damaged.".to_owned());
        }
        if bytes.len() > PICTURE || bytes.len() > self.pictures {
            return Output::Other("A picture that is too large to be shown here.".to_owned());
        }
        self.pictures -= bytes.len();
        Output::Picture(format!("data:{kind};base64,{bytes}"))
    }
}

/// What a terminal finally shows of a text, at most `LETTERS` letters.
fn plain(text: &str) -> String {
    clipped(&terminal::shown(text), LETTERS)
}
