//! Highlights code: marks words with CSS classes, which `style/parts/code.css` colours.
//!
//! The time is limited, for each text and for all texts of a response: whatever could not be highlighted in time is shown plain.

use crate::work::Leash;
use std::{sync::OnceLock, time::Duration};
use syntect::{
    html::{ClassStyle, ClassedHTMLGenerator},
    parsing::{SyntaxReference, SyntaxSet},
    util::LinesWithEndings,
};

/// How long one text may take after its first bytes, ...
const TEXT_LIMIT: Duration = Duration::from_millis(150);
/// ... and how long those first bytes may take: when a language is used for the first time, its patterns are compiled.
const FIRST: usize = 4_096;
const FIRST_LIMIT: Duration = Duration::from_secs(2);
/// Lines longer than this are data, not code (bytes).
const LONG: usize = 2_000;
const CLASSES: ClassStyle = ClassStyle::SpacedPrefixed { prefix: "c-" };

fn languages() -> &'static SyntaxSet {
    static SET: OnceLock<SyntaxSet> = OnceLock::new();
    SET.get_or_init(two_face::syntax::extra_newlines)
}

fn language(name: &str) -> Option<&'static SyntaxReference> {
    let name = match name.to_lowercase().as_str() {
        // Snakemake's language is Python with more keywords.
        "python" | "snakemake" | "snakefile" | "smk" => "py".to_owned(),
        "bash" | "shell" => "sh".to_owned(),
        "julia" => "jl".to_owned(),
        "rust" => "rs".to_owned(),
        other => other.to_owned(),
    };
    languages().find_syntax_by_token(&name)
}

/// The language of a file, by its name.
pub fn language_of(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap_or(path);
    match file.rsplit_once('.') {
        Some((_, ending)) => ending,
        None if file.eq_ignore_ascii_case("snakefile") => "snakemake",
        None => "txt",
    }
}

/// A text as HTML: escaped, with classes if the language is known and there is time.
pub fn html(text: &str, name: &str, leash: &Leash) -> String {
    let Some(syntax) = language(name).filter(|_| !leash.is_short()) else { return escaped(text) };
    let clock = leash.clock();
    let mut until = clock.instant() + FIRST_LIMIT;
    let mut generator = ClassedHTMLGenerator::new_with_class_style(syntax, languages(), CLASSES);
    let mut done = 0;
    for line in LinesWithEndings::from(text) {
        if line.len() > LONG
            || clock.instant() > until
            || leash.is_short()
            || generator.parse_html_for_line_which_includes_newline(line).is_err()
        {
            break;
        }
        if (done..done + line.len()).contains(&FIRST) {
            until = clock.instant() + TEXT_LIMIT;
        }
        done += line.len();
    }
    let mut html = generator.finalize();
    html.push_str(&escaped(&text[done..]));
    html
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The text that a browser would show for this HTML.
    fn shown(html: &str) -> String {
        let mut text = String::new();
        let mut tag = false;
        for letter in html.chars() {
            match letter {
                '<' => tag = true,
                '>' if tag => tag = false,
                other if !tag => text.push(other),
                _ => {}
            }
        }
        let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#x27;", "'"), ("&amp;", "&")];
        entities.iter().fold(text, |text, (entity, letter)| text.replace(entity, letter))
    }

    #[test]
    fn known_languages_are_marked_and_others_are_not() {
        for name in ["bash", "python", "r", "yaml", "snakemake", "julia", "rust", "json", "perl"] {
            assert!(language(name).is_some(), "{name}");
        }
        assert!(html("if x:\n    return 1\n", "python", &Leash::long()).contains("c-keyword"));
        assert_eq!(html("a < b", "no language", &Leash::long()), "a &lt; b");
        assert_eq!((language_of("a/Snakefile"), language_of("b.yaml"), language_of("c")), ("snakemake", "yaml", "txt"));
    }

    proptest! {
        #[test]
        fn every_text_is_shown_as_it_is_and_brings_no_elements(text in "[ -~\n<>&\"']{0,200}", name in prop::sample::select(vec!["python", "bash", "yaml", "x"])) {
            let html = html(&text, name, &Leash::long());
            prop_assert!(!html.replace("<span class=\"", "").replace("</span>", "").contains('<'));
            prop_assert_eq!(shown(&html), text);
        }
    }
}
