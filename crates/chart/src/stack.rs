//! The vertical positions of groups of lanes. Server and browser must agree on them, because the browser requests a vertical range.

use std::ops::Range;

/// The height of a lane, including the space below it.
pub const LANE: u32 = 9;
/// The space above and below the lanes of a group.
const PAD: u32 = 6;
/// The minimum height of a group: its label has two lines.
const LEAST: u32 = 40;
/// If there are more lanes than this in all, groups with more than [`FOLD_GROUP`] lanes are folded by default.
const FOLD_ALL: u32 = 160;
const FOLD_GROUP: u32 = 8;

/// The heights of groups, some of them folded to one row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stack {
    tops: Vec<u32>,
    folded: Vec<bool>,
    lanes: Vec<u32>,
}

impl Stack {
    /// Groups with these numbers of lanes. For groups for which `turned` is true, the default folding is reversed.
    pub fn new(lanes: Vec<u32>, turned: impl Fn(usize) -> bool) -> Self {
        let many = lanes.iter().map(|lanes| u64::from(*lanes)).sum::<u64>() > u64::from(FOLD_ALL);
        let folded: Vec<bool> = lanes.iter().enumerate().map(|(group, &lanes)| (many && lanes > FOLD_GROUP) != turned(group)).collect();
        let mut tops = vec![0];
        for (&lanes, &folded) in lanes.iter().zip(&folded) {
            let height = if folded { LEAST } else { lanes.saturating_mul(LANE).saturating_add(2 * PAD).max(LEAST) };
            tops.push(tops.last().copied().unwrap_or(0_u32).saturating_add(height));
        }
        Self { tops, folded, lanes }
    }

    /// The total height.
    pub fn height(&self) -> u32 {
        self.tops.last().copied().unwrap_or(0)
    }

    pub fn len(&self) -> usize {
        self.lanes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    /// The top and bottom of a group; the end of all groups if it does not exist.
    pub fn span(&self, group: usize) -> (u32, u32) {
        (self.top(group), self.top(group.saturating_add(1)))
    }

    fn top(&self, group: usize) -> u32 {
        self.tops.get(group).copied().unwrap_or_else(|| self.height())
    }

    /// The number of lanes of a group; 0 if it does not exist.
    fn count(&self, group: usize) -> u32 {
        self.lanes.get(group).copied().unwrap_or(0)
    }

    pub fn is_folded(&self, group: usize) -> bool {
        self.folded.get(group).copied().unwrap_or(false)
    }

    /// The top of a lane's bar.
    pub fn lane_top(&self, group: usize, lane: u32) -> u32 {
        self.top(group).saturating_add(PAD).saturating_add(lane.saturating_mul(LANE))
    }

    /// The groups between two vertical positions.
    pub fn groups(&self, top: u32, bottom: u32) -> Range<usize> {
        let first = self.tops.partition_point(|at| *at <= top).saturating_sub(1);
        let last = self.tops.partition_point(|at| *at < bottom).min(self.len());
        first.min(last)..last
    }

    /// The lanes of an unfolded group between two vertical positions.
    pub fn lanes(&self, group: usize, top: u32, bottom: u32) -> Range<u32> {
        let first = self.lane_top(group, 0);
        let last = bottom.saturating_sub(first).div_ceil(LANE).min(self.count(group));
        (top.saturating_sub(first) / LANE).min(last)..last
    }

    /// The group and lane at a vertical position; no lane in a folded group or in the space around lanes.
    pub fn at(&self, y: u32) -> Option<(usize, Option<u32>)> {
        let group = self.groups(y, y.saturating_add(1)).next()?;
        let lane = y.checked_sub(self.lane_top(group, 0)).map(|y| y / LANE).filter(|lane| *lane < self.count(group));
        Some((group, lane.filter(|_| !self.is_folded(group))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_at_a_height_is_what_was_put_there() {
        let stack = Stack::new(vec![3, 200, 12], |group| group == 2);
        assert_eq!((0..3).map(|group| stack.is_folded(group)).collect::<Vec<_>>(), [false, true, false]);
        assert_eq!(stack.height(), 40 + 40 + 12 * LANE + 12);
        for group in [0, 2] {
            for lane in 0..[3, 0, 12][group] {
                assert_eq!(stack.at(stack.lane_top(group, lane)), Some((group, Some(lane))));
            }
        }
        assert_eq!(stack.at(50), Some((1, None)));
        assert_eq!(stack.at(stack.height()), None);
        assert_eq!(stack.groups(0, 41), 0..2);
        assert_eq!(stack.groups(40, 80), 1..2);
        assert_eq!(stack.lanes(2, 0, 10_000), 0..12);
        assert_eq!(stack.lanes(2, 80 + 6 + 9 * 4, 80 + 6 + 9 * 6), 4..6);
        assert_eq!(stack.lanes(0, 0, 2), 0..0);
        assert_eq!(Stack::new(Vec::new(), |_| false).groups(0, 100), 0..0);
    }
}
