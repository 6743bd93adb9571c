//! A few bars: their lanes, and the marks that show them with one millisecond to a quarter of a pixel.

use chart::lanes::{Bar, Kind, Lanes, Mark, OPEN, pack, unpack};
use proptest::prelude::*;

fn bar(from: i64, to: i64, kind: Kind) -> Bar {
    Bar { key: from, from, to, threads: 1, kind }
}

/// The marks of one lane of bars in a window, each as start, end, kind and whether it stands for narrow bars.
fn marks(bars: &[(i64, i64, Kind)], from: i64, to: i64) -> Vec<(u32, u32, Kind, bool)> {
    let lanes = Lanes::pack(bars.iter().map(|&(from, to, kind)| bar(from, to, kind)).collect());
    assert_eq!(lanes.len(), 1, "the bars of this test do not overlap");
    lanes.marks(0, from, to, 1.0).into_iter().map(|mark| (mark.from, mark.to, mark.kind, mark.merged)).collect()
}

#[test]
fn each_bar_takes_the_lowest_lane_that_is_free() {
    let spans = [(0, 10), (1, 30), (2, 5), (5, 8), (10, 12), (11, 12), (40, 40), (40, 41)];
    let lanes = Lanes::pack(spans.iter().zip(0..).map(|(&(from, to), key)| Bar { key, from, to, threads: 1, kind: Kind::Done }).collect());

    let found: Vec<_> = (0..8).map(|key| lanes.lane_of(key)).collect();
    assert_eq!(found, [0, 1, 2, 2, 0, 2, 0, 1].map(Some));
    assert_eq!((lanes.len(), lanes.is_empty(), lanes.lane_of(8)), (3, false, None));
    let keys = |lane: u32| lanes.lane(lane).iter().map(|bar| bar.key).collect::<Vec<_>>();
    assert_eq!([keys(0), keys(1), keys(2), keys(3)], [vec![0, 4, 6], vec![1, 7], vec![2, 3, 5], vec![]]);
    assert_eq!((Lanes::default().len(), Lanes::default().is_empty()), (0, true));
}

#[test]
fn a_bar_of_a_pixel_or_more_has_its_own_mark() {
    use Kind::{Done, Failed, Running};
    for (bars, shown) in [
        (vec![(10, 14, Done)], vec![(10, 14, Done, false)]),
        (vec![(10, 30, Done), (30, 50, Done)], vec![(10, 30, Done, false), (30, 50, Done, false)]),
        (vec![(10, 30, Failed), (40, OPEN, Running)], vec![(10, 30, Failed, false), (40, 100, Running, false)]),
        (vec![(-20, 5, Done), (95, 130, Done)], vec![(0, 5, Done, false), (95, 100, Done, false)]),
        (vec![(-20, 130, Done)], vec![(0, 100, Done, false)]),
        (vec![(-20, -5, Done), (100, 110, Done)], vec![]),
    ] {
        assert_eq!(marks(&bars, 0, 100), shown, "{bars:?}");
    }
}

/// A pixel is four milliseconds.
#[test]
fn narrow_bars_that_begin_in_one_pixel_share_a_mark_of_the_most_remarkable_kind() {
    use Kind::{Done, Failed, Lost, Quiet};
    for (bars, shown) in [
        (vec![(12, 13, Done)], vec![(12, 13, Done, true)]),
        (vec![(12, 12, Done)], vec![(12, 13, Done, true)]),
        (vec![(12, 13, Done), (14, 15, Failed)], vec![(12, 15, Failed, true)]),
        (vec![(12, 13, Lost), (13, 14, Quiet), (15, 17, Done)], vec![(12, 17, Lost, true)]),
        (vec![(12, 13, Failed), (16, 17, Done)], vec![(12, 13, Failed, true), (16, 17, Done, true)]),
        (vec![(12, 13, Done), (16, 17, Done)], vec![(12, 13, Done, true), (16, 17, Done, true)]),
        (vec![(12, 15, Done), (16, 17, Done)], vec![(12, 17, Done, true)]),
        (vec![(13, 16, Done), (16, 17, Done), (18, 19, Done)], vec![(13, 19, Done, true)]),
        (vec![(12, 15, Done), (16, 17, Lost)], vec![(12, 15, Done, true), (16, 17, Lost, true)]),
        (vec![(12, 13, Done), (14, 20, Done)], vec![(12, 13, Done, true), (14, 20, Done, false)]),
        (vec![(8, 12, Done), (12, 13, Done)], vec![(8, 12, Done, false), (12, 13, Done, true)]),
        (vec![(12, 13, Done), (14, OPEN, Quiet)], vec![(12, 13, Done, true), (14, 100, Quiet, false)]),
        (vec![(-2, 1, Done), (2, 3, Failed)], vec![(0, 1, Done, true), (2, 3, Failed, true)]),
        (vec![(98, 101, Done)], vec![(98, 100, Done, true)]),
    ] {
        assert_eq!(marks(&bars, 0, 100), shown, "{bars:?}");
    }
}

