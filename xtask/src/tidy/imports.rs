//! Checks imports: files of different folders do not import each other in a cycle, and a crate imports only the crates below it.
//!
//! It reads `use` declarations as text and follows re-exports to the file that defines a name. It does not see macros, nor
//! paths that are written without a `use`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;

use super::lex::Lexed;
use super::{Finding, Source};

const CIRCLE: &str = "18: no import runs in a circle between files of different folders";
const UP: &str = "a crate imports only those below it; the picture is in ARCHITECTURE.md";
const PAGES: &str = "only what speaks HTTP mounts the pages; everything else reads through `read`";

/// Which of our crates each crate may import. The order of the lines does not matter; a crate that is not listed may import none.
const BELOW: &[(&str, &[&str])] = &[
    ("frontend", &["app"]),
    ("app", &["read", "store", "view", "chart", "model", "peek"]),
    ("server", &["app", "read", "view", "ingest", "live", "peek", "store", "model", "testkit"]),
    ("crates/read", &["view", "store", "live", "peek", "chart", "model"]),
    ("crates/ingest", &["model", "store", "testkit"]),
    ("crates/live", &["model", "store"]),
    ("crates/peek", &["model"]),
    ("crates/store", &["model", "testkit"]),
    ("crates/view", &["model", "chart"]),
    ("crates/testkit", &["model", "store"]),
    ("bench", &["testkit"]),
];
/// The directory in which the pages are mounted.
const MOUNTED: &str = "server/src/http/";

/// One imported path, such as `crate::a::B`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Import {
    line: usize,
    /// The name under which it is imported.
    name: String,
    path: Vec<String>,
    /// Whether it is re-exported: `pub use`.
    is_public: bool,
}

/// A Rust file and the module that it is.
struct Module {
    /// The directory of its crate, such as `crates/model`.
    house: String,
    path: Vec<String>,
    imports: Vec<Import>,
    /// Modules defined in the file itself.
    inline: Vec<String>,
}

/// Checks all Rust files together.
pub fn check(sources: &[Source], found: &mut Vec<Finding>) {
    let mut modules: BTreeMap<&str, Module> = BTreeMap::new();
    for source in sources.iter().filter(|source| source.is("rs") && !source.is_test()) {
        let Some((house, path)) = place(&source.path) else { continue };
        let lexed = Lexed::new(&source.text);
        let code: Vec<(usize, &str)> = lexed.lines().collect();
        modules.insert(&source.path, Module { house, path, imports: imports(&code), inline: inline(&code) });
    }
    // `lib.rs` and `main.rs` are the same module. In reverse order `lib.rs` comes last and wins: other crates import the library.
    let index: HashMap<(String, Vec<String>), &str> =
        modules.iter().rev().map(|(file, module)| ((module.house.clone(), module.path.clone()), *file)).collect();
    let houses: BTreeSet<&str> = modules.values().map(|module| module.house.as_str()).collect();
    let house = House { modules: &modules, index: &index, houses: &houses };
    let mut graph = DiGraphMap::<&str, usize>::new();
    for (file, module) in &modules {
        for import in &module.imports {
            let Some(to) = house.resolve(file, &import.path, 0) else { continue };
            let target = &modules[to].house;
            if *target != module.house {
                upward(file, module, import, target, found);
            } else if to != *file && !import.is_public {
                graph.add_edge(*file, to, import.line);
            }
        }
    }
    for circle in tarjan_scc(&graph) {
        let folders: BTreeSet<String> = circle.iter().map(|file| folder(file, &modules)).collect();
        if circle.len() > 1 && folders.len() > 1 {
            let mut files = circle;
            files.sort_unstable();
            let line = graph.edges(files[0]).find(|(_, to, _)| files.contains(to)).map_or(1, |(_, _, line)| *line);
            found.push(Finding {
                file: files[0].to_owned(),
                line,
                what: format!("a circle of imports: {}", files.join(", ")),
                why: CIRCLE,
            });
        }
    }
}

fn upward(file: &str, module: &Module, import: &Import, target: &str, found: &mut Vec<Finding>) {
    let name = target.rsplit('/').next().unwrap_or(target);
    let below = BELOW.iter().find(|(house, _)| *house == module.house).map_or(&[][..], |(_, below)| *below);
    let finding = |why| Finding { file: file.to_owned(), line: import.line, what: format!("imports {name}"), why };
    if !below.contains(&name) {
        found.push(finding(UP));
    }
    if target == "app" && module.house == "server" && !file.starts_with(MOUNTED) {
        found.push(finding(PAGES));
    }
}

