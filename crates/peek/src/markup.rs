//! Markdown and untrusted HTML, sanitized: nothing active remains, and nesting is no deeper than a page can hold.
//!
//! Does not follow links. Links to neighbours of the file lead to where [`Near`] says, all others to the web.

use crate::{near, source::Source, still, text::decoded};
use ammonia::{Builder, UrlRelative};
use model::preview::{Near, Preview};
use pulldown_cmark::{Event, Options, Parser, html};
use std::{borrow::Cow, collections::HashSet, io};

/// Larger texts are shown unrendered (bytes).
const LARGEST: usize = 512 << 10;
/// How deep elements may nest; of deeper ones only the text is kept.
pub const DEEP: usize = 100;
/// How many levels a table needs before it can contain text.
const TABLE: usize = 8;
/// How often a text is sanitized until the result no longer changes. Most texts need one round.
const ROUNDS: usize = 5;
/// A prefix for ids, so that they differ from the page's own.
const OURS: &str = "note-";

pub fn markdown(source: &Source<'_>, near: Option<&Near>) -> io::Result<Option<Preview>> {
    let (bytes, ends) = source.head(LARGEST)?;
    if !ends.is_whole() || bytes.contains(&0) {
        return Ok(None);
    }
    Ok(Some(Preview::Rich(Cleaner::new(near).markdown(&decoded(&bytes, false)))))
}

/// Sanitizes the parts of one document.
pub struct Cleaner {
    builder: Builder<'static>,
}

impl Cleaner {
    pub fn new(near: Option<&Near>) -> Self {
        let near = near.cloned();
        let mut builder = Builder::default();
        builder
            .url_schemes(HashSet::from(["http", "https", "mailto", "data"]))
            .url_relative(UrlRelative::PassThrough)
            .rm_tags(["map", "area"])
            .add_generic_attributes(["id"])
            .id_prefix(Some(OURS))
            .attribute_filter(move |element, attribute, value| match (element, attribute) {
                ("img", "src") => source_of(near.as_ref(), value).map(Cow::Owned),
                (_, "href" | "src" | "cite") => link_to(near.as_ref(), value).map(Cow::Owned),
                _ => Some(value.into()),
            })
            .link_rel(Some("noopener noreferrer nofollow"));
        Self { builder }
    }

    /// Sanitized HTML from Markdown.
    pub fn markdown(&self, text: &str) -> String {
        let ways = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS | Options::ENABLE_FOOTNOTES;
        let mut out = String::with_capacity(text.len() * 3 / 2);
        // Checkboxes would be form elements.
        let events = Parser::new_ext(text, ways).map(|event| match event {
            Event::TaskListMarker(done) => Event::Text(if done { "\u{2611} " } else { "\u{2610} " }.into()),
            other => other,
        });
        html::push_html(&mut out, events);
        self.html(&out)
    }

    /// HTML in which nothing acts, loads anything, or links to a scheme other than the web's. Pictures are kept if they
    /// contain their own data or lie beside the file.
    ///
    /// A browser parses the result into exactly the elements that are written: sanitizing it again does not change it.
    /// If the result does not become stable, the text itself is shown.
    pub fn html(&self, html: &str) -> String {
        let mut now = self.builder.clean(html).to_string();
        for _ in 0..ROUNDS {
            let again = self.builder.clean(&now).to_string();
            if again == now {
                return settled(&now);
            }
            now = again;
        }
        let mut text = still::Html::default();
        text.words("pre", &[], html);
        text.finish()
    }
}

/// The URL of a picture; `None` if it would be loaded from another server, which would then learn who is reading.
fn source_of(near: Option<&Near>, value: &str) -> Option<String> {
    let kinds = ["data:image/png;base64,", "data:image/jpeg;base64,", "data:image/gif;base64,", "data:image/webp;base64,"];
    if kinds.iter().any(|kind| value.starts_with(kind)) {
        return Some(value.to_owned());
    }
    near::picture(near?, value)
}

/// The URL of a link; `None` if it leads nowhere.
fn link_to(near: Option<&Near>, value: &str) -> Option<String> {
    // Browsers ignore these characters in a URL.
    let plain: String = value.chars().filter(|letter| *letter > ' ').collect();
    let low = plain.to_ascii_lowercase();
    if ["http:", "https:", "mailto:"].iter().any(|scheme| low.starts_with(scheme)) {
        return Some(value.to_owned());
    }
    if let Some(id) = plain.strip_prefix('#') {
        let id = id.strip_prefix(OURS).unwrap_or(id);
        return (!id.is_empty()).then(|| format!("#{OURS}{id}"));
    }
    near::link(near?, &plain)
}

/// Sanitized HTML in which no element nests too deeply and links to the web open in a new tab.
fn settled(html: &str) -> String {
    let mut out = String::with_capacity(html.len() + html.len() / 16);
    // For each open element, whether it was kept.
    let mut open: Vec<bool> = Vec::new();
    let mut lost = 0_u64;
    let mut rest = html;
    while let Some(begin) = rest.find('<') {
        out.push_str(&rest[..begin]);
        let (tag, after) = tag_of(&rest[begin..]);
        rest = after;
        if tag.starts_with("</") {
            if open.pop().unwrap_or(false) {
                out.push_str(tag);
            }
            continue;
        }
        let name = tag[1..].split(|letter: char| !letter.is_ascii_alphanumeric()).next().unwrap_or_default();
        let room = if name == "table" { TABLE } else { 1 };
        let kept = open.last().is_none_or(|kept| *kept) && open.len() + room <= DEEP;
        if kept {
            push_tag(&mut out, name, tag);
        } else {
            lost += 1;
        }
        if !matches!(name, "img" | "br" | "hr" | "col" | "wbr") {
            open.push(kept);
        }
    }
    out.push_str(rest);
    if lost > 0 {
        let elements = if lost == 1 { "1 element nests".to_owned() } else { format!("{lost} elements nest") };
        let mut note = still::Html::default();
        note.words("p", &[], &format!("{elements} too deep to be drawn; only the text in them is shown."));
        out.push_str(&note.finish());
    }
    out
}

/// The tag at the start of a text, and the text after it. Attribute values are in double quotes.
fn tag_of(text: &str) -> (&str, &str) {
    let mut quoted = false;
    let end = text.bytes().position(|byte| {
        quoted ^= byte == b'"';
        byte == b'>' && !quoted
    });
    text.split_at(end.map_or(text.len(), |end| end + 1))
}

fn push_tag(out: &mut String, name: &str, tag: &str) {
    out.push_str(tag);
    let attributes: Vec<&str> = tag.split('"').collect();
    let href = attributes.chunks(2).find(|pair| pair[0].ends_with(" href=")).and_then(|pair| pair.get(1));
    if name == "a" && href.is_some_and(|href| !href.starts_with(['#', '/'])) {
        out.pop();
        out.push_str(" target=\"_blank\">");
    }
}
