//! How the words of a filter are read: quotes, lists, dates, spans, and what is too much.

use model::{
    Millis, RunStatus,
    filter::{Compare, Moment, RunFilter, Term, Trait},
};

/// What a word means; `None` if it is a mistake or means nothing.
fn read(word: &str) -> Option<Term> {
    let filter = RunFilter::parse(word);
    assert!(filter.clauses.len() + filter.mistakes.len() <= 1, "{word} is one word");
    filter.clauses.into_iter().next().map(|clause| clause.term)
}

/// The words of a filter as they are kept.
fn words(text: &str) -> Vec<String> {
    RunFilter::parse(text).clauses.into_iter().map(|clause| clause.text).collect()
}

const MINUTE: Millis = 60_000;
const HOUR: Millis = 60 * MINUTE;
const DAY: Millis = 24 * HOUR;

#[test]
fn every_name_of_a_qualifier_is_understood() {
    let text = |word: &str| vec![word.to_owned()];
    for (word, term) in [
        ("tags:qc", Term::Tag(text("qc"))),
        ("source:sql", Term::Source(text("sql"))),
        ("rule:align", Term::Rule(text("align"))),
        ("name:Exome", Term::Name("exome".into())),
        ("dir:/Data", Term::Directory("/data".into())),
        ("directory:/Data", Term::Directory("/data".into())),
        ("since:2h", Term::After(Moment::Ago(2 * HOUR))),
        ("STATUS:running", Term::Status(vec![RunStatus::Running])),
        ("status:dry", Term::Is(Trait::DryRun)),
        ("is:dry-run", Term::Is(Trait::DryRun)),
        ("is:\"dry\"", Term::Is(Trait::DryRun)),
        ("is:retry", Term::Is(Trait::Retry)),
        ("status:ok", Term::Status(vec![RunStatus::Success])),
        ("status:finished,error", Term::Status(vec![RunStatus::Success, RunStatus::Failed])),
    ] {
        assert_eq!(read(word), Some(term), "{word}");
    }
}

#[test]
fn a_colon_in_a_path_or_in_quotes_is_a_part_of_the_text() {
    for (word, part) in [
        ("/data/a:b", "/data/a:b"),
        ("a.txt:7", "a.txt:7"),
        ("c\\x:y", "c\\x:y"),
        (":x", ":x"),
        ("\"status:failed\"", "status:failed"),
        ("\"user\":ana", "user:ana"),
    ] {
        assert_eq!(read(word), Some(Term::Text(part.into())), "{word}");
    }
    for word in ["colour:red", "is:big", "status:broken", "status:failed,broken"] {
        assert_eq!(read(word), None, "{word}");
    }
}

#[test]
fn words_are_split_at_spaces_outside_quotes() {
    for (text, wanted) in [
        ("a b", vec!["a", "b"]),
        ("  a\t b\n", vec!["a", "b"]),
        ("\"a b\" c", vec!["\"a b\"", "c"]),
        ("tag:\"a b\"c d", vec!["tag:\"a b\"c", "d"]),
        ("\"a b", vec!["\"a b\""]),
        ("\"a\tb\"", vec!["\"a b\""]),
        ("a\u{7}b", vec!["a", "b"]),
        ("a\u{a0}b", vec!["a", "b"]),
        ("", vec![]),
    ] {
        assert_eq!(words(text), wanted, "{text:?}");
    }
}

#[test]
fn lists_are_split_at_commas_outside_quotes() {
    for (word, list) in
        [("tag:a,b", vec!["a", "b"]), ("tag:a,,b,", vec!["a", "b"]), ("tag:\"a,b\",c", vec!["a,b", "c"]), ("tag:A", vec!["a"])]
    {
        assert_eq!(read(word), Some(Term::Tag(list.into_iter().map(str::to_owned).collect())), "{word}");
    }
}

#[test]
fn a_word_of_quotes_alone_and_a_qualifier_of_quotes_alone_mean_nothing() {
    for text in ["\"\"", "status:\"\"", "user:", "after:"] {
        assert!(RunFilter::parse(text).is_empty(), "{text}");
    }
}

