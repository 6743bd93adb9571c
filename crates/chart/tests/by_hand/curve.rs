//! Sums, peaks and gaps of a few bars.

use chart::{
    curve::{Curve, Sums},
    lanes::{Bar, Kind, OPEN},
};

fn bar(from: i64, to: i64, threads: u32) -> Bar {
    Bar { key: from, from, to, threads, kind: Kind::Done }
}

#[test]
fn a_gap_is_a_span_between_bars_in_which_nothing_runs() {
    let curve = Curve::new([bar(0, 10, 1), bar(4, 8, 1), bar(15, 20, 1), bar(20, 30, 1), bar(90, OPEN, 1)].iter());

    assert_eq!(curve.gaps(1), [(10, 15), (30, 90)]);
    assert_eq!(curve.gaps(5), [(10, 15), (30, 90)], "just as long as the shortest that counts");
    assert_eq!(curve.gaps(6), [(30, 90)]);
    assert_eq!(curve.gaps(61), []);
}

#[test]
fn a_span_counts_what_touches_it() {
    let curve = Curve::new([bar(0, 10, 2), bar(5, 15, 4), bar(20, 30, 1)].iter());

    assert_eq!(curve.sums(0, 30), Sums { bars: 3, core_ms: 20 + 40 + 10, busiest: 2, busiest_at: 5, cores: 6 });
    assert_eq!(curve.sums(6, 8), Sums { bars: 2, core_ms: 12, busiest: 2, busiest_at: 6, cores: 6 });
    assert_eq!(curve.sums(10, 20), Sums { bars: 1, core_ms: 20, busiest: 1, busiest_at: 10, cores: 4 });
    assert_eq!(curve.sums(15, 20), Sums { busiest_at: 15, ..Sums::default() });
    assert_eq!(curve.sums(8, 8), Sums { busiest_at: 8, ..Sums::default() }, "no span");
    assert_eq!(curve.sums(9, 8), Sums { busiest_at: 9, ..Sums::default() }, "a span that ends before it begins");
    assert_eq!(Curve::default().sums(3, 8), Sums { busiest_at: 3, ..Sums::default() }, "no bars");
}

#[test]
fn columns_divide_a_span_evenly() {
    let curve = Curve::new([bar(0, 10, 1), bar(10, 20, 2), bar(12, 14, 3)].iter());

    assert_eq!(curve.columns(0, 20, 4), [(1, 1), (1, 1), (2, 5), (1, 2)]);
    assert_eq!(curve.columns(-10, 30, 2), [(1, 1), (2, 5)]);
    assert_eq!(curve.columns(0, 20, 0), []);
}

#[test]
fn columns_divide_all_of_time_evenly() {
    let curve = Curve::new([bar(-10, -5, 1), bar(5, 10, 2), bar(6, 10, 2)].iter());

    assert_eq!(curve.columns(i64::MIN, i64::MAX, 2), [(1, 1), (2, 4)]);
    assert_eq!(curve.columns(i64::MIN, i64::MAX, 4), [(0, 0), (1, 1), (2, 4), (0, 0)]);
}
