//! Jupyter notebooks, format 4: their cells and what these put out. Runs nothing.

use crate::{
    markup::{clean, of_markdown},
    short,
    source::Source,
    text,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use model::preview::{Cell, Output, Preview};
use serde_json::Value;
use std::io;

/// Larger notebooks are shown as text; bytes of pictures that are shown, of one and of all.
const LARGEST: usize = 16 << 20;
const PICTURE: usize = 1 << 20;
const PICTURES: usize = 3 << 20;
/// Cells, outputs of one, and letters of a text.
const CELLS: usize = 300;
const OUTPUTS: usize = 40;
const LETTERS: usize = 20_000;

pub fn notebook(source: &Source<'_>) -> io::Result<Option<Preview>> {
    let (bytes, cut) = source.head(LARGEST)?;
    if cut {
        return Ok(None);
    }
    let Ok(whole) = serde_json::from_slice::<Value>(&bytes) else { return Ok(None) };
    let Some(cells) = whole.get("cells").and_then(Value::as_array) else { return Ok(None) };
    let language = whole.pointer("/metadata/language_info/name").or(whole.pointer("/metadata/kernelspec/language"));
    let language = language.and_then(Value::as_str).unwrap_or("python");
    let mut pictures = PICTURES;
    let shown = cells.iter().take(CELLS).map(|cell| {
        let source = joined(cell.get("source"));
        match cell.get("cell_type").and_then(Value::as_str) {
            Some("markdown") => Cell::Rich(of_markdown(&source)),
            Some("code") => {
                let outputs = cell.get("outputs").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                Cell::Code {
                    count: cell.get("execution_count").and_then(Value::as_u64).and_then(|count| u32::try_from(count).ok()),
                    code: text::code(&source, language),
                    outputs: outputs.iter().take(OUTPUTS).map(|one| output(one, &mut pictures)).collect(),
                }
            }
            _ => Cell::Code { count: None, code: text::code(&source, ""), outputs: Vec::new() },
        }
    });
    let mut shown: Vec<Cell> = shown.collect();
    if cells.len() > CELLS {
        let more = Output::Other(format!("{} more cells are not shown.", cells.len() - CELLS));
        shown.push(Cell::Code { count: None, code: text::code("", ""), outputs: vec![more] });
    }
    Ok(Some(Preview::Notebook(shown)))
}

/// Texts are lists of lines, or texts.
fn joined(value: Option<&Value>) -> String {
    let text = match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(lines)) => lines.iter().filter_map(Value::as_str).collect(),
        _ => String::new(),
    };
    short(&text, LETTERS)
}

fn output(value: &Value, pictures: &mut usize) -> Output {
    match value.get("output_type").and_then(Value::as_str) {
        Some("stream") => Output::Text(plain(&joined(value.get("text")))),
        Some("error") => {
            let trace = joined(value.get("traceback").map(lines).as_ref());
            let name = |key| value.get(key).and_then(Value::as_str).unwrap_or_default();
            let trace = if trace.is_empty() { format!("{}: {}", name("ename"), name("evalue")) } else { trace };
            Output::Error(plain(&short(&trace, LETTERS)))
        }
        _ => value.get("data").map_or_else(|| Output::Other("An output without data.".to_owned()), |data| shown(data, pictures)),
    }
}

/// Lines of a traceback carry no ends of their own.
fn lines(trace: &Value) -> Value {
    let lines = trace.as_array().map(Vec::as_slice).unwrap_or_default();
    Value::String(lines.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n"))
}

/// The richest form that can be shown.
fn shown(data: &Value, pictures: &mut usize) -> Output {
    for kind in ["image/png", "image/jpeg", "image/svg+xml"] {
        let Some(found) = data.get(kind) else { continue };
        let mut bytes = match found {
            Value::String(text) => text.clone(),
            Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
            _ => continue,
        };
        if kind == "image/svg+xml" {
            bytes = STANDARD.encode(bytes);
        } else {
            bytes.retain(|letter| !letter.is_ascii_whitespace());
        }
        let base64 = bytes.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='));
        if !base64 || bytes.len() > PICTURE || bytes.len() > *pictures {
            return Output::Other("A picture that is too large to be shown here.".to_owned());
        }
        *pictures -= bytes.len();
        return Output::Picture(format!("data:{kind};base64,{bytes}"));
    }
    if let Some(html) = data.get("text/html") {
        return Output::Rich(clean(&joined(Some(html))));
    }
    if let Some(markdown) = data.get("text/markdown") {
        return Output::Rich(of_markdown(&joined(Some(markdown))));
    }
    if let Some(text) = data.get("text/plain") {
        return Output::Text(plain(&joined(Some(text))));
    }
    let kinds: Vec<&str> = data.as_object().into_iter().flatten().map(|(kind, _)| kind.as_str()).take(5).collect();
    Output::Other(format!("An output of another kind: {}.", short(&kinds.join(", "), 200)))
}

/// Without what steers a terminal.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{1b}' => {
                if letters.next() == Some('[') {
                    letters.by_ref().find(|letter| ('\u{40}'..='\u{7e}').contains(letter));
                }
            }
            '\n' | '\t' => out.push(letter),
            letter if letter.is_control() => {}
            letter => out.push(letter),
        }
    }
    out
}
