//! Previews as HTML that is drawn once: texts, rendered documents, values, notebooks, bytes. Knows no pages.
//!
//! The HTML is written tag by tag, so that a browser parses exactly what was meant: every element is closed where it
//! should be, none nests deeper than [`DEEPEST`], and texts are escaped and contain no character that a parser drops.

use crate::{bytes::HASHED, left_out};
use model::{
    preview::{Bytes, Cell, Code, Ends, Form, Node, Output, Preview, Shown, Still, Text, Tree, Value},
    text::count,
};

/// How deep elements may nest. Browsers move elements that nest deeper than 512; the page around takes some thirty levels.
pub const DEEPEST: usize = 400;
/// How many members are shown unfolded, and to which depth.
const FEW: u64 = 50;
const UNFOLDED: u32 = 2;

/// What a page shows of a preview. The page itself draws tables and sequences, because more of them can be loaded.
pub fn shown(preview: Preview) -> Shown {
    let (form, html) = match preview {
        Preview::Table(table) => return Shown::Table(table),
        Preview::Sequences(found) => return Shown::Sequences(found),
        Preview::Image => return Shown::Image,
        Preview::Pdf => return Shown::Pdf,
        Preview::Page => return Shown::Page,
        Preview::Text(text) => (Form::Text, of_text(&text)),
        Preview::Rich(rich) => (Form::Rich, of_rich(&rich)),
        Preview::Tree(tree) => (Form::Tree, of_tree(&tree)),
        Preview::Notebook(cells) => (Form::Notebook, of_notebook(&cells)),
        Preview::Bytes(bytes) => (Form::Bytes, of_bytes(&bytes)),
    };
    Shown::Still(Still { form, html })
}

/// HTML that is being written.
#[derive(Default)]
pub struct Html {
    out: String,
    open: Vec<&'static str>,
}

impl Html {
    /// Opens an element.
    pub fn begin(&mut self, tag: &'static str, attributes: &[(&str, &str)]) {
        self.tag(tag, attributes);
        self.open.push(tag);
        debug_assert!(self.open.len() <= DEEPEST, "{:?}", self.open);
        if tag == "pre" {
            self.out.push('\n'); // Parsers drop the first line break.
        }
    }

    fn tag(&mut self, tag: &str, attributes: &[(&str, &str)]) {
        self.out.push('<');
        self.out.push_str(tag);
        for (name, value) in attributes {
            self.out.push(' ');
            self.out.push_str(name);
            self.out.push_str("=\"");
            escape(&mut self.out, value);
            self.out.push('"');
        }
        self.out.push('>');
    }

    /// Closes the element that was opened last.
    pub fn end(&mut self) {
        if let Some(tag) = self.open.pop() {
            self.out.push_str("</");
            self.out.push_str(tag);
            self.out.push('>');
        }
    }

    /// Closes elements until only `left` are open.
    fn end_to(&mut self, left: usize) {
        while self.open.len() > left {
            self.end();
        }
    }

    pub fn text(&mut self, text: &str) {
        escape(&mut self.out, text);
    }

    /// Writes an element with a text.
    pub fn words(&mut self, tag: &'static str, attributes: &[(&str, &str)], text: &str) {
        self.begin(tag, attributes);
        self.text(text);
        self.end();
    }

    /// Writes HTML that is already sanitized and closed.
    fn clean(&mut self, html: &str) {
        self.out.push_str(html);
    }

    /// The complete HTML, with all elements closed.
    pub fn finish(mut self) -> String {
        self.end_to(0);
        self.out
    }

    fn note(&mut self, says: &str) {
        self.words("p", &[("class", "dim edge")], says);
    }

    fn ends(&mut self, ends: Ends) {
        if let Some(says) = ends.says() {
            self.note(says);
        }
    }

    fn code(&mut self, Code { text, html, .. }: &Code) {
        self.begin("pre", &[("class", "code")]);
        if html.is_empty() {
            self.text(text);
        } else {
            self.clean(html);
        }
        self.end();
    }
}

/// Writes a text as escaped HTML.
pub fn escape(out: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{a0}' => out.push_str("&nbsp;"),
            other => out.push(other),
        }
    }
}

fn of_text(Text { code, lines, ends }: &Text) -> String {
    let mut html = Html::default();
    html.code(code);
    match ends {
        Ends::More => {
            let lines = if *lines == 1 { "line".to_owned() } else { format!("{} lines", count(i64::from(*lines))) };
            html.note(&format!("The first {lines}. Download the file for the rest."));
        }
        ends => html.ends(*ends),
    }
    html.finish()
}

