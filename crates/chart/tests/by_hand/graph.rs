//! A grid of boxes: paths between them, and steps from one to the next.

use chart::{
    graph::{Direction, Layout, Line, Step},
    rect::Rect,
};

/// Boxes of this size with these centres.
fn boxes(centres: &[(f32, f32)]) -> Layout {
    let at = |&(x, y): &(f32, f32)| Rect { x: x - 10.0, y: y - 5.0, w: 20.0, h: 10.0 };
    Layout { boxes: centres.iter().map(at).collect(), ..Layout::default() }
}

fn path(direction: Direction, points: &[(f32, f32)]) -> String {
    Layout { direction, ..Layout::default() }.path(&Line { from: 0, to: 1, points: points.to_vec() })
}

#[test]
fn the_word_of_a_direction_leads_back_to_it() {
    for direction in [Direction::Down, Direction::Right] {
        assert_eq!(Direction::of(Some(direction.as_str())), direction);
    }
    assert_eq!([Direction::of(None), Direction::of(Some("up"))], [Direction::Down; 2]);
}

#[test]
fn the_centre_of_a_rectangle_is_half_way_in_both_directions() {
    assert_eq!(Rect { x: 10.0, y: 100.0, w: 6.0, h: 40.0 }.centre(), (13.0, 120.0));
}

#[test]
fn a_line_is_straight_if_nobody_would_see_the_bend() {
    for (direction, points, drawn) in [
        (Direction::Down, [(40.0, 0.0), (40.4, 30.0)], "M40 0L40.4 30"),
        (Direction::Down, [(40.4, 0.0), (40.0, 30.0)], "M40.4 0L40 30"),
        (Direction::Down, [(40.0, 0.0), (40.5, 30.0)], "M40 0C40 15 40.5 15 40.5 30"),
        (Direction::Right, [(0.0, 40.0), (30.0, 40.4)], "M0 40L30 40.4"),
        (Direction::Right, [(0.0, 40.4), (30.0, 40.0)], "M0 40.4L30 40"),
        (Direction::Right, [(0.0, 40.0), (30.0, 40.5)], "M0 40C15 40 15 40.5 30 40.5"),
    ] {
        assert_eq!(path(direction, &points), drawn);
    }
}

#[test]
fn a_line_of_several_points_goes_through_each() {
    assert_eq!(path(Direction::Down, &[(0.0, 0.0), (0.0, 10.0), (20.0, 30.0), (20.0, 40.0)]), "M0 0L0 10C0 20 20 20 20 30L20 40");
}

#[test]
fn lengths_are_written_to_a_tenth_of_a_pixel() {
    assert_eq!(path(Direction::Down, &[(1.04, 2.06), (1.04, 30.96)]), "M1 2.1L1 31");
}

/// A grid of three by three boxes, numbered row by row.
#[test]
fn arrows_walk_through_a_grid_and_stop_at_its_border() {
    let centres: Vec<(f32, f32)> = (0..9_u8).map(|n| (f32::from(n % 3) * 50.0 + 25.0, f32::from(n / 3) * 40.0 + 20.0)).collect();
    let grid = boxes(&centres);
    for (from, left, right, up, down) in [
        (0, None, Some(1), None, Some(3)),
        (1, Some(0), Some(2), None, Some(4)),
        (4, Some(3), Some(5), Some(1), Some(7)),
        (5, Some(4), None, Some(2), Some(8)),
        (6, None, Some(7), Some(3), None),
        (8, Some(7), None, Some(5), None),
    ] {
        let steps = [Step::Left, Step::Right, Step::Up, Step::Down].map(|step| grid.step(from, step));
        assert_eq!(steps, [left, right, up, down], "from {from}");
    }
    assert_eq!(grid.step(9, Step::Left), None, "there is no such box");
}

#[test]
fn an_arrow_prefers_what_is_straight_ahead_to_what_is_a_little_nearer() {
    for (beside, wanted) in [((30.0, 20.0), 1), ((30.0, -20.0), 1), ((30.0, 5.0), 2), ((30.0, -5.0), 2)] {
        assert_eq!(boxes(&[(0.0, 0.0), (50.0, 0.0), beside]).step(0, Step::Right), Some(wanted), "{beside:?}");
    }
    assert_eq!(boxes(&[(0.0, 0.0), (1.0, 20.0)]).step(0, Step::Right), None, "what is not a pixel ahead is beside");
    assert_eq!(boxes(&[(0.0, 0.0), (1.5, 20.0)]).step(0, Step::Right), Some(1));
}

#[test]
fn a_picture_begins_in_the_middle_of_its_first_row_or_column() {
    let rows = boxes(&[(75.0, 20.0), (0.0, 20.5), (25.0, 20.0), (50.0, 20.0), (10.0, 60.0)]);
    assert_eq!(rows.first(), Some(3), "the third of four from the left");
    assert_eq!(Layout { direction: Direction::Right, ..rows }.first(), Some(1), "the only one at the left");

    assert_eq!(boxes(&[(0.0, 20.0), (50.0, 21.0)]).first(), Some(0), "a pixel lower is another row");
    assert_eq!(boxes(&[(0.0, 20.0), (50.0, 20.9)]).first(), Some(1));
}

#[test]
fn kin_are_found_along_all_lines_in_both_directions() {
    let line = |from, to| Line { from, to, points: Vec::new() };
    let chain = Layout { lines: vec![line(0, 1), line(1, 2), line(2, 3), line(4, 2), line(2, 9)], ..boxes(&[(0.0, 0.0); 6]) };

    assert_eq!(chain.kin(2), [true, true, true, true, true, false]);
    assert_eq!(chain.kin(4), [false, false, true, true, true, false]);
    assert_eq!(chain.kin(5), [false, false, false, false, false, true]);
}