/// The files of all crates.
struct House<'a> {
    modules: &'a BTreeMap<&'a str, Module>,
    index: &'a HashMap<(String, Vec<String>), &'a str>,
    houses: &'a BTreeSet<&'a str>,
}

impl<'a> House<'a> {
    /// The file that defines the item that `path` names, seen from `file`; `None` if the item is not in one of our crates.
    fn resolve(&self, file: &'a str, path: &[String], depth: usize) -> Option<&'a str> {
        let module = self.modules.get(file)?;
        let (house, mut at, rest): (&str, Vec<String>, &[String]) = match path.first()?.as_str() {
            "crate" => (&module.house, Vec::new(), &path[1..]),
            "self" => (&module.house, module.path.clone(), &path[1..]),
            "super" => {
                let up = path.iter().take_while(|part| *part == "super").count();
                let keep = module.path.len().checked_sub(up)?;
                (&module.house, module.path[..keep].to_vec(), &path[up..])
            }
            first if module.inline.iter().any(|inline| inline == first) => return None,
            first => {
                let mut child = module.path.clone();
                child.push(first.to_owned());
                if self.index.contains_key(&(module.house.clone(), child.clone())) {
                    (&module.house, child, &path[1..])
                } else {
                    (self.house_of(first)?, Vec::new(), &path[1..])
                }
            }
        };
        let mut rest = rest;
        let mut found = self.at(house, &at);
        while let Some(next) = rest.first() {
            at.push(next.clone());
            let Some(file) = self.at(house, &at) else { break };
            (found, rest) = (Some(file), &rest[1..]);
        }
        let found = found?;
        // A name that this file only re-exports is defined elsewhere.
        if let Some(name) = rest.first()
            && depth < 8
            && let Some(import) =
                self.modules[found].imports.iter().find(|import| import.name == *name && import.path.last() != Some(&"*".to_owned()))
        {
            let mut path = import.path.clone();
            path.extend_from_slice(&rest[1..]);
            return self.resolve(found, &path, depth + 1).or(Some(found));
        }
        Some(found)
    }

    fn at(&self, house: &str, path: &[String]) -> Option<&'a str> {
        self.index.get(&(house.to_owned(), path.to_vec())).copied()
    }

    fn house_of(&self, name: &str) -> Option<&'a str> {
        let name = if name == "flowo_server" { "server" } else { name };
        self.houses.iter().find(|house| house.rsplit('/').next() == Some(name)).copied()
    }
}

/// The crate of a file and its path as a module; `None` outside `src`.
fn place(file: &str) -> Option<(String, Vec<String>)> {
    let (house, inside) = file.split_once("/src/")?;
    let mut path: Vec<String> = inside.strip_suffix(".rs")?.split('/').map(str::to_owned).collect();
    if path.last().is_some_and(|last| last == "mod" || path.len() == 1 && (last == "lib" || last == "main")) {
        path.pop();
    }
    Some((house.to_owned(), path))
}

/// The folder of a file: for `a.rs` the folder `a/`, if it has files, else the folder that contains the file.
fn folder(file: &str, modules: &BTreeMap<&str, Module>) -> String {
    let own = format!("{}/", file.trim_end_matches(".rs"));
    if modules.keys().any(|other| other.starts_with(&own)) {
        return own;
    }
    file.rsplit_once('/').map(|(folder, _)| format!("{folder}/")).unwrap_or_default()
}

/// The `use` declarations of a file.
fn imports(code: &[(usize, &str)]) -> Vec<Import> {
    let mut found = Vec::new();
    let mut lines = code.iter();
    let mut is_inside = false;
    while let Some((line, text)) = lines.next() {
        if !text.starts_with(' ') && !text.is_empty() {
            is_inside = inline(&[(*line, text)]).len() == 1;
        }
        let text = text.trim_start();
        let (is_public, rest) = match text.strip_prefix("pub").map(|rest| rest.split_once("use ")) {
            Some(Some((scope, rest))) if scope.trim().is_empty() || scope.trim().starts_with('(') && scope.trim().ends_with(')') => {
                (true, rest)
            }
            _ => match text.strip_prefix("use ") {
                Some(rest) => (false, rest),
                None => continue,
            },
        };
        let mut whole = rest.to_owned();
        while !whole.contains(';') {
            let Some((_, more)) = lines.next() else { break };
            whole.push(' ');
            whole.push_str(more);
        }
        let tree = whole.split(';').next().unwrap_or_default().trim();
        expand(&mut Vec::new(), tree, &mut |mut path, name| {
            // In an inline module, the first `super` is the file itself.
            if is_inside && path.first().is_some_and(|first| first == "super") {
                "self".clone_into(&mut path[0]);
            }
            found.push(Import { line: *line, name, path, is_public });
        });
    }
    found
}

