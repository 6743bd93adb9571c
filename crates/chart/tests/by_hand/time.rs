//! Axes in milliseconds: what is left out, and where ticks are.

use chart::time::{Breaks, Place, step, ticks};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 3_600_000;
const DAY: i64 = 86_400_000;
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn labels(from: i64, to: i64, step: i64, offset: i64) -> Vec<String> {
    ticks(from, to, step, offset).into_iter().map(|tick| tick.label).collect()
}

/// Leaves out 100 to 200 and 300 to 500 except for 10 each.
fn breaks() -> Breaks {
    Breaks::new(&[(100, 200), (300, 500)], 10)
}

#[test]
fn an_axis_goes_on_after_the_rest_of_a_gap() {
    let breaks = breaks();
    for (time, place) in [
        (0, 0),
        (100, 100),
        (105, 105),
        (110, 110),
        (111, 110),
        (200, 110),
        (201, 111),
        (300, 210),
        (310, 220),
        (500, 220),
        (600, 320),
        (-50, -50),
    ] {
        assert_eq!(breaks.squeeze(time), place, "{time}");
    }
    for (place, time) in [(0, 0), (100, 100), (110, 110), (111, 201), (210, 300), (220, 310), (221, 501), (320, 600), (-50, -50)] {
        assert_eq!(breaks.stretch(place), time, "{place}");
    }
    assert_eq!(breaks.rests().collect::<Vec<_>>(), [(100, 110), (210, 220)]);
}

#[test]
fn the_segments_of_an_axis_are_what_lies_between_the_rests() {
    let breaks = breaks();
    for (from, to, segments) in [
        (0, 400, vec![(0, 100), (110, 210), (220, 400)]),
        (0, 100, vec![(0, 100)]),
        (0, 105, vec![(0, 100)]),
        (105, 215, vec![(110, 210)]),
        (100, 210, vec![(110, 210)]),
        (110, 210, vec![(110, 210)]),
        (120, 130, vec![(120, 130)]),
        (102, 108, vec![]),
        (50, 50, vec![]),
    ] {
        assert_eq!(breaks.segments(from, to), segments, "{from} to {to}");
    }
    assert_eq!(Breaks::default().segments(0, 9), [(0, 9)]);
}

#[test]
fn an_axis_that_begins_at_a_time_has_its_ticks_at_round_times() {
    let origin = 9 * HOUR + 50 * MINUTE;
    let breaks = Breaks::new(&[(20 * MINUTE, 80 * MINUTE)], 2 * MINUTE);

    let shown = breaks.ticks(origin, (0, 42 * MINUTE), 5, 0);

    let shown: Vec<_> = shown.iter().map(|(place, label)| (place / MINUTE, label.as_str())).collect();
    assert_eq!(shown, [(0, "09:50"), (10, "10:00"), (20, "10:10"), (22, "11:10"), (32, "11:20"), (42, "11:30")]);
    let ahead: Vec<_> = breaks.ticks(origin, (0, 20 * MINUTE), 2, 2 * HOUR).into_iter().map(|(_, label)| label).collect();
    assert_eq!(ahead, ["11:50", "12:00", "12:10"], "two hours ahead of UTC");
}

#[test]
fn ticks_are_as_far_apart_as_people_are_used_to() {
    let usual = [
        1,
        2,
        5,
        10,
        20,
        50,
        100,
        200,
        500,
        SECOND,
        2_000,
        5_000,
        10_000,
        15_000,
        30_000,
        MINUTE,
        120_000,
        300_000,
        600_000,
        900_000,
        1_800_000,
        HOUR,
        7_200_000,
        10_800_000,
        21_600_000,
        43_200_000,
        DAY,
        172_800_000,
        604_800_000,
    ];
    for pair in usual.windows(2) {
        assert_eq!(step(pair[0], 1), pair[0], "it fits exactly");
        assert_eq!(step(pair[0] + 1, 1), pair[1], "else the next one");
        assert_eq!(step(pair[0] * 12, 12), pair[0], "with room for a dozen");
    }
    for (days, weeks) in [(7, 1), (8, 2), (13, 2), (15, 3), (40, 6), (365, 53)] {
        assert_eq!(step(days * DAY, 1), weeks * 7 * DAY, "{days} days");
    }
    assert_eq!(step(HOUR, 0), HOUR, "no room is room for one");
}

#[test]
fn ticks_include_both_ends_and_nothing_beyond() {
    let times = |from, to, step| ticks(from, to, step, 0).into_iter().map(|tick| tick.time).collect::<Vec<_>>();
    assert_eq!(times(10, 30, 10), [10, 20, 30]);
    assert_eq!(times(11, 29, 10), [20]);
    assert_eq!(times(-15, 5, 10), [-10, 0]);
    assert_eq!(times(11, 19, 10), [0; 0]);
    assert_eq!(times(30, 10, 10), [0; 0]);
    assert_eq!(times(0, 2, 0), [0, 1, 2], "at least a millisecond apart");
    assert_eq!(times(0, 5_000, 1).len(), 1_000);
}

#[test]
fn a_label_is_as_exact_as_its_ticks_are_close() {
    let at = 3 * HOUR + 4 * MINUTE + 5 * SECOND + 60;
    for (step, label) in [(1, "05.060"), (20, "05.060")] {
        assert_eq!(labels(at, at, step, 0), [label]);
    }
    assert_eq!(labels(at - 60, at, SECOND, 0), ["03:04:05"]);
    assert_eq!(labels(at - 5_060, at, MINUTE, 0), ["03:04"]);
    assert_eq!(labels(0, HOUR, HOUR, 0), ["1 Jan", "01:00"], "a day begins with its date");
    assert_eq!(labels(-1, 1, 1, 0), ["59.999", "1 Jan", "00.001"]);
    assert_eq!(labels(DAY, 3 * DAY, DAY, 12 * HOUR), ["3 Jan", "4 Jan"]);
}

#[test]
fn weeks_begin_on_mondays() {
    // 5 January 1970 was one.
    assert_eq!(labels(0, 20 * DAY, 7 * DAY, 0), ["5 Jan", "12 Jan", "19 Jan"]);
    assert_eq!(labels(0, 30 * DAY, 14 * DAY, 0), ["5 Jan", "19 Jan"]);
    assert_eq!(labels(-8 * DAY, 0, 7 * DAY, 0), ["29 Dec"]);
}

/// Counts the days of four hundred years one by one, beginning 200 years before 1970.
#[test]
fn every_day_has_the_date_that_counting_gives() {
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let mut dates = Vec::new();
    for year in 1_770..2_170 {
        for (month, days) in [31, if is_leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].into_iter().enumerate() {
            dates.extend((1..=days).map(|day| format!("{day} {}", MONTHS[month])));
        }
    }
    assert_eq!(dates.len(), 146_097);

    let first: i64 = (1_770..1_970).map(|year| if is_leap(year) { 366 } else { 365 }).sum::<i64>();
    for (part, wanted) in dates.chunks(1_000).enumerate() {
        let from = part as i64 * 1_000 - first;
        assert_eq!(labels(from * DAY, (from + wanted.len() as i64 - 1) * DAY, DAY, 0), wanted, "day {from} and the days after");
    }
}

#[test]
fn a_place_is_kept_up_to_the_farthest_one() {
    for (at, kept) in [(0, 0), (-7, -7), (i64::MAX, 9_007_199_254_740_992), (i64::MIN, -9_007_199_254_740_992)] {
        assert_eq!(Place::new(at).millis(), kept);
    }
}
