//! HTML in two forms: as it is written, tag by tag, and as a browser parses it. If both agree, nothing was moved, dropped or added.

use html5ever::{ParseOpts, QualName, local_name, ns, parse_fragment, tendril::TendrilSink as _};
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use std::collections::BTreeMap;

/// Elements without an end tag.
const VOID: [&str; 6] = ["img", "br", "hr", "col", "wbr", "input"];

/// An element or a text.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Begin(String, BTreeMap<String, String>),
    End(String),
    /// Pages have comments between adjacent texts.
    Comment,
}

/// The HTML as it is written. Every start tag must have an end tag.
///
/// # Panics
/// If one has none.
fn written(html: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        text(&mut pieces, &rest[..at]);
        if rest[at..].starts_with("<!--") {
            let end = rest[at..].find("-->").expect("a comment ends");
            pieces.push(Piece::Comment);
            rest = &rest[at + end + 3..];
            continue;
        }
        let mut quoted = false;
        let end = rest[at..].char_indices().find(|(_, letter)| {
            quoted ^= *letter == '"';
            *letter == '>' && !quoted
        });
        let end = at + end.expect("a tag ends").0;
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        if tag.starts_with('!') {
            pieces.push(Piece::Comment);
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "{html}");
            pieces.push(Piece::End(name.to_owned()));
            continue;
        }
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        pieces.push(Piece::Begin(name.to_owned(), values(attributes)));
        if VOID.contains(&name) {
            pieces.push(Piece::End(name.to_owned()));
        } else {
            open.push(name.to_owned());
        }
        if name == "pre" {
            // The parser drops this line break.
            rest = rest.strip_prefix('\n').unwrap_or(rest);
        }
    }
    text(&mut pieces, rest);
    assert!(open.is_empty(), "{open:?} in {html}");
    pieces
}

fn text(pieces: &mut Vec<Piece>, text: &str) {
    if !text.is_empty() {
        pieces.push(Piece::Text(letters(text)));
    }
}

fn values(attributes: &str) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    let mut parts = attributes.split('"');
    while let Some(name) = parts.next() {
        let Some(value) = parts.next() else {
            values.extend(name.split(' ').filter(|name| !name.is_empty()).map(|name| (name.to_owned(), String::new())));
            break;
        };
        let mut names: Vec<&str> = name.trim().trim_end_matches('=').split(' ').collect();
        if let Some(name) = names.pop() {
            values.insert(name.to_owned(), letters(value));
        }
        values.extend(names.into_iter().map(|name| (name.to_owned(), String::new())));
    }
    values
}

fn letters(text: &str) -> String {
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&nbsp;", "\u{a0}"), ("&#x27;", "'"), ("&#39;", "'"), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (entity, letter)| text.replace(entity, letter))
}

/// What is wrong with a view; `None` if a browser parses it as it is written, and it nests at most `deepest` levels.
pub fn fault(html: &str, deepest: usize) -> Option<String> {
    let (found, deep) = parsed(html);
    let meant = written(html);
    if let Some((meant, found)) = meant.iter().zip(&found).find(|(meant, found)| meant != found) {
        return Some(format!("{meant:?} was meant and {found:?} found in {html}"));
    }
    if meant.len() != found.len() {
        return Some(format!("{} pieces were meant and {} found in {html}", meant.len(), found.len()));
    }
    (deep > deepest).then(|| format!("{deep} elements nest in {html}"))
}

/// The HTML as a browser parses it within a page, and how deep it nests.
fn parsed(html: &str) -> (Vec<Piece>, usize) {
    let within = QualName::new(None, ns!(html), local_name!("div"));
    let dom = parse_fragment(RcDom::default(), ParseOpts::default(), within, Vec::new(), false).one(html);
    let root = dom.document.children.borrow()[0].clone();
    let mut pieces = Vec::new();
    let mut deepest = 0;
    let mut todo: Vec<(Result<Handle, String>, usize)> = vec![(Ok(root), 0)];
    while let Some((next, deep)) = todo.pop() {
        deepest = deepest.max(deep);
        match next {
            Err(name) => pieces.push(Piece::End(name)),
            Ok(node) => {
                match &node.data {
                    NodeData::Text { contents } => pieces.push(Piece::Text(contents.borrow().to_string())),
                    NodeData::Element { name, attrs, .. } if deep > 0 => {
                        let values = attrs.borrow().iter().map(|one| (one.name.local.to_string(), one.value.to_string())).collect();
                        pieces.push(Piece::Begin(name.local.to_string(), values));
                        todo.push((Err(name.local.to_string()), deep));
                    }
                    NodeData::Element { .. } => {}
                    NodeData::Comment { .. } => pieces.push(Piece::Comment),
                    other => panic!("{other:?} in {html}"),
                }
                todo.extend(node.children.borrow().iter().rev().map(|child| (Ok(child.clone()), deep + 1)));
            }
        }
    }
    (pieces, deepest)
}