fn of_rich(clean: &str) -> String {
    let mut html = Html::default();
    html.begin("article", &[]);
    html.clean(clean);
    html.finish()
}

fn of_tree(Tree { nodes, ends }: &Tree) -> String {
    let mut html = Html::default();
    html.begin("ul", &[]);
    // The number of open elements at which members of each depth begin.
    let mut levels = vec![html.open.len()];
    for node in nodes {
        levels.truncate(node.deep as usize + 1);
        html.end_to(levels.last().copied().unwrap_or_default());
        if of_node(&mut html, node) {
            levels.push(html.open.len());
        }
    }
    html.end_to(0);
    html.ends(*ends);
    html.finish()
}

/// Writes a node; returns whether its members will follow inside it.
fn of_node(html: &mut Html, Node { deep, name, value }: &Node) -> bool {
    let (kind, says) = match value {
        Value::Null => ("dim", "null".to_owned()),
        Value::Flag(flag) => ("c-keyword", flag.to_string()),
        Value::Number(number) => ("c-constant", number.clone()),
        Value::Text(text, more) | Value::Deeper(text, more) => ("c-string", format!("{text}{}", left_out(*more))),
        Value::List(members) => ("dim", format!("[{}]", count(*members as i64))),
        Value::Map(members) => ("dim", format!("{{{}}}", count(*members as i64))),
        Value::More(more) => {
            html.words("li", &[("class", "dim")], &format!("\u{2026} {} more", count(*more as i64)));
            return false;
        }
    };
    let members = match value {
        Value::List(members) | Value::Map(members) => *members,
        _ => 0,
    };
    html.begin("li", &[]);
    if members > 0 {
        let open = *deep == 0 || *deep < UNFOLDED && members <= FEW;
        html.begin("details", if open { &[("open", "")] } else { &[] });
        html.begin("summary", &[]);
    }
    if let Some(name) = name {
        html.words("b", &[], name);
        html.text(": ");
    }
    if matches!(value, Value::Deeper(..)) {
        html.words("span", &[("class", "dim")], "too deep to be drawn, as text: ");
    }
    html.words("span", &[("class", kind)], &says);
    if members > 0 {
        html.end();
        html.begin("ul", &[]);
    } else {
        html.end();
    }
    members > 0
}

fn of_notebook(cells: &[Cell]) -> String {
    let mut html = Html::default();
    for cell in cells {
        match cell {
            Cell::Rich(clean) => {
                html.begin("article", &[("class", "rich")]);
                html.clean(clean);
                html.end();
            }
            Cell::Code { count, code, outputs } => {
                html.begin("div", &[("class", "cell")]);
                html.words("span", &[("class", "dim num")], &count.map_or_else(|| "[ ]".to_owned(), |count| format!("[{count}]")));
                html.begin("div", &[]);
                html.code(code);
                html.begin("div", &[("class", "put-out")]);
                for output in outputs {
                    of_output(&mut html, output);
                }
                html.end_to(0);
            }
        }
    }
    html.finish()
}

fn of_output(html: &mut Html, output: &Output) {
    match output {
        Output::Text(text) => html.words("pre", &[], text),
        Output::Error(text) => html.words("pre", &[("data-level", "error")], text),
        Output::Rich(clean) => {
            html.begin("div", &[("class", "rich")]);
            html.clean(clean);
            html.end();
        }
        Output::Picture(src) => html.tag("img", &[("src", src), ("alt", "Picture from the output of this cell")]),
        Output::Other(says) => html.words("p", &[("class", "dim")], says),
    }
}

fn of_bytes(Bytes { kind, hash, head, ends }: &Bytes) -> String {
    let mut html = Html::default();
    html.note("It is not text. These are its first bytes.");
    html.ends(*ends);
    html.begin("dl", &[("class", "facts edge")]);
    let hash = hash.clone().unwrap_or_else(|| format!("not computed above {} MiB", HASHED >> 20));
    for (name, value) in [("Kind", kind.as_ref()), ("SHA-256", Some(&hash))] {
        let Some(value) = value else { continue };
        html.begin("div", &[]);
        html.words("dt", &[], name);
        html.words("dd", &[], value);
        html.end();
    }
    html.end();
    html.words("pre", &[("class", "code")], head);
    html.finish()
}