#[test]
fn a_dash_before_a_word_negates_it_and_a_dash_alone_is_text() {
    for (text, not) in [("-rna", true), ("rna", false), ("-", false), ("--rna", true)] {
        assert_eq!(RunFilter::parse(text).clauses[0].not, not, "{text}");
    }
    assert_eq!(RunFilter::parse("--rna").clauses[0].term, Term::Text("-rna".into()));
}

#[test]
fn dates_and_times_are_utc_and_exact() {
    let day = 1_793_491_200_000; // 1 November 2026
    for (text, at) in [
        ("2026-11-01", Some(day)),
        ("2026-11-1", Some(day)),
        ("2026-11-01T00:00", Some(day)),
        ("2026-11-01T14", Some(day + 14 * HOUR)),
        ("2026-11-01T14:30", Some(day + 14 * HOUR + 30 * MINUTE)),
        ("2026-11-01t14:30:15Z", Some(day + 14 * HOUR + 30 * MINUTE + 15_000)),
        ("2026-11-01T23:59:59", Some(day + DAY - 1_000)),
        ("0001-01-01", Some(-62_135_596_800_000)),
        ("9999-12-31", Some(253_402_214_400_000)),
        ("2026-11-01T24:00", None),
        ("2026-11-01T14:60", None),
        ("2026-11-01T14:30:60", None),
        ("2026-11-01T1:30", None),
        ("2026-11-01T14:3", None),
        ("2026-11-01T", None),
        ("2026-11-01Tnoon", None),
        ("2026-00-01", None),
        ("2026-13-01", None),
        ("2026-11-00", None),
        ("2026-11-32", None),
        ("0000-01-01", None),
        ("12026-01-01", None),
        ("2026-11", None),
        ("2026", None),
        ("soon", None),
    ] {
        assert_eq!(read(&format!("after:{text}")), at.map(|at| Term::After(Moment::At(at))), "{text}");
    }
    assert_eq!(read("before:today"), Some(Term::Before(Moment::Ago(DAY))));
}

#[test]
fn spans_are_sums_of_numbers_with_units() {
    for (text, span) in [
        ("5ms", Some(5)),
        ("90s", Some(90_000)),
        ("30m", Some(30 * MINUTE)),
        ("2h", Some(2 * HOUR)),
        ("7d", Some(7 * DAY)),
        ("2w", Some(14 * DAY)),
        ("1h30m", Some(HOUR + 30 * MINUTE)),
        ("1m5ms", Some(MINUTE + 5)),
        ("1d1h1m1s1ms", Some(DAY + HOUR + MINUTE + 1_001)),
        ("9999999s", Some(9_999_999_000)),
        ("12345678s", None),
        ("5", None),
        ("h", None),
        ("1hh", None),
        ("1h5", None),
        ("1y", None),
    ] {
        assert_eq!(read(&format!("after:{text}")), span.map(|span| Term::After(Moment::Ago(span))), "{text}");
        assert_eq!(read(&format!("duration:{text}")), span.map(|span| Term::Duration(Compare::Over, span)), "{text}");
    }
}

#[test]
fn a_duration_is_over_or_under_a_span() {
    for (text, compare) in
        [("1h", Compare::Over), (">1h", Compare::Over), (">=1h", Compare::Over), ("<1h", Compare::Under), ("<=1h", Compare::Under)]
    {
        assert_eq!(read(&format!("duration:{text}")), Some(Term::Duration(compare, HOUR)), "{text}");
    }
    assert_eq!(read("duration:>"), None);
}

#[test]
fn fifty_words_and_4_096_bytes_are_read_and_the_rest_is_named() {
    let rest = |text: &str| RunFilter::parse(text).mistakes.into_iter().find(|mistake| mistake.is_rest).map(|mistake| mistake.text);
    let many = |count: usize| (0..count).map(|n| format!("w{n}")).collect::<Vec<_>>().join(" ");
    assert_eq!((rest(&many(50)), rest(&many(51)).as_deref()), (None, Some("w50")));

    // Two words and the space between them.
    let long = |bytes: usize| format!("a {}", "b".repeat(bytes - 2));
    assert_eq!((rest(&long(4_096)), words(&long(4_096)).len()), (None, 2));
    assert_eq!((rest(&long(4_097)), words(&long(4_097))), (Some("b".repeat(4_095)), vec!["a".to_owned()]));
}
