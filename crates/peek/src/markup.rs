//! Markdown, and HTML of strangers: cleaned of everything that could act. Reads no links.

use crate::{source::Source, text::decoded};
use ammonia::{Builder, UrlRelative};
use model::preview::Preview;
use pulldown_cmark::{Event, Options, Parser, html};
use std::{collections::HashSet, io, sync::LazyLock};

/// Larger texts are shown as they are (bytes).
const LARGEST: usize = 512 << 10;

pub fn markdown(source: &Source<'_>) -> io::Result<Option<Preview>> {
    let (bytes, cut) = source.head(LARGEST)?;
    if cut || bytes.contains(&0) {
        return Ok(None);
    }
    Ok(Some(Preview::Rich(of_markdown(&decoded(&bytes, false)))))
}

/// Clean HTML of Markdown.
pub fn of_markdown(text: &str) -> String {
    let ways = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS | Options::ENABLE_FOOTNOTES;
    let mut out = String::with_capacity(text.len() * 3 / 2);
    // Boxes to tick would be parts of a form.
    let events = Parser::new_ext(text, ways).map(|event| match event {
        Event::TaskListMarker(done) => Event::Text(if done { "\u{2611} " } else { "\u{2610} " }.into()),
        other => other,
    });
    html::push_html(&mut out, events);
    clean(&out)
}

/// HTML with nothing in it that acts, loads or leads to another scheme than the web's. Pictures are kept where they
/// carry their own bytes.
pub fn clean(html: &str) -> String {
    static BUILDER: LazyLock<Builder<'static>> = LazyLock::new(|| {
        let mut builder = Builder::default();
        builder
            .url_schemes(HashSet::from(["http", "https", "mailto", "data"]))
            .url_relative(UrlRelative::Deny)
            .rm_tags(["map", "area"])
            .attribute_filter(|element, attribute, value| {
                // Browsers pass over these where an address begins.
                let scheme: String = value.chars().filter(|letter| *letter > ' ').take(5).collect();
                let data = scheme.eq_ignore_ascii_case("data:");
                let picture = ["data:image/png;base64,", "data:image/jpeg;base64,", "data:image/gif;base64,", "data:image/webp;base64,"]
                    .iter()
                    .any(|kind| value.starts_with(kind));
                match (element, attribute) {
                    // What is loaded from elsewhere would tell elsewhere who reads it.
                    ("img", "src") => picture.then(|| value.into()),
                    _ if data => None,
                    _ => Some(value.into()),
                }
            })
            .link_rel(Some("noopener noreferrer nofollow"))
            .set_tag_attribute_value("a", "target", "_blank");
        builder
    });
    BUILDER.clean(html).to_string()
}