#[test]
fn pixels_are_counted_from_the_start_of_the_window() {
    use Kind::Done;
    let bars = [(13, 14, Done), (15, 16, Done), (16, 17, Done)];
    assert_eq!(marks(&bars, 0, 100), [(13, 17, Done, true)]);
    assert_eq!(marks(&[(13, 14, Done), (16, 17, Done)], 1, 101), [(12, 16, Done, true)], "one pixel");
    assert_eq!(marks(&[(13, 14, Done), (17, 18, Done)], 1, 101), [(12, 13, Done, true), (16, 17, Done, true)], "two");
}

#[test]
fn the_kind_of_a_mark_is_that_of_its_own_bars() {
    // The second lane has a failed bar, and the first one later.
    let bars = [(0, 50, Kind::Done), (10, 11, Kind::Failed), (20, 21, Kind::Done), (60, 61, Kind::Done), (80, 81, Kind::Lost)];
    let lanes = Lanes::pack(bars.iter().map(|&(from, to, kind)| bar(from, to, kind)).collect());

    let kinds = |lane: u32| lanes.marks(lane, 0, 100, 1.0).into_iter().map(|mark| mark.kind).collect::<Vec<_>>();
    assert_eq!((kinds(0), kinds(1)), (vec![Kind::Done, Kind::Done, Kind::Lost], vec![Kind::Failed, Kind::Done]));
}

#[test]
fn other_scales_move_marks_in_proportion() {
    let lanes = Lanes::pack(vec![bar(1_000, 3_000, Kind::Done), bar(3_000, 3_100, Kind::Lost)]);

    let shown: Vec<_> = lanes.marks(0, 0, 10_000, 100.0).into_iter().map(|mark| (mark.from, mark.to, mark.merged)).collect();
    assert_eq!(shown, [(10, 30, false), (30, 31, true)]);
}

#[test]
fn a_window_that_shows_nothing_has_no_marks() {
    let lanes = Lanes::pack(vec![bar(0, 50, Kind::Done)]);
    for (lane, from, to, unit) in
        [(0, 10, 10, 1.0), (0, 20, 10, 1.0), (0, 0, 10, 0.0), (0, 0, 10, -1.0), (0, 0, 10, f64::NAN), (1, 0, 10, 1.0)]
    {
        assert_eq!(lanes.marks(lane, from, to, unit), [], "{lane} {from} {to} {unit}");
    }
    assert_eq!(lanes.marks(0, 0, 10, 1.0).len(), 1);
}

#[test]
fn a_bar_is_found_within_reach_on_both_sides() {
    let lanes = Lanes::pack(vec![bar(100, 200, Kind::Done), bar(240, 300, Kind::Done)]);
    for (time, key) in [
        (94, None),
        (95, Some(100)),
        (100, Some(100)),
        (199, Some(100)),
        (200, Some(100)),
        (205, Some(100)),
        (206, None),
        (234, None),
        (235, Some(240)),
        (305, Some(240)),
        (306, None),
    ] {
        assert_eq!(lanes.at(0, time, 5).map(|bar| bar.key), key, "{time}");
    }
}

#[test]
fn marks_too_long_to_be_written_are_shortened_and_overlaps_removed() {
    let mark = |from, to, kind| Mark { from, to, kind, merged: true };
    let read = |marks: &[Mark]| unpack(&pack(marks)).collect::<Vec<_>>();

    assert_eq!(read(&[mark(8, 1 << 30, Kind::Done)]), [(8, 8 + (1 << 29) - 1, Kind::Done)]);
    assert_eq!(read(&[mark(8, 12, Kind::Lost), mark(11, 20, Kind::Done)]), [(8, 12, Kind::Lost), (12, 20, Kind::Done)]);
    assert_eq!(read(&[mark(8, 12, Kind::Lost), mark(9, 10, Kind::Done)]), [(8, 12, Kind::Lost), (12, 13, Kind::Done)]);
    assert_eq!(unpack(&[3, 2 * 8 + 7]).collect::<Vec<_>>(), [(3, 5, Kind::Quiet)], "a kind that a later version may have");
    assert_eq!(unpack(&[3, 2 * 8, 1]).count(), 1, "half a mark is none");
}

proptest! {
    #[test]
    fn marks_side_by_side_survive_packing(spans in proptest::collection::vec((0..500_u32, 1..500_u32, 0..Kind::ALL.len()), 0..40)) {
        let mut at = 0;
        let mut marks = Vec::new();
        for (space, long, kind) in spans {
            marks.push(Mark { from: at + space, to: at + space + long, kind: Kind::ALL[kind], merged: false });
            at += space + long;
        }

        let read: Vec<_> = unpack(&pack(&marks)).collect();

        prop_assert_eq!(read, marks.iter().map(|mark| (mark.from, mark.to, mark.kind)).collect::<Vec<_>>());
    }
}
