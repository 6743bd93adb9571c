//! Groups of lanes above one another, their heights in pixels.

use chart::stack::{LANE, Stack};

fn folded(lanes: &[u32]) -> Vec<bool> {
    let stack = Stack::new(lanes.to_vec(), |_| false);
    (0..lanes.len()).map(|group| stack.is_folded(group)).collect()
}

#[test]
fn large_groups_are_folded_only_where_there_are_many_lanes() {
    assert_eq!(folded(&[100, 60]), [false, false], "160 lanes are not many");
    assert_eq!(folded(&[100, 61]), [true, true]);
    assert_eq!(folded(&[152, 8, 9]), [true, false, true], "a group of eight lanes is small");
}

#[test]
fn a_reader_turns_the_folding_of_single_groups() {
    let stack = Stack::new(vec![200, 200, 3], |group| group > 0);
    assert_eq!([0, 1, 2, 3].map(|group| stack.is_folded(group)), [true, false, true, false], "there is no fourth group");
    assert_eq!(stack.span(1), (40, 40 + 200 * LANE + 12));
}

/// Three lanes need 39 pixels and have 40; four need 48.
#[test]
fn a_group_is_as_high_as_its_lanes_and_never_lower_than_its_label() {
    let stack = Stack::new(vec![0, 3, 4], |_| false);

    assert_eq!([0, 1, 2, 3].map(|group| stack.span(group)), [(0, 40), (40, 80), (80, 128), (128, 128)]);
    assert_eq!((stack.height(), stack.len(), stack.is_empty()), (128, 3, false));
    assert_eq!((stack.lane_top(2, 0), stack.lane_top(2, 3)), (86, 113));
    assert_eq!((Stack::default().height(), Stack::default().is_empty()), (0, true));
}

#[test]
fn a_height_names_the_group_and_the_lane_there() {
    let stack = Stack::new(vec![4, 2], |_| false);
    for (y, wanted) in [
        (0, Some((0, None))),
        (5, Some((0, None))),
        (6, Some((0, Some(0)))),
        (14, Some((0, Some(0)))),
        (15, Some((0, Some(1)))),
        (41, Some((0, Some(3)))),
        (42, Some((0, None))),
        (47, Some((0, None))),
        (48, Some((1, None))),
        (54, Some((1, Some(0)))),
        (71, Some((1, Some(1)))),
        (72, Some((1, None))),
        (87, Some((1, None))),
        (88, None),
    ] {
        assert_eq!(stack.at(y), wanted, "{y}");
    }
}

#[test]
fn a_window_shows_the_groups_and_lanes_that_it_touches() {
    let stack = Stack::new(vec![4, 2, 4], |_| false);
    for (top, bottom, groups) in
        [(0, 48, 0..1), (0, 49, 0..2), (47, 48, 0..1), (48, 88, 1..2), (87, 89, 1..3), (88, 500, 2..3), (136, 500, 3..3)]
    {
        assert_eq!(stack.groups(top, bottom), groups, "{top} to {bottom}");
    }
    for (top, bottom, lanes) in [
        (0, 500, 0..4),
        (94, 95, 0..1),
        (94, 103, 0..1),
        (94, 104, 0..2),
        (102, 103, 0..1),
        (103, 112, 1..2),
        (121, 500, 3..4),
        (130, 500, 4..4),
        (0, 94, 0..0),
    ] {
        assert_eq!(stack.lanes(2, top, bottom), lanes, "{top} to {bottom}");
    }
    assert_eq!(stack.lanes(3, 0, 500), 0..0, "there is no fourth group");
}
