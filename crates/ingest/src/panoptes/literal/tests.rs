//! Messages as real clients wrote them, unusual ones, and the output of Python's own `repr` for random values.

use super::*;
use proptest::prelude::*;
use serde_json::json;
use std::process::Command;

#[test]
fn a_message_of_an_old_client_is_read() {
    let text = r#"{'jobid': 2, 'msg': None, 'name': 'it\'s', 'input': [], 'wildcards': {'s': "b's"}, 'local': False, 'level': 'job_info'}"#;
    let wanted =
        json!({"jobid": 2, "msg": null, "name": "it's", "input": [], "wildcards": {"s": "b's"}, "local": false, "level": "job_info"});
    assert_eq!(parse(text), Ok(wanted));
}

#[test]
fn what_is_no_literal_is_its_source() {
    for (text, wanted) in [
        ("{'level': 'dag_debug', 'status': 'candidate', 'job': all}", json!({"level": "dag_debug", "status": "candidate", "job": "all"})),
        ("{'exception': WorkflowError('a, {b', 1), 'x': 1}", json!({"exception": "WorkflowError('a, {b', 1)", "x": 1})),
        ("[<Job object at 0x7f3a>, 2]", json!(["<Job object at 0x7f3a>", 2])),
        ("{'rule': <class 'a.B'>}", json!({"rule": "<class 'a.B'>"})),
        ("[datetime.datetime(2020, 1, 1, 0, 0), x]", json!(["datetime.datetime(2020, 1, 1, 0, 0)", "x"])),
        ("['a'.join(x), 1]", json!(["'a'.join(x)", 1])),
        ("[don't, 1]", json!(["don't", 1])),
        ("{1: 'a', None: 2, (1, 2): 3}", json!({"1": "a", "None": 2, "(1, 2)": 3})),
        ("[1 + 2, -3, +4]", json!(["1 + 2", -3, 4])),
        ("[(1+2j), 1j]", json!(["1+2j", "1j"])),
        ("größe", json!("größe")),
        ("[ä, 'ü' , ß]", json!(["ä", "ü", "ß"])),
    ] {
        assert_eq!(parse(text), Ok(wanted), "{text}");
    }
}

