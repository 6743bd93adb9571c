//! Extreme numbers, times, filters and cursors from readers and clients: each has a text or gets an answer.

use model::{
    AsOf, JobStatus,
    as_of::{EARLIEST, LATEST},
    file::FileRef,
    filter::{Moment, RunFilter, Term},
    live::LiveCursor,
    page::{Cursor, JobSort, RunSort},
    run::JobCounts,
    text,
};
use proptest::prelude::*;

fn whole() -> impl Strategy<Value = i64> {
    let ends = [i64::MIN, i64::MIN + 1, i64::MIN / 2, -1, 0, 1, 59_999, 1 << 53, i64::MAX / 2, i64::MAX - 60_000, i64::MAX - 1, i64::MAX];
    prop_oneof![proptest::sample::select(ends.to_vec()), any::<i64>()]
}

fn count() -> impl Strategy<Value = i32> {
    prop_oneof![proptest::sample::select(vec![i32::MIN, -1, 0, 1, i32::MAX - 1, i32::MAX]), any::<i32>()]
}

/// Fragments of the languages parsed here, combined at random.
fn words() -> impl Strategy<Value = String> {
    let pieces = [
        "after:",
        "before:",
        "duration:>",
        "9999999w",
        "9999999d",
        "0s",
        "-",
        ":",
        ",",
        "\"",
        "~",
        ".ff",
        ".",
        "=",
        "./",
        "w.",
        ":desc",
        "run",
        "9223372036854775807",
        "-9223372036854775808",
        "18446744073709551616",
        "T",
        "-01-01",
        "Z",
        "00:00",
        "NaN",
        "inf",
        "1e400",
        "\0",
        "é",
        " ",
    ];
    proptest::collection::vec(prop_oneof![proptest::sample::select(pieces.to_vec()).prop_map(str::to_owned), any::<String>()], 0..12)
        .prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_number_has_a_text(one in whole(), other in whole()) {
        let texts = [
            text::duration(one), text::remaining(one), text::between(one, other), text::ago(one, other), text::bytes(one), text::count(one),
            text::utc(one), text::iso(one), text::precise(one), text::clock(one), text::hours(one),
        ];
        prop_assert!(texts.iter().all(|text| !text.is_empty() && text.len() < 80), "{texts:?}");
        let _ = (text::civil(one), text::day_number(one, other, one));
    }

    #[test]
    fn any_counts_are_counted(counts in proptest::collection::vec(count(), 6), planned in proptest::option::of(count())) {
        let [waiting, running, success, failed, lost, skipped] = counts[..] else { unreachable!("six were asked for") };
        let mut counts = JobCounts { planned, waiting, running, success, failed, lost, skipped };
        let _ = (counts.seen(), counts.total(), counts.overall(), counts.segments().count());
        for status in JobStatus::ALL {
            counts.add(*status);
            let _ = counts.of(*status);
        }
    }

    #[test]
    fn a_moment_asked_for_is_one_that_can_be_looked_at(at in whole()) {
        prop_assert!((0..=LATEST).contains(&AsOf::new(at).millis()));
        prop_assert_eq!(AsOf::from(i64::from(AsOf::new(at))), AsOf::new(at));
    }

    #[test]
    fn a_filter_never_means_a_time_that_the_database_cannot_hold(text in words(), at in whole(), back in whole(), now in whole()) {
        for clause in RunFilter::parse(&text).clauses {
            if let Term::After(moment) | Term::Before(moment) = clause.term {
                prop_assert!((EARLIEST..=LATEST).contains(&moment.millis(now)), "{text:?}");
            }
        }
        for moment in [Moment::At(at), Moment::Ago(back)] {
            prop_assert!((EARLIEST..=LATEST).contains(&moment.millis(now)));
        }
    }

    #[test]
    fn any_text_is_a_time_a_cursor_or_an_order_or_none(text in words()) {
        let _ = (text::of_iso(&text), text.parse::<Cursor>(), text.parse::<RunSort>(), text.parse::<JobSort>());
        let _ = (text.parse::<LiveCursor>(), text.parse::<FileRef>(), RunFilter::parse_strict(&text));
    }
}

#[test]
fn the_longest_span_back_is_the_first_day_there_is() {
    let filter = RunFilter::parse("after:9999999w");
    let [Term::After(moment)] = filter.clauses.iter().map(|clause| &clause.term).collect::<Vec<_>>()[..] else { panic!("{filter:?}") };
    assert_eq!(moment.millis(1_790_000_000_000), EARLIEST);
    assert_eq!(text::iso(EARLIEST), "0001-01-01T00:00:00.000Z");
    assert_eq!(text::iso(LATEST), "9999-12-31T23:59:59.999Z");
    assert_eq!(text::of_iso("9223372036854775807-01-01T00:00"), None);
}
