//! Makes the texts of a preview safe for a page: each character stays where it is, however the page is parsed. Reads nothing.
//!
//! A browser's parser drops NUL and turns a carriage return into a line break. A text that consists only of such
//! characters would vanish, and a page that expects a text there could not hydrate.

use model::preview::{Cell, Code, Column, Output, Preview, Sequences, Table, Value};

/// Replaces characters that a page cannot hold by visible symbols: U+2400 and following for control characters.
pub fn text(text: &mut String) {
    if !text.contains(hidden) {
        return;
    }
    *text = text.replace("\r\n", "\n").chars().map(shown).collect();
}

/// Whether this is a control character other than a tab or a line break.
fn hidden(letter: char) -> bool {
    letter.is_control() && !matches!(letter, '\t' | '\n')
}

fn shown(letter: char) -> char {
    match letter {
        '\t' | '\n' => letter,
        '\u{7f}' => '\u{2421}',
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(letter)).unwrap_or('\u{fffd}'),
        '\u{80}'..='\u{9f}' => '\u{fffd}',
        other => other,
    }
}

/// The same for all texts of a preview. Sanitized HTML has already been parsed.
pub fn preview(preview: &mut Preview) {
    match preview {
        Preview::Text(found) => code(&mut found.code),
        Preview::Table(table) => rows(table),
        Preview::Tree(tree) => {
            for node in &mut tree.nodes {
                if let Some(name) = &mut node.name {
                    text(name);
                }
                if let Value::Text(found, _) | Value::Number(found) | Value::Deeper(found, _) = &mut node.value {
                    text(found);
                }
            }
        }
        Preview::Notebook(cells) => cells.iter_mut().for_each(cell),
        Preview::Sequences(found) => sequences(found),
        Preview::Bytes(found) => text(&mut found.head),
        Preview::Rich(_) | Preview::Image | Preview::Pdf | Preview::Page => {}
    }
}

fn code(code: &mut Code) {
    text(&mut code.text);
    text(&mut code.language);
}

fn rows(table: &mut Table) {
    if let Some(about) = &mut table.about {
        text(about);
    }
    table.rows.iter_mut().flatten().for_each(text);
    for Column { name, range, .. } in &mut table.columns {
        text(name);
        if let Some((least, most)) = range {
            text(least);
            text(most);
        }
    }
    if let Some(found) = &mut table.sequences {
        sequences(found);
    }
}

fn cell(cell: &mut Cell) {
    let Cell::Code { code: words, outputs, .. } = cell else { return };
    code(words);
    for output in outputs {
        if let Output::Text(found) | Output::Error(found) | Output::Other(found) = output {
            text(found);
        }
    }
}

fn sequences(found: &mut Sequences) {
    for record in &mut found.records {
        text(&mut record.name);
        text(&mut record.about);
        text(&mut record.letters);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_a_parser_would_drop_have_signs() {
        for (from, to) in [("a\0b", "a\u{2400}b"), ("a\r\nb\rc", "a\nb\u{240d}c"), ("\u{7f}\u{85}", "\u{2421}\u{fffd}"), ("\t\n", "\t\n")] {
            let mut found = from.to_owned();
            text(&mut found);
            assert_eq!(found, to, "{from:?}");
        }
    }
}