#[test]
fn texts_have_all_their_forms() {
    for (text, wanted) in [
        (r#"'a' "b" 'c'"#, "abc"),
        (r"r'\n'", r"\n"),
        (r"b'\xff\x00a'", "\u{ff}\0a"),
        (r"u'\u00e4\U0001f600\x41\101\0'", "ä😀AA\0"),
        (r"'\q\xg\u12'", r"\q\xg\u12"),
        ("'''a'b\n'''", "a'b\n"),
        (r"'\ud83d'", "\u{fffd}"),
        (r"'\a\b\f\v\t\r\n\\'", "\x07\x08\x0c\x0b\t\r\n\\"),
    ] {
        assert_eq!(parse(text), Ok(json!(wanted)), "{text}");
    }
}

#[test]
fn lists_of_all_kinds_are_lists() {
    for (text, wanted) in [
        ("(1,)", json!([1])),
        ("()", json!([])),
        ("(1)", json!(1)),
        ("(1, (2, 3))", json!([1, [2, 3]])),
        ("{1, 2}", json!([1, 2])),
        ("set()", json!([])),
        ("frozenset({1})", json!([1])),
        ("frozenset()", json!([])),
        ("{}", json!({})),
        ("{'a': set(), 'b': frozenset({'x'})}", json!({"a": [], "b": ["x"]})),
    ] {
        assert_eq!(parse(text), Ok(wanted), "{text}");
    }
}

#[test]
fn numbers_keep_their_digits() {
    let text = "[0, -7, 18446744073709551615, 123456789012345678901234567890, 1.5, -2e-07, 1e+16, inf, -inf, nan]";
    let wanted = json!([0, -7, 18_446_744_073_709_551_615_u64, "123456789012345678901234567890", 1.5, -2e-7, 1e16, "inf", "-inf", "nan"]);
    assert_eq!(parse(text), Ok(wanted));
}

#[test]
fn what_is_broken_is_said_to_be() {
    for text in ["", "  ", "{'a': 1", "['a", "[1]]", "[1, , 2]", "{'a':}", ")", "[<a]b(, 1"] {
        assert!(parse(text).is_err(), "{text}: {:?}", parse(text));
    }
    assert_eq!(parse(&"[".repeat(1_000_000)), Err(Broken::Deep));
    assert!(parse(&format!("{}1{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH))).is_ok());
}

#[test]
fn many_quotes_that_close_nowhere_cost_no_more_than_a_few_looks() {
    // With quadratic time this would take hours.
    let text = format!("[x({}", r"\'".repeat(2_000_000));
    assert!(parse(&text).is_err());
}

#[test]
fn keys_of_keys_do_not_grow() {
    let text = (0..MAX_DEPTH).fold("'\\''".to_owned(), |key, _| format!("{{{key}: 1}}"));
    let shown = parse(&text).expect("a dictionary").to_string();
    assert!(shown.len() < 4 * text.len(), "{shown}");
}

/// Prints `count` lines of JSON: the `repr` of a random value, and that value as this parser should read it.
const REPRS: &str = include_str!("reprs.py");

/// Whether a value is the one that Python printed. Numbers are compared as numbers, and dictionaries as they were
/// before two keys became the same text.
fn is(read: &Value, wanted: &Value) -> bool {
    match (read, wanted) {
        (Value::Object(read), Value::Object(wanted)) => {
            let pairs = wanted["dict"].as_array().expect("pairs");
            let mut last = serde_json::Map::new();
            for pair in pairs {
                last.insert(pair[0].as_str().expect("a key").to_owned(), pair[1].clone());
            }
            read.len() == last.len() && read.iter().all(|(key, value)| last.get(key).is_some_and(|wanted| is(value, wanted)))
        }
        (Value::Number(read), Value::Object(wanted)) => {
            let wanted: f64 = wanted["float"].as_str().expect("a float").parse().expect("a float");
            read.as_f64().is_some_and(|read| read.to_bits() == wanted.to_bits())
        }
        (Value::Array(read), Value::Array(wanted)) => {
            read.len() == wanted.len() && read.iter().zip(wanted).all(|(read, wanted)| is(read, wanted))
        }
        _ => read == wanted,
    }
}

fn round_trip(seed: u64, count: u32) {
    let output = Command::new("python3").args(["-c", REPRS, &seed.to_string(), &count.to_string()]).output().expect("python3 is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut seen = 0;
    for line in String::from_utf8(output.stdout).expect("UTF-8").lines() {
        let pair: Value = serde_json::from_str(line).expect("JSON");
        let shown = pair[0].as_str().expect("a repr");
        let read = parse(shown).unwrap_or_else(|error| panic!("seed {seed}: {shown}: {error}"));
        assert!(is(&read, &pair[1]), "seed {seed}: {shown}\nread   {read}\nwanted {}", pair[1]);
        seen += 1;
    }
    assert!(seen > count / 2, "{seen} of {count}");
}

proptest! {
    // Each case is a thousand values.
    #![proptest_config(ProptestConfig::with_cases(8))]
    #[test]
    fn what_cpython_writes_is_read_as_it_was(seed in any::<u64>()) {
        round_trip(seed, 1000);
    }
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(text in r#"[\[\]{}()<>'"\\,: a-cu0-9.xNül-]{0,60}"#) {
        let _ = parse(&text);
    }
}

#[test]
fn the_kept_corpus_is_read_without_a_crash() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/literal");
    let mut seen = 0;
    for entry in std::fs::read_dir(corpus).expect("a corpus") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file");
        let _ = parse(&String::from_utf8_lossy(&bytes));
        seen += 1;
    }
    assert!(seen >= 20, "{seen}");
}

#[test]
fn no_more_values_are_read_than_there_is_memory_for() {
    for (part, times) in [("0,", MAX_VALUES), ("{},", MAX_VALUES / 10), ("{1:[]},", MAX_VALUES / 12)] {
        assert_eq!(parse(&format!("[{}]", part.repeat(times))), Err(Broken::Many), "{part}");
    }
    assert!(parse(&format!("[{}]", "'a/path',".repeat(200_000))).is_ok());
}
