//! Checks words that belong in one place, and words that belong nowhere.

use super::lex::Lexed;
use super::{Finding, Source};

/// Where SQL statements may be written, each with the reason.
const SQL_PLACES: [&str; 4] = [
    "crates/store/",       // The crate for statements.
    "server/src/postgres", // Starts the private cluster, without schema or store.
    "bench/",              // Measures from outside and must not trust the code it measures.
    "xtask/src/tidy/",     // Contains the words it searches for.
];

/// Words of the Flowo plugin's protocol that nobody would choose as a name by chance.
const WIRE_WORDS: [&str; 6] = ["workflow_started", "rulegraph", "run_info", "group_info", "group_error", "aux_logs"];

/// Further words of that protocol. Our own names may look the same; in strings they are the protocol's.
const WIRE_TEXTS: [&str; 4] = ["job_started", "job_info", "job_finished", "job_error"];

/// Where those words may be used, each with the reason.
const WIRE_PLACES: [&str; 7] = [
    "crates/ingest/src/flowo",    // The adapters of the protocols.
    "crates/ingest/src/panoptes", // See above.
    "server/src/demo",            // Plays a client.
    "bench/",                     // Plays a client.
    "conformance/",               // The real clients.
    "xtask/",                     // Installs the real clients; contains the words it searches for.
    "build.rs",                   // Uses the words as file names, not as a protocol.
];

/// Names of other clients and words of their protocols, in any letters, also within longer names.
const CLIENT_WORDS: [&str; 4] = ["panoptes", "wms", "update_workflow_status", "create_workflow"];

/// Where they may be used, each with the reason.
const CLIENT_PLACES: [&str; 12] = [
    "crates/ingest/src/panoptes",      // The adapter.
    "crates/ingest/src/lib.rs",        // Names the modules ...
    "crates/ingest/src/clients.rs",    // ... puts the adapters together ...
    "crates/ingest/src/protocol.rs",   // ... and lists what they export.
    "crates/store/src/panoptes",       // The adapter's statements.
    "crates/store/src/lib.rs",         // Names that module.
    "crates/store/src/apply/close.rs", // Whose plans may be of more than was asked for.
    "server/src/config",               // A setting and a flag that users of it have.
    "server/src/commands",             // Takes over its database; says where its clients come in.
    "bench/",                          // Measures against it.
    "conformance/",                    // The real clients.
    "xtask/",                          // Installs them; names what it looks for.
];

/// Words of roles and scopes that mean nothing else; whoever has them as text decides by text.
const RIGHTS_WORDS: [&str; 2] = ["viewer", "member"];

/// Where roles and scopes may be written as words.
const RIGHTS_PLACES: [&str; 2] = ["crates/model/src/access", "xtask/src/tidy/"];

/// Where a test may sleep: `until` looks again and again at what nothing announces.
const SLEEP_PLACES: [&str; 1] = ["crates/testkit/src/lib.rs"];

/// Where the Python of a test may sleep: the labs look again and again until a program answers, with a deadline.
const SCRIPT_SLEEP_PLACES: &str = "/lab.py";

/// Where the SQL of a test may sleep, each with the reason.
const SQL_SLEEP_PLACES: [&str; 2] = [
    "server/tests/it/panoptes_faults.rs", // A trigger that waits makes a statement slow on purpose.
    "xtask/src/tidy/words.rs",            // Contains the word it searches for.
];

/// How SQL asks for the time in ways that no test can shift.
const TIMES: [&str; 11] = [
    "now()",
    "clock_timestamp()",
    "statement_timestamp()",
    "transaction_timestamp()",
    "timeofday()",
    "current_timestamp",
    "current_date",
    "current_time",
    "localtimestamp",
    "localtime",
    "'now'",
];

/// The last migration that may ask so: it makes `flowo_now()`, and the ones before are as they were applied. Later ones have
/// no exceptions, nor have the store and `init-db`.
const LAST_UNSHIFTED: &str = "migrations/0023_time_that_tests_can_shift.sql";

