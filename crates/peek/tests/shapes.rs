//! Whatever a file contains, a browser parses its view exactly as it was written: nothing moves, vanishes or is added,
//! and nothing nests too deeply.
//!
//! Browsers do not reject invalid HTML, they repair it. A repaired view differs from the one that was meant. A view
//! that nests deeper than 512 elements is repaired, too.
#![forbid(unsafe_code)]

#[path = "shapes/html.rs"]
mod html;

use model::{
    clock::MockClock,
    preview::{Ask, Form, Near, Preview, Shown, Still},
};
use peek::{
    peek,
    still::{self, DEEPEST},
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::io::Write as _;

fn near() -> Near {
    Near { folder: "out".into(), page: "/runs/1?tab=results&file=.%2F".into(), bytes: "/runs/1/raw?file=.%2F".into() }
}

fn look(name: &str, bytes: &[u8]) -> Preview {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(bytes).expect("room");
    peek(&file, &Ask { name: name.to_owned(), at: 0, near: Some(near()), ..Ask::default() }, &MockClock::new(0).clock()).expect("a preview")
}

/// The view of a file.
#[track_caller]
fn view(name: &str, bytes: &[u8]) -> Still {
    match still::shown(look(name, bytes)) {
        Shown::Still(still) => still,
        other => panic!("no still view of {name}: {other:?}"),
    }
}

/// What is wrong with a view; `None` if nothing is.
fn fault(html: &str) -> Option<String> {
    html::fault(html, DEEPEST)
}

#[track_caller]
fn is_sound(name: &str, bytes: &[u8]) -> Still {
    let view = view(name, bytes);
    assert_eq!(fault(&view.html), None, "{name}");
    view
}

fn markdown_cell(source: &str) -> Value {
    json!({ "cell_type": "markdown", "metadata": {}, "source": source })
}

fn code_cell(source: &str, outputs: &Value) -> Value {
    json!({ "cell_type": "code", "metadata": {}, "execution_count": 1, "source": source, "outputs": outputs })
}

fn notebook(cells: &[Value]) -> Vec<u8> {
    json!({ "nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells }).to_string().into_bytes()
}

#[test]
fn a_view_that_a_browser_would_mend_is_noticed() {
    let deep = format!("{}{}", "<b>".repeat(DEEPEST + 1), "</b>".repeat(DEEPEST + 1));
    for mended in [
        deep.as_str(),
        "<p><p>a</p></p>",
        "<table>text</table>",
        "<table><tr><td>no body</td></tr></table>",
        "<a><a>a</a></a>",
        "<pre>\n\nb</pre><form><form></form></form>",
        "<select><select></select></select>",
        "<i>nul \0</i>",
        "<i>\r</i>",
    ] {
        assert!(fault(mended).is_some(), "{mended}");
    }
    for sound in
        ["<p>a</p>", "<table><tbody><tr><td>a &amp; b</td></tr></tbody></table>", "<pre>\n\n\nb</pre>", "<ul><li><b>x</b>: y</li></ul>"]
    {
        assert_eq!(fault(sound), None);
    }
}

#[test]
fn values_that_nest_deep_fold_one_within_the_other() {
    let nested = |deep: usize| format!("{}{}", "[".repeat(deep), "]".repeat(deep));

    let all = is_sound("nested.json", nested(100).as_bytes());
    let cut = is_sound("deep.json", nested(5_000).as_bytes());
    let yaml = is_sound("nested.yaml", nested(105).as_bytes());

    assert_eq!(all.html.matches("<details").count(), 99);
    for deep in [&cut, &yaml] {
        assert!(deep.html.contains("too deep to be drawn, as text: "), "{}", deep.html);
    }
}

#[test]
fn letters_that_a_parser_drops_are_seen() {
    let tree = is_sound("x.json", br#"{"\u0000": "\u0000", "cr": "\r", "lf": "\n", "empty": "", "ff": "\f", "sub": "\u001a"}"#);
    assert!(tree.html.contains("<b>\u{2400}</b>") && tree.html.contains(">\u{2400}</span>"), "{}", tree.html);
    for text in ["\n", "\r", "\n\n\nthree", "\r\n", "\0", "", " ", "\u{feff}", "\u{b}", "a\u{c}b"] {
        is_sound("x.txt", text.as_bytes());
        is_sound("x.ipynb", &notebook(&[code_cell(text, &json!([{ "output_type": "stream", "name": "stdout", "text": text }]))]));
        is_sound(
            "x.ipynb",
            &notebook(&[code_cell("", &json!([{ "output_type": "error", "ename": text, "evalue": text, "traceback": [text] }]))]),
        );
        is_sound("x.ipynb", &notebook(&[markdown_cell(text)]));
        is_sound("x.md", text.replace('\0', "&#0;").as_bytes());
    }
}

#[test]
fn markup_that_nests_too_deep_is_reported_and_its_text_kept() {
    for (begin, end) in
        [("<div>", "</div>"), ("<b>", ""), ("<blockquote>", ""), ("<ul><li>", ""), ("<table><tr><td>", ""), ("<span>", "</span>")]
    {
        let html = format!("{}the core{}", begin.repeat(600), end.repeat(600));
        let view = is_sound("x.md", html.as_bytes());
        assert!(view.html.contains("the core") && view.html.contains("too deep to be drawn"), "{begin}: {}", view.html);
    }
    let quoted = is_sound("x.md", format!("{} the core", ">".repeat(700)).as_bytes());
    assert!(quoted.html.contains("the core"));
}

#[test]
fn links_and_pictures_of_a_report_lead_to_its_neighbours() {
    let report = "# Report\n\n![plot](plot.png) ![far](https://a.example/t.png) ![no](x)\n\nSee [the table](../tables/a%20b.csv), \
                  [the web](https://a.example/) and a note[^1].\n\n[^1]: The note.\n\n[up](../../x) [top](/runs) [bad](javascript:x)";

    let html = is_sound("report.md", report.as_bytes()).html;

    assert!(html.contains(r#"src="/runs/1/raw?file=.%2Fout%2Fplot.png""#), "{html}");
    assert!(
        html.contains(r#"href="/runs/1?tab=results&amp;file=.%2Ftables%2Fa%20b.csv" rel="noopener noreferrer nofollow">the table"#),
        "{html}"
    );
    assert!(html.contains(r#"href="https://a.example/" rel="noopener noreferrer nofollow" target="_blank""#), "{html}");
    assert!(html.contains(r##"href="#note-1""##) && html.contains(r#"id="note-1""#), "{html}");
    for gone in ["a.example/t.png", "src=\"x\"", "/x\"", "\"/runs\"", "javascript"] {
        assert!(!html.contains(gone), "{gone} in {html}");
    }
}

#[test]
fn every_view_has_the_form_of_its_file() {
    for (name, bytes, form) in [
        ("a.txt", &b"words\n"[..], Form::Text),
        ("a.md", b"# T\n", Form::Rich),
        ("a.json", b"{\"a\": 1}", Form::Tree),
        ("a.yaml", b"a: 1\n", Form::Tree),
        ("a.rds", b"\0\x01", Form::Bytes),
        ("a.ipynb", b"{\"cells\": []}", Form::Notebook),
    ] {
        assert_eq!(is_sound(name, bytes).form, form, "{name}");
    }
}

/// Markup that parsers treat specially.
fn markup() -> impl Strategy<Value = String> {
    let tags = [
        "a",
        "b",
        "i",
        "p",
        "div",
        "span",
        "table",
        "tr",
        "td",
        "th",
        "tbody",
        "thead",
        "caption",
        "colgroup",
        "col",
        "ul",
        "li",
        "dl",
        "dt",
        "dd",
        "pre",
        "h1",
        "h2",
        "img",
        "br",
        "hr",
        "form",
        "select",
        "option",
        "textarea",
        "button",
        "svg",
        "math",
        "title",
        "style",
        "script",
        "template",
        "ruby",
        "rt",
        "rp",
        "details",
        "summary",
        "nobr",
        "object",
        "listing",
        "xmp",
        "plaintext",
        "iframe",
        "mi",
        "foreignObject",
        "annotation-xml",
        "body",
        "html",
        "head",
        "frameset",
        "center",
        "font",
        "strike",
        "em",
        "strong",
        "code",
        "article",
    ];
    let tag = prop::sample::select(tags.to_vec());
    let piece = prop_oneof![
        4 => tag.clone().prop_map(|tag| format!("<{tag}>")),
        3 => tag.clone().prop_map(|tag| format!("</{tag}>")),
        1 => (tag, prop::sample::select(vec!["x", "#a", "plot.png", "../y.csv", "https://a.example", "data:,x", "a\tb", "\0", "a\"b", "<i>"]))
            .prop_map(|(tag, value)| format!("<{tag} href='{value}' src='{value}' id='{value}' title='{value}'>")),
        3 => "[ a-z\n]{0,6}",
        1 => prop::sample::select(vec!["&#0;", "&#13;", "&lt;", "&amp;lt;", "\r", "\r\n", "\0", "<!--", "-->", "<!---->", "<![CDATA[", "]]>", "<?x", "&nbsp;", "\u{feff}", "<", ">", "\"", "&", "&#xd800;", "\u{fffe}", "\n\n"])
            .prop_map(str::to_owned),
        1 => prop::sample::select(vec!["# ", "\n\n", "> ", "- ", "1. ", "```\n", "`", "**", "[x](y.md)", "![x](y.png)", "| a | b |\n|---|---|\n| 1 | 2 |\n", "[^1]", "\n[^1]: x\n", "    ", "~~", "- [ ] "])
            .prop_map(str::to_owned),
    ];
    (prop::collection::vec(piece, 0..40), 1_usize..60).prop_map(|(pieces, times)| {
        let once = pieces.concat();
        if once.len() < 60 { once.repeat(times) } else { once }
    })
}

/// Texts that include non-letters.
fn words() -> impl Strategy<Value = String> {
    prop_oneof!["[ a-z<>&\"'\n\r\t\0\u{8}\u{b}\u{c}\u{1b}\u{85}\u{a0}\u{feff}\u{202e}\u{fffe}]{0,30}", any::<String>(), Just(String::new()),]
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        words().prop_map(Value::from)
    ];
    let tree = leaf.prop_recursive(6, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((words(), inner), 0..6).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    (tree, 0_usize..120)
        .prop_map(|(tree, deep)| (0..deep).fold(tree, |tree, level| if level % 2 == 0 { json!([tree]) } else { json!({ "k": tree }) }))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn views_of_markup_are_parsed_as_they_are_written(text in markup()) {
        let preview = still::shown(look("x.md", text.as_bytes()));
        if let Shown::Still(view) = preview {
            prop_assert_eq!(fault(&view.html), None);
        }
    }

    #[test]
    fn views_of_values_are_parsed_as_they_are_written(value in values()) {
        let text = value.to_string();
        for name in ["x.json", "x.yaml"] {
            if let Shown::Still(view) = still::shown(look(name, text.as_bytes())) {
                prop_assert_eq!(fault(&view.html), None);
            }
        }
    }

    #[test]
    fn views_of_notebooks_are_parsed_as_they_are_written(source in words(), markup in markup(), out in words(), html in markup()) {
        let outputs = json!([
            { "output_type": "stream", "name": "stdout", "text": out.as_str() },
            { "output_type": "display_data", "data": { "text/html": html.as_str() } },
            { "output_type": "display_data", "data": { "text/markdown": html.as_str() } },
            { "output_type": "error", "ename": out.as_str(), "evalue": "", "traceback": [out.as_str()] },
            { "output_type": "display_data", "data": { (out.as_str()): 1 } },
        ]);
        let book = notebook(&[markdown_cell(&markup), code_cell(&source, &outputs)]);
        if let Shown::Still(view) = still::shown(look("x.ipynb", &book)) {
            prop_assert_eq!(fault(&view.html), None);
        }
    }

    #[test]
    fn views_of_any_bytes_are_parsed_as_they_are_written(
        name in prop::sample::select(vec!["x.txt", "x.log", "x.rds", "x.json", "x.yaml", "x.md", "x.ipynb", "x", "x.py", "x.gz"]),
        bytes in prop_oneof![prop::collection::vec(any::<u8>(), 0..300), words().prop_map(String::into_bytes)],
    ) {
        if let Shown::Still(view) = still::shown(look(name, &bytes)) {
            prop_assert_eq!(fault(&view.html), None);
        }
    }
}
