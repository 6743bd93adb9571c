//! Every public function with extreme numbers: each must return, whatever the result.
//!
//! The tests beside the code check the results for reasonable numbers.

use chart::{
    camera::Camera,
    curve::{COLUMNS, Curve, Sums},
    graph::{Direction, Layout, Line, Step},
    lanes::{self, Bar, Kind, Lanes, Mark, OPEN},
    rect::Rect,
    stack::Stack,
    strip::{self, Outlines},
    time::{self, Breaks, Place},
};
use proptest::prelude::*;

/// Reasonable numbers, and numbers at the limits of arithmetic.
fn whole() -> impl Strategy<Value = i64> {
    let ends = [i64::MIN, i64::MIN + 1, i64::MIN / 2, -(1 << 53), -1, 0, 1, 1 << 31, 1 << 53, i64::MAX / 2, i64::MAX - 1, i64::MAX];
    prop_oneof![proptest::sample::select(ends.to_vec()), any::<i64>(), -1_000..1_000_i64]
}

fn natural() -> impl Strategy<Value = u32> {
    prop_oneof![proptest::sample::select(vec![0, 1, 2, 1 << 29, 1 << 31, u32::MAX - 1, u32::MAX]), any::<u32>(), 0..100_u32]
}

fn real() -> impl Strategy<Value = f64> {
    let ends = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, -0.0, 0.0, f64::MIN_POSITIVE, 1e-300, 0.25, 1e300, f64::MAX, f64::MIN];
    prop_oneof![proptest::sample::select(ends.to_vec()), 0.001..10_000.0_f64]
}

fn short_real() -> impl Strategy<Value = f32> {
    real().prop_map(|value| value as f32)
}

fn bars() -> impl Strategy<Value = Vec<Bar>> {
    let bar = (whole(), whole(), natural(), 0..Kind::ALL.len()).prop_map(|(from, to, threads, kind)| Bar {
        key: from ^ to,
        from,
        // As the type requires: not before its start.
        to: to.max(from),
        threads,
        kind: Kind::ALL[kind],
    });
    proptest::collection::vec(bar, 0..40)
}

fn breaks() -> impl Strategy<Value = Breaks> {
    (proptest::collection::vec((whole(), whole()), 0..6), whole()).prop_map(|(spans, kept)| Breaks::new(&spans, kept))
}