const TIME: &str = "3: SQL asks flowo_now(), which tests can shift";
const SLEEP: &str = "12: a test waits for a condition or a count, or moves its clock; it does not sleep";
const SQL: &str = "1: SQL is written in crates/store, migrations and init-db only";
const WIRE: &str = "7: a client's words end at its adapter; others speak the model's";
const CLIENT: &str = "17: a protocol is one folder; routes, limits, sweep and pages are made of what it exports, and name no client";
const RIGHTS: &str = "16: rights are types of model::access; no role or scope is compared as text";
const BOUND: &str = "13: every queue has a bound";
const UNFINISHED: &str = "nothing unfinished, ignored or left over from debugging";
const PLACE: &str = "no path or host of the machine something was made on";

pub fn rust(source: &Source, lexed: &Lexed, found: &mut Vec<Finding>) {
    let path = source.path.as_str();
    let may_sql = source.is_test() || SQL_PLACES.iter().any(|place| path.starts_with(place));
    let may_name = source.is_test() || path.contains("/fuzz/") || CLIENT_PLACES.iter().any(|place| path.starts_with(place));
    let client = |text: &str| {
        let text = text.to_lowercase();
        CLIENT_WORDS.into_iter().find(|word| !may_name && text.contains(word))
    };
    let may_wire = source.is_test() || WIRE_PLACES.iter().any(|place| path.starts_with(place));
    for (line, code) in lexed.lines() {
        if !may_sql && has_word(code, "sqlx") {
            found.push(source.finding(line, "sqlx", SQL));
        }
        if let Some(word) = client(code) {
            found.push(source.finding(line, word, CLIENT));
        }
        for word in WIRE_WORDS.iter().chain(&["snakemake"]) {
            if !may_wire && has_word(code, word) {
                found.push(source.finding(line, *word, WIRE));
            }
        }
    }
    for (line, text) in lexed.literals() {
        if !may_sql && is_statement(text) {
            found.push(source.finding(line, first_words(text), SQL));
        }
        if !source.is_test() && RIGHTS_WORDS.contains(&text) && !RIGHTS_PLACES.iter().any(|place| path.starts_with(place)) {
            found.push(source.finding(line, text, RIGHTS));
        }
        if let Some(word) = client(text) {
            found.push(source.finding(line, word, CLIENT));
        }
        // Texts for people may name the program they start, but not what it says on the wire.
        for word in WIRE_WORDS.iter().chain(&WIRE_TEXTS) {
            if !may_wire && has_word(text, word) {
                found.push(source.finding(line, *word, WIRE));
            }
        }
    }
    for (at, code) in lexed.code.lines().enumerate() {
        for word in ["unbounded_channel", "unbounded"] {
            if has_word(code, word) && !code.trim_start().starts_with("use ") {
                found.push(source.finding(at + 1, word, BOUND));
            }
        }
        for word in ["todo!", "unimplemented!", "dbg!", "#[ignore", "allow(dead_code"] {
            if code.contains(word) {
                found.push(source.finding(at + 1, word, UNFINISHED));
            }
        }
    }
}

/// Rust: no test sleeps.
pub fn sleeps(source: &Source, lexed: &Lexed, found: &mut Vec<Finding>) {
    let path = source.path.as_str();
    let is_test = |line: usize| source.is_test() || line >= lexed.tests_at;
    for (at, code) in lexed.code.lines().enumerate() {
        for word in ["sleep", "sleep_until"] {
            if is_test(at + 1) && has_word(code, word) && !SLEEP_PLACES.contains(&path) {
                found.push(source.finding(at + 1, word, SLEEP));
            }
        }
    }
    for (line, text) in &lexed.strings {
        if is_test(*line) && has_word(text, "pg_sleep") && !SQL_SLEEP_PLACES.contains(&path) {
            found.push(source.finding(*line, "pg_sleep", SLEEP));
        }
    }
}

