//! Checks the size, opening and numbering of files.

use super::lex::Lexed;
use super::{Finding, Source};

/// Most lines before the tests.
const LONGEST: usize = 400;
const LARGEST: u64 = 512_000;

const LENGTH: &str = "14: a file one can keep in mind";
const UNSAFE: &str = "15: unsafe code is for crates whose business it is";
const HEADER: &str = "a file opens by saying what it is and what it is not";
const LARGE: &str = "the checkout stays small; only fonts and recordings may be large";
const NUMBERS: &str = "migrations are appended, numbered 1, 2, 3 and so on";

pub fn rust(source: &Source, lexed: &Lexed, found: &mut Vec<Finding>) {
    let lines = lexed.lines().count();
    if lines > LONGEST && !source.is_test() {
        let what = format!("{lines} lines before the tests, {LONGEST} are allowed");
        found.push(source.finding(LONGEST + 1, what, LENGTH));
    }
    if !source.text.starts_with("//! ") {
        found.push(source.finding(1, "no //! header", HEADER));
    }
    if is_crate_root(&source.path) && !lexed.code.contains("#![forbid(unsafe_code)]") {
        found.push(source.finding(1, "no #![forbid(unsafe_code)]", UNSAFE));
    }
}

pub fn any(source: &Source, found: &mut Vec<Finding>) {
    if source.is("sql") && !source.text.starts_with("-- ") {
        found.push(source.finding(1, "no -- header", HEADER));
    }
    let may_be_large =
        ["woff2", "jsonl"].iter().any(|end| source.is(end)) || source.path.contains("recordings/") || source.path.contains("recorded/");
    if source.bytes > LARGEST && !may_be_large {
        found.push(source.finding(0, format!("{} bytes", source.bytes), LARGE));
    }
}

/// Checks `migrations/NNNN_name.sql` among all paths.
pub fn migrations(paths: &[&str], found: &mut Vec<Finding>) {
    let finding = |path: &str, what: String| Finding { file: path.to_owned(), line: 0, what, why: NUMBERS };
    let mut numbered = Vec::new();
    for path in paths {
        let Some(name) = path.strip_prefix("migrations/") else { continue };
        if name.rsplit('.').next() != Some("sql") {
            continue;
        }
        match name.split_once('_').and_then(|(number, _)| number.parse::<usize>().ok()) {
            Some(number) => numbered.push((number, *path)),
            None => found.push(finding(path, "no number before the first _".to_owned())),
        }
    }
    numbered.sort_unstable();
    for (at, (number, path)) in numbered.iter().enumerate() {
        if *number != at + 1 {
            found.push(finding(path, format!("has number {number} where {} is due", at + 1)));
            return;
        }
    }
}

fn is_crate_root(path: &str) -> bool {
    let is_root = |name: &str| path == name || path.ends_with(&format!("/{name}"));
    is_root("src/lib.rs") || is_root("src/main.rs") || path.contains("src/bin/")
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let source = source(path, text);
        let mut found = Vec::new();
        if source.is("rs") {
            rust(&source, &Lexed::new(text), &mut found);
        }
        any(&source, &mut found);
        found.into_iter().map(|one| one.what).collect()
    }

    #[test]
    fn files_open_with_what_they_are() {
        assert_eq!(found("app/src/a.rs", "//! Runs.\n"), [""; 0]);
        assert_eq!(found("app/src/a.rs", "use x;\n"), ["no //! header"]);
        assert_eq!(found("migrations/1_a.sql", "create table a ();\n"), ["no -- header"]);
    }

    #[test]
    fn crate_roots_forbid_unsafe_code() {
        assert_eq!(found("app/src/lib.rs", "//! App.\n"), ["no #![forbid(unsafe_code)]"]);
        assert_eq!(found("app/src/lib.rs", "//! App.\n#![forbid(unsafe_code)]\n"), [""; 0]);
        assert_eq!(found("app/src/ui/lib_card.rs", "//! A card.\n"), [""; 0]);
    }

    #[test]
    fn tests_do_not_count_towards_the_length_of_a_file() {
        let long = format!("//! Long.\n{}", "fn a() {}\n".repeat(LONGEST));
        let tested = format!("//! Short.\n#[cfg(test)]\nmod tests {{\n{}}}\n", "// x\n".repeat(900));

        assert_eq!(found("app/src/a.rs", &long).len(), 1);
        assert_eq!(found("app/src/a.rs", &tested), [""; 0]);
        assert_eq!(found("server/tests/a.rs", &long), [""; 0]);
    }

    #[test]
    fn migrations_have_no_gap_and_no_double() {
        for (paths, right) in [
            (&["migrations/0001_a.sql", "migrations/0002_b.sql"][..], true),
            (&["migrations/0001_a.sql", "migrations/0003_b.sql"], false),
            (&["migrations/0001_a.sql", "migrations/0001_b.sql"], false),
            (&["migrations/first.sql"], false),
            (&["init-db/07-x.sql"], true),
        ] {
            let mut found = Vec::new();
            migrations(paths, &mut found);
            assert_eq!(found.is_empty(), right, "{paths:?}");
        }
    }
}