fn layout() -> impl Strategy<Value = Layout> {
    let rect = (short_real(), short_real(), short_real(), short_real()).prop_map(|(x, y, w, h)| Rect { x, y, w, h });
    let points = proptest::collection::vec((short_real(), short_real()), 0..5);
    let line = (natural(), natural(), points).prop_map(|(from, to, points)| Line { from, to, points });
    let parts = (proptest::collection::vec(rect, 0..6), proptest::collection::vec(line, 0..6), any::<bool>(), short_real());
    parts.prop_map(|(boxes, lines, down, size)| Layout {
        direction: if down { Direction::Down } else { Direction::Right },
        width: size,
        height: size,
        boxes,
        lines,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_curve_answers_for_any_bars_and_any_span(bars in bars(), from in whole(), to in whole(), columns in 0..300_u32, least in whole()) {
        let curve = Curve::new(bars.iter());
        let Sums { bars: ran, core_ms, busiest, busiest_at, .. } = curve.sums(from, to);
        prop_assert!(ran as usize <= bars.len() && busiest as usize <= bars.len() && core_ms >= 0);
        prop_assert!(busiest_at == from || (from..to).contains(&busiest_at));
        prop_assert!(curve.peak(from, to).0 as usize <= bars.len());
        prop_assert_eq!(curve.columns(from, to, columns).len(), columns as usize);
        prop_assert!(curve.gaps(least).iter().all(|(from, to)| from <= to));
    }

    #[test]
    fn lanes_hold_any_bars_and_show_any_window(
        bars in bars(), lane in natural(), from in whole(), to in whole(), reach in whole(), unit in real(),
    ) {
        let count = bars.len();
        let lanes = Lanes::pack(bars);
        prop_assert!(lanes.bars().len() == count && lanes.len() as usize <= count && lanes.is_empty() == (count == 0));
        for lane in (0..lanes.len().min(3)).chain([lane]) {
            let _ = lanes.lane(lane);
            let _ = lanes.at(lane, from, reach);
            let marks = lanes.marks(lane, from, to, unit);
            prop_assert!(marks.len() <= count);
            prop_assert_eq!(lanes::unpack(&lanes::pack(&marks)).count(), marks.len());
        }
        let _ = lanes.lane_of(from);
    }

    #[test]
    fn any_marks_are_packed_and_any_words_unpacked(ends in proptest::collection::vec((natural(), natural()), 0..20), words in proptest::collection::vec(natural(), 0..20)) {
        let marks: Vec<Mark> = ends.into_iter().map(|(from, to)| Mark { from, to, kind: Kind::Failed, merged: true }).collect();
        let packed = lanes::pack(&marks);
        let drawn: Vec<_> = lanes::unpack(&packed).collect();
        prop_assert_eq!(drawn.len(), marks.len());
        prop_assert!(drawn.windows(2).all(|pair| pair[0].1 <= pair[1].0));
        prop_assert!(lanes::unpack(&words).all(|(from, to, _)| from <= to));
    }

    #[test]
    fn an_axis_answers_for_any_breaks_and_any_place(
        breaks in breaks(), from in whole(), to in whole(), origin in whole(), room in natural(), offset in whole(),
    ) {
        let _ = (breaks.squeeze(from), breaks.stretch(from), breaks.rests().count(), breaks.segments(from, to));
        prop_assert!(breaks.ticks(origin, (from, to), room, offset).len() <= 7 * 1_000);
    }

    #[test]
    fn ticks_are_bounded_and_in_order(from in whole(), to in whole(), step in whole(), offset in whole(), room in natural()) {
        prop_assert!(time::step(from, room) >= 1);
        let ticks = time::ticks(from, to, step, offset);
        prop_assert!(ticks.len() <= 1_000 && ticks.windows(2).all(|pair| pair[0].time <= pair[1].time));
    }

    #[test]
    fn a_place_is_within_what_a_browser_counts_in(at in whole()) {
        let place = Place::new(at);
        prop_assert!(place.millis().unsigned_abs() <= 1 << 53);
        prop_assert_eq!(Place::from(i64::from(place)), place);
        prop_assert!(at.unsigned_abs() > 1 << 53 || place.millis() == at);
    }

    #[test]
    fn a_stack_answers_for_any_groups_and_any_height(
        lanes in proptest::collection::vec(natural(), 0..8), group in 0..12_usize, lane in natural(), top in natural(), bottom in natural(), turned in any::<bool>(),
    ) {
        let stack = Stack::new(lanes.clone(), |at| turned && at == group);
        for group in [group, usize::MAX] {
            let (begin, end) = stack.span(group);
            prop_assert!(begin <= end && end <= stack.height());
            let _ = (stack.is_folded(group), stack.lane_top(group, lane), stack.lanes(group, top, bottom));
        }
        prop_assert!(stack.groups(top, bottom).end <= lanes.len());
        prop_assert!(stack.at(top).is_none_or(|(group, _)| group < lanes.len()));
        prop_assert_eq!((stack.len(), stack.is_empty()), (lanes.len(), lanes.is_empty()));
    }

    #[test]
    fn a_graph_of_any_numbers_is_walked_and_written(layout in layout(), node in 0..10_usize) {
        for line in &layout.lines {
            let _ = layout.path(line);
        }
        for node in [node, usize::MAX] {
            prop_assert_eq!(layout.kin(node).len(), layout.boxes.len());
            for step in [Step::Left, Step::Right, Step::Up, Step::Down] {
                prop_assert!(layout.step(node, step).is_none_or(|at| at < layout.boxes.len()));
            }
        }
        prop_assert!(layout.first().is_none_or(|at| at < layout.boxes.len()));
        let points: Vec<(f32, f32)> = layout.boxes.iter().map(|held| (held.x, held.y)).collect();
        let _ = Rect::around(&points).centre();
    }

    #[test]
    fn outlines_of_any_counts_are_written(
        steps in proptest::collection::vec((whole(), whole(), whole()), 0..20), counts in proptest::collection::vec(natural(), 0..20),
        peak in natural(), width in natural(), bottom in natural(), height in natural(),
    ) {
        prop_assert_eq!(Outlines::of(&steps).running.is_empty(), steps.is_empty());
        let mut path = String::new();
        strip::area(&mut path, &counts, peak, width, (bottom, height));
        prop_assert_eq!(path.matches('L').count(), counts.len());
    }

    #[test]
    fn a_camera_goes_anywhere(size in (real(), real()), whole in (real(), real()), scale in real(), to in (real(), real())) {
        let camera = Camera::fit(size, whole, scale).zoomed(scale, to).panned(to.0, to.1);
        let _ = camera.at(to);
    }
}

#[test]
fn the_widest_span_there_is_has_its_busiest_moment() {
    let bar = |key, from, to| Bar { key, from, to, threads: u32::MAX, kind: Kind::Done };
    let curve = Curve::new([bar(1, 0, 100), bar(2, 50, OPEN)].iter());

    let sums = curve.sums(i64::MIN + 1, i64::MAX);

    assert_eq!((sums.bars, sums.busiest, sums.busiest_at), (2, 2, 50));
    assert_eq!((sums.cores, sums.core_ms), (u32::MAX, i64::MAX), "results that do not fit become the largest number");
}

#[test]
fn more_columns_than_any_screen_has_are_not_made() {
    assert_eq!(Curve::default().columns(0, 100, u32::MAX).len(), COLUMNS as usize);
}