/// SQL in strings of the store: the time is `flowo_now()`.
pub fn times(source: &Source, lexed: &Lexed, found: &mut Vec<Finding>) {
    if source.path.starts_with("crates/store/src/") && !source.is_test() {
        for (line, text) in lexed.literals() {
            time_words(source, line, text, found);
        }
    }
}

/// Scripts and migrations: likewise.
pub fn sql(source: &Source, found: &mut Vec<Finding>) {
    let path = source.path.as_str();
    if source.is("sql") && (path.starts_with("init-db/") || path.starts_with("migrations/") && path > LAST_UNSHIFTED) {
        time_words(source, 1, &source.text, found);
    }
}

/// Looks through SQL that begins on the line `first`.
fn time_words(source: &Source, first: usize, sql: &str, found: &mut Vec<Finding>) {
    for (at, line) in sql.lines().enumerate() {
        let code = line.split("--").next().unwrap_or(line).to_lowercase();
        for word in TIMES.into_iter().filter(|word| has_word(&code, word)) {
            found.push(source.finding(first + at, word, TIME));
        }
    }
}

/// TypeScript, JavaScript and Python: no test may be skipped, and none may sleep.
pub fn scripts(source: &Source, found: &mut Vec<Finding>) {
    let words: &[&str] = if ["ts", "js", "mjs"].iter().any(|end| source.is(end)) {
        &[".skip(", ".only(", ".fixme(", "waitForTimeout("]
    } else if source.is("py") {
        &["unittest.skip", "skipTest(", "SkipTest", "pytest.mark.skip", "expectedFailure"]
    } else {
        return;
    };
    let may_sleep = !source.path.starts_with("conformance/") || source.path.ends_with(SCRIPT_SLEEP_PLACES);
    for (at, text) in source.text.lines().enumerate() {
        for word in words.iter().filter(|word| text.contains(**word)) {
            found.push(source.finding(at + 1, *word, UNFINISHED));
        }
        if !may_sleep && has_word(text, "sleep") {
            found.push(source.finding(at + 1, "sleep", SLEEP));
        }
    }
}

/// Checks paths and registry hosts, in all text.
pub fn places(source: &Source, found: &mut Vec<Finding>) {
    // Assembled here, so that this file does not contain them.
    let paths = [concat!("/ro", "ot/"), concat!("/wo", "rk/")];
    let hosts = [
        concat!("crates", ".io/"),
        concat!("registry.npm", "js.org"),
        concat!("py", "pi.org"),
        concat!("python", "hosted.org"),
        concat!("artifact", "ory"),
        concat!("static.rust", "-lang.org"),
    ];
    for (at, text) in source.text.lines().enumerate() {
        for path in paths {
            let starts = text.match_indices(path).any(|(start, _)| {
                // Inside a longer path or URL it is another directory.
                !text[..start].ends_with(|c: char| c.is_alphanumeric() || "._-~*})$".contains(c))
            });
            if starts {
                found.push(source.finding(at + 1, path, PLACE));
            }
        }
        for host in hosts.iter().filter(|host| text.contains(**host)) {
            found.push(source.finding(at + 1, *host, PLACE));
        }
        if source.path.ends_with("package-lock.json") && text.contains("\"resolved\"") {
            found.push(source.finding(at + 1, "a lock entry with an address", PLACE));
        }
    }
}

fn has_word(text: &str, word: &str) -> bool {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| !text[..at].ends_with(in_word) && !text[at + word.len()..].starts_with(in_word))
}