/// The inline modules of a file.
fn inline(code: &[(usize, &str)]) -> Vec<String> {
    let names = code.iter().filter_map(|(_, line)| line.trim().trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(" {"));
    names.map(str::to_owned).collect()
}

/// Calls `take` with each path of a tree such as `a::{b, c::{self, D as E}}`, and the name under which it is imported.
fn expand(prefix: &mut Vec<String>, tree: &str, take: &mut impl FnMut(Vec<String>, String)) {
    let (head, inner) = match tree.find('{') {
        Some(at) => (&tree[..at], Some(tree[at + 1..].rsplit_once('}').map_or(&tree[at + 1..], |(inner, _)| inner))),
        None => (tree, None),
    };
    let before = prefix.len();
    let (path, alias) = head.split_once(" as ").unwrap_or((head, ""));
    prefix.extend(path.split("::").map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned));
    if let Some(inner) = inner {
        for part in parts(inner) {
            expand(prefix, part, take);
        }
    } else if !prefix.is_empty() {
        let mut path = prefix.clone();
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let name = if alias.trim().is_empty() { path.last().cloned().unwrap_or_default() } else { alias.trim().to_owned() };
        take(path, name);
    }
    prefix.truncate(before);
}

/// Splits at commas that are not inside inner braces.
fn parts(text: &str) -> Vec<&str> {
    let (mut found, mut depth, mut from) = (Vec::new(), 0_usize, 0);
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                found.push(text[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    found.push(text[from..].trim());
    found.retain(|part| !part.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::source;

    fn findings(files: &[(&str, &str)]) -> Vec<String> {
        let sources: Vec<Source> = files.iter().map(|(path, text)| source(path, text)).collect();
        let mut found = Vec::new();
        check(&sources, &mut found);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_circle_through_two_folders_is_found_and_one_in_a_folder_is_not() {
        let one = ("server/src/a/one.rs", "use crate::b::two::Two;\npub struct One;\n");
        let two = ("server/src/b/two.rs", "use crate::a::one::One;\npub struct Two;\n");
        let found = findings(&[("server/src/a.rs", "pub mod one;"), ("server/src/b.rs", "pub mod two;"), one, two]);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("server/src/a/one.rs:1: a circle of imports: server/src/a/one.rs, server/src/b/two.rs"), "{found:?}");

        let one = ("server/src/a/one.rs", "use super::two::Two;");
        let two = ("server/src/a/two.rs", "use super::one::One;");
        assert!(findings(&[one, two]).is_empty());
        let parent = ("server/src/a.rs", "mod one;\nuse one::One;\npub struct Two;");
        let child = ("server/src/a/one.rs", "use super::Two;\npub struct One;");
        assert!(findings(&[parent, child]).is_empty(), "a file stands in the folder of its name");
    }

    #[test]
    fn a_name_that_is_handed_on_is_followed_to_its_file() {
        let face = ("server/src/a.rs", "mod one;\npub use one::One;");
        let one = ("server/src/a/one.rs", "use crate::b::Two;\npub struct One;");
        let two = ("server/src/b.rs", "use crate::{\n    a::One,\n};\npub struct Two;");
        let found = findings(&[face, one, two]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("server/src/a/one.rs, server/src/b.rs"), "{found:?}");
    }

    #[test]
    fn a_lower_crate_imports_no_higher_one_and_only_http_imports_the_pages() {
        let store = ("crates/store/src/lib.rs", "pub struct Store;");
        let model = ("crates/model/src/lib.rs", "use store::Store;");
        assert_eq!(findings(&[store, model]), [format!("crates/model/src/lib.rs:1: imports store ({UP})")]);
        let app = ("app/src/lib.rs", "pub struct App;");
        let outside = ("server/src/running.rs", "use app::App;");
        assert_eq!(findings(&[app, outside]), [format!("server/src/running.rs:1: imports app ({PAGES})")]);
        assert!(findings(&[app, ("server/src/http/pages.rs", "use app::App;")]).is_empty());
    }

    #[test]
    fn trees_are_taken_apart() {
        let mut found = Vec::new();
        expand(&mut Vec::new(), "a::{self, b::{C, D as E}, f::*}", &mut |path, name| found.push(format!("{} as {name}", path.join("::"))));
        assert_eq!(found, ["a as a", "a::b::C as C", "a::b::D as E", "a::f::* as *"]);
    }
}
