//! Markdown, and HTML of strangers: cleaned of everything that could act, and no deeper than a page can hold.
//!
//! Reads no links. Those that name a neighbour of the file lead to where [`Near`] says, all others into the web.

use crate::{near, source::Source, still, text::decoded};
use ammonia::{Builder, UrlRelative};
use model::preview::{Near, Preview};
use pulldown_cmark::{Event, Options, Parser, html};
use std::{borrow::Cow, collections::HashSet, io};

/// Larger texts are shown as they are (bytes).
const LARGEST: usize = 512 << 10;
/// Elements one within the other, at most; of those beyond only the text is kept.
pub const DEEP: usize = 100;
/// A table takes so many levels before it can hold a text.
const TABLE: usize = 8;
/// How often a text is cleaned until it stays as it is. Most do at once.
const ROUNDS: usize = 5;
/// What ids begin with, so that they are none of the page's.
const OURS: &str = "note-";

pub fn markdown(source: &Source<'_>, near: Option<&Near>) -> io::Result<Option<Preview>> {
    let (bytes, ends) = source.head(LARGEST)?;
    if !ends.is_whole() || bytes.contains(&0) {
        return Ok(None);
    }
    Ok(Some(Preview::Rich(Cleaner::new(near).markdown(&decoded(&bytes, false)))))
}

/// Cleans the parts of one document.
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

    /// Clean HTML of Markdown.
    pub fn markdown(&self, text: &str) -> String {
        let ways = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS | Options::ENABLE_FOOTNOTES;
        let mut out = String::with_capacity(text.len() * 3 / 2);
        // Boxes to tick would be parts of a form.
        let events = Parser::new_ext(text, ways).map(|event| match event {
            Event::TaskListMarker(done) => Event::Text(if done { "\u{2611} " } else { "\u{2610} " }.into()),
            other => other,
        });
        html::push_html(&mut out, events);
        self.html(&out)
    }

    /// HTML with nothing in it that acts, loads or leads to another scheme than the web's. Pictures are kept where
    /// they carry their own bytes, or lie beside the file.
    ///
    /// A browser parses the result as the elements it is written as: cleaning it again does not change it. What
    /// does not come to rest is shown as the text it is.
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

/// The address of a picture; `None` for one that would be loaded from elsewhere, which would tell elsewhere who reads it.
fn source_of(near: Option<&Near>, value: &str) -> Option<String> {
    let kinds = ["data:image/png;base64,", "data:image/jpeg;base64,", "data:image/gif;base64,", "data:image/webp;base64,"];
    if kinds.iter().any(|kind| value.starts_with(kind)) {
        return Some(value.to_owned());
    }
    near::picture(near?, value)
}

/// The address of a link; `None` for what leads nowhere.
fn link_to(near: Option<&Near>, value: &str) -> Option<String> {
    // Browsers pass over these in an address.
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

/// Clean HTML with no element too deep, and links into the web that open beside the page.
fn settled(html: &str) -> String {
    let mut out = String::with_capacity(html.len() + html.len() / 16);
    // Of each open element its name, and whether it was kept.
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

/// The tag at the start of a text, and what follows it. Values of attributes are in double quotes.
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
