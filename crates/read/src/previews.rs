//! Turns previews into what a page needs: highlighted code, static HTML, and URLs of neighbouring files. Reads nothing.

use crate::{highlight, work::Leash};
use model::{
    RunId,
    file::FileRef,
    preview::{Cell, Code, Entry, EntryKind, Folder, Form, Near, Preview, Shown, Still},
    text,
};
use peek::still::{self, Html};
use std::path::Path;
use view::paths::{self, RunPlace};

/// What a page shows of a preview. Takes at most as long as highlighting may take.
pub fn shown(mut preview: Preview, leash: &Leash) -> Shown {
    match &mut preview {
        Preview::Text(text) => colour(&mut text.code, leash),
        Preview::Notebook(cells) => {
            for cell in cells {
                if let Cell::Code { code, .. } = cell {
                    colour(code, leash);
                }
            }
        }
        _ => {}
    }
    still::shown(preview)
}

fn colour(code: &mut Code, leash: &Leash) {
    code.html = highlight::html(&code.text, &code.language, leash);
    code.text.clear();
}

/// The path relative to the directory of its run; `None` if it lies elsewhere, or is that directory itself.
pub fn beneath(path: &str, directory: Option<&Path>) -> Option<String> {
    let way = if path.starts_with('/') { Path::new(path).strip_prefix(directory?).ok()?.to_str()? } else { path };
    let mut parts: Vec<&str> = Vec::new();
    for part in way.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// How the neighbours of a file are addressed.
pub fn near(id: RunId, way: &str) -> Near {
    Near {
        folder: way.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned(),
        page: page(id, String::new()),
        bytes: paths::raw(id, &FileRef::Under(String::new())),
    }
}

/// The page that opens a preview of something below the run's directory.
fn page(id: RunId, way: String) -> String {
    let file = FileRef::Under(way).to_string();
    paths::run_at(id, &RunPlace { tab: Some("results".into()), file: Some(file), ..RunPlace::default() })
}

/// The entries of a directory, each with a link to its preview, and a link to those that are not listed.
pub fn folder(id: RunId, way: &str, folder: &Folder) -> Shown {
    let mut html = Html::default();
    if folder.entries.is_empty() && folder.rest().is_none() && folder.nameless == 0 {
        html.words("p", &[("class", "dim edge")], "It is empty.");
    }
    html.begin("ul", &[]);
    for Entry { name, kind, size, .. } in &folder.entries {
        let (sign, says) = match kind {
            EntryKind::Directory => ("/", "directory".to_owned()),
            EntryKind::File => ("", text::size(*size)),
            EntryKind::Link => ("", "link".to_owned()),
            EntryKind::Special => ("", "not a file".to_owned()),
        };
        let name = format!("{name}{sign}");
        html.begin("li", &[]);
        if *kind == EntryKind::Special {
            html.words("span", &[("class", "dim")], &name);
        } else {
            let to = page(id, format!("{way}/{}", name.trim_end_matches('/')));
            html.words("a", &[("class", "link"), ("href", &to)], &name);
        }
        html.text(" ");
        html.words("span", &[("class", "dim num")], &says);
        html.end();
    }
    html.end();
    if let Some(rest) = folder.rest() {
        html.begin("p", &[("class", "dim edge")]);
        match &folder.next {
            Some(next) => {
                let place =
                    RunPlace { tab: Some("results".into()), tree: Some(way.to_owned()), after: Some(next.clone()), ..RunPlace::default() };
                html.words("a", &[("class", "link"), ("href", &paths::run_at(id, &place))], &rest);
            }
            None => html.text(&rest),
        }
        html.end();
    }
    if let Some(unlisted) = folder.unlisted() {
        html.words("p", &[("class", "dim edge")], &unlisted);
    }
    Shown::Still(Still { form: Form::Folder, html: html.finish() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::preview::Text;

    const RUN: &str = "0193a4c2-0000-7000-8000-000000000001";

    fn html(shown: Shown) -> String {
        match shown {
            Shown::Still(still) => still.html,
            other => panic!("not still: {other:?}"),
        }
    }

    #[test]
    fn code_becomes_html_and_nothing_in_it_markup() {
        let code = Code { text: "<script>alert(1)</script>".into(), language: "txt".into(), html: String::new() };
        let html = html(shown(Preview::Text(Text { code, lines: 1, ..Text::default() }), &Leash::long()));
        assert!(!html.contains("<script") && html.contains("&lt;script&gt;"), "{html}");
    }

    #[test]
    fn a_way_leads_from_the_directory_of_the_run_and_never_out_of_it() {
        let directory = Some(Path::new("/data/run"));
        for (path, way) in [
            ("out/a.md", Some("out/a.md")),
            ("./out//b/../a.md", Some("out/a.md")),
            ("/data/run/out/a.md", Some("out/a.md")),
            ("/data/running/a.md", None),
            ("/data/run", None),
            ("../a.md", None),
            ("", None),
        ] {
            assert_eq!(beneath(path, directory).as_deref(), way, "{path}");
        }
        assert_eq!(beneath("/data/run/a", None), None);
    }

    #[test]
    fn neighbours_are_addressed_within_the_run() {
        let id: RunId = RUN.parse().unwrap();
        let near = near(id, "out/report.md");
        assert_eq!(near.folder, "out");
        assert_eq!(near.page, format!("/runs/{RUN}?tab=results&file=.%2F"));
        assert_eq!(near.bytes, format!("/runs/{RUN}/raw?file=.%2F"));
    }

    #[test]
    fn a_directory_lists_what_lies_in_it_as_links() {
        let id: RunId = RUN.parse().unwrap();
        let entry = |name: &str, kind| Entry { name: name.into(), kind, size: 7, modified_at: 0 };
        let entries = [entry("in ner", EntryKind::Directory), entry("<b>.txt", EntryKind::File), entry("pipe", EntryKind::Special)];

        let next = Some("z".to_owned());
        let html = html(folder(id, "folder", &Folder { entries: entries.into(), more: 1_240, next, nameless: 3, ..Folder::default() }));

        assert!(
            html.contains(&format!("<a class=\"link\" href=\"/runs/{RUN}?tab=results&amp;file=.%2Ffolder%2Fin%20ner\">in ner/</a>")),
            "{html}"
        );
        assert!(html.contains("&lt;b&gt;.txt</a> <span class=\"dim num\">7 B</span>"), "{html}");
        assert!(html.contains("<span class=\"dim\">pipe</span>") && html.contains("3 more whose names are not UTF-8"), "{html}");
        let rest = format!("<a class=\"link\" href=\"/runs/{RUN}?tab=results&amp;after=z&amp;tree=folder\">1\u{202f}240 more entries</a>");
        assert!(html.contains(&rest), "{html}");
    }
}
