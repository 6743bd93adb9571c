//! Which runs pass a filter. That SQL means the same is tested in `store`.

use model::{
    RunId, RunStatus,
    filter::{Moment, RunFilter, Term},
    run::{JobCounts, RunSummary},
};
use uuid::Uuid;

const HOUR: i64 = 3_600_000;
/// Noon of 21 November 2026, UTC.
const NOON: i64 = 1_795_262_400_000;

/// Began an hour before noon, and took half an hour.
fn a_run() -> RunSummary {
    RunSummary {
        id: RunId(Uuid::nil()),
        number: 1,
        name: "Variant Calling".into(),
        status: RunStatus::Failed,
        source: "flowo".into(),
        user: "Ana".into(),
        directory: Some("/data/Lab/exome".into()),
        tags: vec!["QC".into(), "two words".into()],
        dry_run: false,
        attempt: 1,
        sort_at: NOON - HOUR,
        started_at: Some(NOON - HOUR),
        ended_at: Some(NOON - HOUR / 2),
        jobs: JobCounts::default(),
        quarantined: 0,
        revision: 1,
    }
}

fn passes(filter: &str, run: &RunSummary) -> bool {
    let rules = ["align".to_owned(), "Sort".to_owned()];
    RunFilter::parse_strict(filter).expect("a filter").matches(run, Some(&rules), NOON).expect("the rules are known")
}

#[test]
fn each_word_lets_pass_what_it_names_and_nothing_else() {
    for (yes, no) in [
        ("variant", "variants"),
        ("LAB/exome", "lab/genome"),
        ("ana", "anna"),
        ("qc", "qd"),
        ("\"nt ca\"", "\"calling variant\""),
        ("name:call", "name:exome"),
        ("dir:exome", "dir:variant"),
        ("directory:/data", "directory:data/lab2"),
        ("status:failed", "status:success"),
        ("status:running,failed", "status:running,success"),
        ("user:ANA", "user:an"),
        ("user:ben,ana", "user:ben"),
        ("source:flowo", "source:flow"),
        ("tag:qc", "tag:q"),
        ("tags:\"two words\"", "tags:two"),
        ("rule:align", "rule:ali"),
        ("rule:call,sort", "rule:call"),
        ("after:2026-11-21T11:00", "after:2026-11-21T11:01"),
        ("before:2026-11-21T11:01", "before:2026-11-21T11:00"),
        ("after:61m", "after:59m"),
        ("since:today", "before:today"),
        ("duration:>29m", "duration:>30m"),
        ("duration:<31m", "duration:<30m"),
        ("-is:dry", "is:dry"),
        ("-is:retry", "is:retry"),
        ("-tag:demo", "-tag:qc"),
        ("variant status:failed user:ana", "variant status:failed user:ben"),
        ("", "nothing"),
    ] {
        assert!(passes(yes, &a_run()), "{yes}");
        assert!(!passes(no, &a_run()), "{no}");
    }
}

#[test]
fn a_run_without_a_fact_passes_no_word_about_it() {
    let bare = RunSummary { directory: None, started_at: None, ended_at: None, tags: Vec::new(), ..a_run() };
    for word in ["dir:exome", "after:1970-01-01", "before:9999-01-01", "duration:>0s", "duration:<9w", "tag:qc"] {
        assert!(!passes(word, &bare), "{word}");
        assert!(passes(&format!("-{word}"), &bare), "-{word}");
    }
}

#[test]
fn traits_are_those_of_the_run() {
    assert!(passes("is:dry-run", &RunSummary { dry_run: true, ..a_run() }));
    assert!(passes("is:retry", &RunSummary { attempt: 2, ..a_run() }));
}

#[test]
fn a_running_run_has_lasted_until_now() {
    let running = RunSummary { status: RunStatus::Running, ended_at: None, ..a_run() };
    assert!(passes("duration:>59m", &running) && !passes("duration:>60m", &running));
}

/// The text of a run is its name, directory, user and tags, and no word reaches from one into the next.
#[test]
fn free_text_is_searched_in_one_part_at_a_time() {
    assert!(!passes("\"calling/data\"", &a_run()) && !passes("qctwo", &a_run()));
    assert!(!passes("flowo", &a_run()), "the source is no part of it");
}

#[test]
fn without_the_rules_a_filter_answers_only_what_does_not_depend_on_them() {
    for (text, wanted) in [
        ("rule:align", None),
        ("-rule:align", None),
        ("rule:align status:failed", None),
        ("rule:align status:success", Some(false)),
        ("status:success rule:align", Some(false)),
        ("status:failed", Some(true)),
    ] {
        assert_eq!(RunFilter::parse(text).matches(&a_run(), None, NOON), wanted, "{text}");
    }
}

#[test]
fn a_moment_back_from_now_moves_with_now() {
    assert_eq!(Moment::Ago(HOUR).millis(NOON), NOON - HOUR);
    assert_eq!(Moment::At(HOUR).millis(NOON), HOUR);
}

#[test]
fn a_filter_is_empty_when_nothing_was_written() {
    for (text, is_empty) in [("", true), ("  ", true), ("status:", true), ("rna", false), ("status:broken", false)] {
        assert_eq!(RunFilter::parse(text).is_empty(), is_empty, "{text:?}");
    }
}

#[test]
fn a_filter_without_a_chip_keeps_the_other_words_and_the_mistakes() {
    let filter = RunFilter::parse("rna colour:red status:failed -tag:demo");

    assert_eq!(filter.to_string(), "rna status:failed -tag:demo colour:red");
    assert_eq!(filter.without(0), "status:failed -tag:demo colour:red");
    assert_eq!(filter.without(1), "rna -tag:demo colour:red");
    assert_eq!(filter.without(2), "rna status:failed colour:red");
}

#[test]
fn a_status_replaces_the_statuses_that_were_there() {
    let filter = RunFilter::parse("rna status:failed,lost user:ana -status:success");

    assert_eq!(filter.with_status(Some(RunStatus::Running)), "status:running rna user:ana");
    assert_eq!(filter.with_status(None), "rna user:ana");
}

#[test]
fn the_only_status_is_known_if_exactly_one_is_asked_for() {
    for (text, wanted) in [
        ("", None),
        ("rna", None),
        ("rna status:failed", Some(RunStatus::Failed)),
        ("status:failed,lost", None),
        ("-status:failed", None),
        ("status:failed status:failed", None),
        ("status:failed -status:lost", None),
    ] {
        assert_eq!(RunFilter::parse(text).only_status(), wanted, "{text:?}");
    }
}

#[test]
fn a_strict_reader_gets_the_first_mistake_and_what_was_expected() {
    let refused = RunFilter::parse_strict("rna status:broken colour:red").expect_err("a mistake");
    assert_eq!((refused.what, refused.value.as_str()), ("q", "status:broken"));
    assert!(refused.expected.contains("status:") && refused.expected.contains("plain words"), "{}", refused.expected);

    let parsed = RunFilter::parse_strict("rna").expect("a filter");
    assert_eq!(parsed.clauses[0].term, Term::Text("rna".into()));
}