/// Whether a string is an SQL statement, judging by its first words, which prose writes differently.
fn is_statement(text: &str) -> bool {
    let body: String = text.lines().map(|line| line.split("--").next().unwrap_or(line).trim()).collect::<Vec<_>>().join(" ");
    let first = body.split_whitespace().next().unwrap_or_default();
    // `Select a run` is a sentence; `select` and `SELECT` begin a statement.
    if first != first.to_lowercase() && first != first.to_uppercase() {
        return false;
    }
    let lower = body.to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    match words.as_slice() {
        ["select", next, rest @ ..] => rest.contains(&"from") || next.contains('(') || next.starts_with(|c: char| c.is_numeric()),
        ["insert", "into", _, ..]
        | ["delete", "from", _, ..]
        | ["update", _, "set", ..]
        | ["with", _, "as", ..]
        | ["with", "recursive", ..]
        | ["refresh", "materialized", ..] => true,
        ["truncate", _, ..] => words.len() <= 4,
        ["create" | "alter" | "drop", what, ..] => matches!(
            *what,
            "table" | "index" | "unique" | "function" | "or" | "trigger" | "database" | "role" | "schema" | "extension" | "view" | "type"
        ),
        _ => false,
    }
}

fn first_words(text: &str) -> String {
    text.split_whitespace().take(5).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let source = source(path, text);
        let mut found = Vec::new();
        rust(&source, &Lexed::new(text), &mut found);
        sleeps(&source, &Lexed::new(text), &mut found);
        times(&source, &Lexed::new(text), &mut found);
        sql(&source, &mut found);
        scripts(&source, &mut found);
        places(&source, &mut found);
        found.into_iter().map(|one| format!("{}:{}", one.line, one.what)).collect()
    }

    #[test]
    fn statements_are_told_from_prose() {
        for text in [
            "select id from runs",
            "SELECT 1",
            "\n    with due as (\n select 1",
            "insert into runs values ($1)",
            "update runs set status = $1",
            "-- why\ncreate table runs ()",
        ] {
            assert!(is_statement(text), "{text}");
        }
        for text in ["Select a run from the list", "select", "update available", "with love", "up"] {
            assert!(!is_statement(text), "{text}");
        }
    }

    #[test]
    fn sql_belongs_to_the_store() {
        let text = "//! x\nuse sqlx::PgPool;\nlet q = \"delete from runs\";\n";

        assert_eq!(found("app/src/api/runs.rs", text), ["2:sqlx", "3:delete from runs"]);
        for place in ["crates/store/src/a.rs", "server/tests/a.rs", "server/src/postgres/mod.rs"] {
            assert_eq!(found(place, text), [""; 0], "{place}");
        }
    }

    #[test]
    fn inline_tests_may_use_sql_and_wire_words() {
        let text = "//! x\n#[cfg(test)]\nmod tests {\n  let q = \"delete from runs\"; job_info();\n}\n";

        assert_eq!(found("app/src/a.rs", text), [""; 0]);
    }

    #[test]
    fn roles_are_types() {
        let text = "//! x\nlet a = role == \"viewer\";\nlet b = \"a viewer looks\";\n";

        assert_eq!(found("server/src/http/access.rs", text), ["2:viewer"]);
        assert_eq!(found("crates/model/src/access/rights.rs", text), [""; 0]);
    }

    #[test]
    fn a_clients_words_stay_in_its_adapter() {
        let text = "//! Snakemake sends run_info.\nlet a = \"job_started\";\nrun_info();\n\
                    job_started();\nlet help = \"snakemake --logger flowo\";\n";

        assert_eq!(found("crates/store/src/a.rs", text), ["3:run_info", "2:job_started"]);
        assert_eq!(found("crates/ingest/src/flowo/wire.rs", text), [""; 0]);
    }

    #[test]
    fn no_other_client_is_named_outside_of_its_folder() {
        let text = "//! x\nlet panoptes_listen = 1;\nlet path = \"/create_workflow\";\n// Panoptes in words\n";

        assert_eq!(found("server/src/http/router.rs", text), ["2:panoptes", "3:create_workflow"]);
        assert_eq!(found("crates/ingest/src/panoptes/routes.rs", text), [""; 0]);
    }

    #[test]
    fn nothing_unfinished_and_no_queue_without_bound() {
        let text = "//! a todo!() in words\nlet (a, b) = mpsc::unbounded_channel();\ntodo!()\n\
                    let c = \"todo!\";\n";

        assert_eq!(found("server/src/a.rs", text), ["2:unbounded_channel", "3:todo!"]);
        assert_eq!(found("end2end/a.spec.ts", "test.skip('x')\n"), ["1:.skip("]);
        assert_eq!(found("conformance/a.py", "@unittest.skip\n"), ["1:unittest.skip"]);
        assert_eq!(found("app/src/a.rs", "iter.skip(1);"), [""; 0]);
    }

    #[test]
    fn no_test_sleeps() {
        let text = "//! x\nuse tokio::time::sleep;\nfn waits() { sleep(PAUSE); }\n\
                    #[cfg(test)]\nmod tests {\n    // no sleep\n    fn a() { thread::sleep(PAUSE); }\n}\n";

        assert_eq!(found("server/src/a.rs", text), ["7:sleep"], "loops may wait, their tests may not");
        assert_eq!(found("server/src/a/tests.rs", text), ["2:sleep", "3:sleep", "7:sleep"]);
        assert_eq!(found("server/tests/it/a.rs", "sleep_until(due).await;\n"), ["1:sleep_until"]);
        assert_eq!(found("crates/testkit/src/proxy.rs", "tokio::time::sleep(PAUSE).await;\n"), ["1:sleep"]);
        assert_eq!(found("crates/testkit/src/lib.rs", "sleep(PAUSE).await;\n"), [""; 0], "the one that looks again");
        assert_eq!(found("conformance/a.py", "time.sleep(1)\n"), ["1:sleep"]);
        assert_eq!(found("conformance/flowo/lab.py", "time.sleep(1)\n"), [""; 0], "it looks again, too");
        assert_eq!(found("end2end/a.spec.ts", "await page.waitForTimeout(1);\n"), ["1:waitForTimeout("]);
    }

    #[test]
    fn sql_asks_for_a_time_that_can_be_shifted() {
        let text = "//! x\nlet at = clock.now();\nlet q = \"delete from sessions\n  where at < NOW() - $1\";\n\
                    let day = \"current_date - $1\";\n// now()\n#[cfg(test)]\nmod tests {\n    let q = \"now()\";\n}\n";
        let script = "-- Was now() once.\nselect pg_catalog.now(), flowo_now(), '{' || clock_timestamp(); -- now()\n";

        assert_eq!(found("crates/store/src/a.rs", text), ["4:now()", "5:current_date"]);
        assert_eq!(found("init-db/07-x.sql", script), ["2:now()", "2:clock_timestamp()"]);
        assert_eq!(found("migrations/0024_x.sql", script), ["2:now()", "2:clock_timestamp()"]);
        for place in ["migrations/0023_time_that_tests_can_shift.sql", "migrations/0001_people.sql", "docs/x.sql"] {
            assert_eq!(found(place, script), [""; 0], "{place}");
        }
        assert_eq!(found("crates/store/tests/a.rs", text), [""; 0], "a test may write rows of any time");
    }

    #[test]
    fn no_test_has_the_database_sleep_for_it() {
        let text = "sql(\"select pg_sleep(1)\");\n";

        assert_eq!(found("crates/store/tests/a.rs", text), ["1:pg_sleep"]);
        assert_eq!(found("server/tests/it/panoptes_faults.rs", text), [""; 0], "there it makes a statement slow");
        assert_eq!(found("bench/src/a.rs", text), [""; 0], "a measurement is no test");
    }

    #[test]
    fn machine_paths_are_found_but_not_parts_of_other_paths() {
        let bad = concat!("cd /ro", "ot/x\nurl https://registry.npm", "js.org/a\n");

        assert_eq!(found("docs/a.md", bad).len(), 2);
        assert_eq!(found("docs/a.md", concat!("docs/wo", "rk/a and ~/wo", "rk/b\n")), [""; 0]);
        assert_eq!(found("package-lock.json", "\"resolved\": \"x\"\n").len(), 1);
    }
}
