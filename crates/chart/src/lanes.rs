//! Packs bars into lanes, and makes the marks that show a window of them at the resolution of a screen.
//!
//! The cost depends on what is shown: a window of `p` pixels over a lane of `n` bars is made in O(p log n), however
//! many bars fall into one pixel.

use std::{cmp::Reverse, collections::BinaryHeap};

/// The end of a bar that goes on.
pub const OPEN: i64 = i64::MAX;
/// How many units of a mark's position and length make one pixel.
pub const UNITS: i64 = 4;

/// The state of a bar, the least remarkable first: where several bars share a pixel, the most remarkable state is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Done,
    /// Ended without an outcome.
    Quiet,
    Running,
    Lost,
    Failed,
}

impl Kind {
    pub const ALL: [Self; 5] = [Self::Done, Self::Quiet, Self::Running, Self::Lost, Self::Failed];

    const fn number(self) -> u32 {
        self as u32
    }

    fn of(number: u32) -> Self {
        Self::ALL.get(number as usize).copied().unwrap_or(Self::Quiet)
    }
}

/// Something that took time, such as an attempt of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    pub key: i64,
    /// Milliseconds; not after `to`.
    pub from: i64,
    /// Milliseconds, or [`OPEN`].
    pub to: i64,
    /// Cores that it uses during that time.
    pub threads: u32,
    pub kind: Kind,
}

/// Bars on as few lanes as they need; bars on the same lane do not overlap.
#[derive(Clone, Debug, Default)]
pub struct Lanes {
    /// Lane by lane, each lane by start.
    bars: Vec<Bar>,
    /// Where each lane begins in `bars`, and where the last one ends.
    first: Vec<u32>,
    /// How many bars of each remarkable kind precede each bar in its lane.
    before: Vec<[u32; 4]>,
}

impl Lanes {
    /// Packs bars: in order of their starts, each on the lowest lane that is free at that time. Later bars never move
    /// bars that began before them.
    pub fn pack(mut bars: Vec<Bar>) -> Self {
        bars.sort_unstable_by_key(|bar| (bar.from, bar.key));
        let mut busy: BinaryHeap<Reverse<(i64, u32)>> = BinaryHeap::new();
        let mut free: BinaryHeap<Reverse<u32>> = BinaryHeap::new();
        let mut lane_of = Vec::with_capacity(bars.len());
        let mut lanes = 0;
        for bar in &bars {
            while let Some(&Reverse((until, lane))) = busy.peek()
                && until <= bar.from
            {
                busy.pop();
                free.push(Reverse(lane));
            }
            let lane = free.pop().map_or(lanes, |Reverse(lane)| lane);
            lanes = lanes.max(lane + 1);
            lane_of.push(lane);
            busy.push(Reverse((bar.to.max(bar.from.saturating_add(1)), lane)));
        }
        let mut first = vec![0_u32; lanes as usize + 1];
        for &lane in &lane_of {
            first[lane as usize + 1] += 1;
        }
        for lane in 0..lanes as usize {
            first[lane + 1] += first[lane];
        }
        let mut next: Vec<u32> = first.clone();
        let mut placed: Vec<Bar> = bars.clone();
        for (bar, &lane) in bars.iter().zip(&lane_of) {
            placed[next[lane as usize] as usize] = *bar;
            next[lane as usize] += 1;
        }
        let mut before = Vec::with_capacity(placed.len());
        for lane in first.windows(2) {
            let mut seen = [0; 4];
            for bar in &placed[lane[0] as usize..lane[1] as usize] {
                before.push(seen);
                if let Some(n) = seen.get_mut((bar.kind.number() as usize).wrapping_sub(1)) {
                    *n += 1;
                }
            }
        }
        Self { bars: placed, first, before }
    }

    /// Number of lanes.
    pub fn len(&self) -> u32 {
        self.first.len().saturating_sub(1) as u32
    }

    pub fn is_empty(&self) -> bool {
        self.bars.is_empty()
    }

    /// All bars, lane by lane.
    pub fn bars(&self) -> &[Bar] {
        &self.bars
    }

    /// The bars of one lane by start; empty if there is no such lane.
    pub fn lane(&self, lane: u32) -> &[Bar] {
        let at = |lane: u32| self.first.get(lane as usize).map_or(self.bars.len(), |at| *at as usize);
        &self.bars[at(lane)..at(lane.saturating_add(1))]
    }

    /// The bar of a lane at a time, or the next bar within `reach` milliseconds.
    pub fn at(&self, lane: u32, time: i64, reach: i64) -> Option<&Bar> {
        let bars = self.lane(lane);
        let next = bars.partition_point(|bar| bar.to <= time);
        let near = |bar: &&Bar| bar.from.saturating_sub(time) <= reach && time.saturating_sub(bar.to) <= reach;
        bars.get(next).filter(near).or_else(|| next.checked_sub(1).and_then(|last| bars.get(last)).filter(near))
    }

    /// The lane of a bar, by its key; searches all bars.
    pub fn lane_of(&self, key: i64) -> Option<u32> {
        let at = self.bars.iter().position(|bar| bar.key == key)? as u32;
        Some(self.first.partition_point(|first| *first <= at) as u32 - 1)
    }

    /// The most remarkable kind among the bars `from..to` of the whole list, which must lie in one lane.
    fn worst(&self, from: usize, to: usize) -> Kind {
        let counted = |kind: Kind| {
            let at = kind.number() as usize - 1;
            let last = self.before[to - 1][at] + u32::from(self.bars[to - 1].kind == kind);
            last > self.before[from][at]
        };
        Kind::ALL.into_iter().rev().find(|&kind| kind == Kind::Done || counted(kind)).unwrap_or(Kind::Done)
    }

    /// The marks of one lane between two times, with `unit` milliseconds to a quarter of a pixel.
    ///
    /// Bars narrower than a pixel that begin in the same pixel share a mark, so there are at most two marks per pixel.
    /// Adjacent marks of the same kind are merged if none of their bars can be distinguished.
    ///
    /// A window that ends before it begins, or that has no scale, shows nothing.
    pub fn marks(&self, lane: u32, from: i64, to: i64, unit: f64) -> Vec<Mark> {
        let Some(&start) = self.first.get(lane as usize).filter(|_| from < to && unit > 0.0) else { return Vec::new() };
        let (start, bars) = (start as usize, self.lane(lane));
        let pixel = (unit * UNITS as f64).max(1.0);
        let place = |time: i64| (time.clamp(from, to).saturating_sub(from) as f64 / unit).round() as u32;
        let mut marks: Vec<Mark> = Vec::new();
        let mut at = bars.partition_point(|bar| bar.to < from);
        while let Some(bar) = bars.get(at).filter(|bar| bar.from < to) {
            let narrow = |bar: &Bar| bar.to != OPEN && (bar.to.saturating_sub(bar.from) as f64) < pixel;
            if !narrow(bar) {
                let first = place(bar.from);
                marks.push(Mark { from: first, to: place(bar.to).max(first.saturating_add(1)), kind: bar.kind, merged: false });
                at += 1;
                continue;
            }
            // All narrow bars that begin in this pixel. Only the last bar before the next pixel can be a wide one.
            let pixels = (bar.from.saturating_sub(from) as f64 / pixel).floor() + 1.0;
            let edge = from.saturating_add((pixels * pixel).ceil() as i64);
            let mut end = at + bars[at..].partition_point(|bar| bar.from < edge);
            if end > at + 1 && !narrow(&bars[end - 1]) {
                end -= 1;
            }
            let end = end.max(at + 1);
            let kind = self.worst(start + at, start + end);
            let first = place(bar.from);
            let last = place(bars[end - 1].to).max(first.saturating_add(1));
            match marks.last_mut() {
                Some(held) if held.merged && held.kind == kind && first <= held.to.saturating_add(1) => held.to = last.max(held.to),
                _ => marks.push(Mark { from: first, to: last, kind, merged: true }),
            }
            at = end;
        }
        marks
    }
}

/// What is drawn for one bar, or for several that cannot be distinguished on a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Quarters of a pixel from the window's start.
    pub from: u32,
    pub to: u32,
    pub kind: Kind,
    /// The mark stands for bars narrower than a pixel.
    pub merged: bool,
}

/// Marks of one lane in compact form: for each mark the distance from the previous one, then its length and kind.
///
/// A mark longer than 2^29 units, a hundred million pixels, is shortened to that length.
pub fn pack(marks: &[Mark]) -> Vec<u32> {
    const LONGEST: u32 = u32::MAX / 8;
    let mut end = 0;
    let mut words = Vec::with_capacity(marks.len() * 2);
    for mark in marks {
        // Two marks in the same pixel may overlap because of rounding.
        let from = mark.from.max(end);
        let long = (mark.to.max(from.saturating_add(1)) - from).min(LONGEST);
        words.push(from - end);
        words.push(long * 8 + mark.kind.number());
        end = from + long;
    }
    words
}

/// Decodes what [`pack`] encoded: start and end in quarters of a pixel, and the kind.
pub fn unpack(words: &[u32]) -> impl Iterator<Item = (u32, u32, Kind)> + '_ {
    let mut end = 0_u32;
    words.chunks_exact(2).map(move |pair| {
        let from = end.saturating_add(pair[0]);
        end = from.saturating_add(pair[1] / 8);
        (from, end, Kind::of(pair[1] % 8))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bars() -> impl Strategy<Value = Vec<Bar>> {
        let bar = (0..10_000_i64, 0..600_i64, 0..40_u32, 1..8_u32);
        proptest::collection::vec(bar, 0..300).prop_map(|bars| {
            let bar = |(key, (from, long, kind, threads)): (usize, (i64, i64, u32, u32))| {
                let kind = if kind < 4 { Kind::ALL[kind as usize + 1] } else { Kind::Done };
                let to = if kind == Kind::Running { OPEN } else { from + long };
                Bar { key: key as i64, from, to, threads, kind }
            };
            bars.into_iter().enumerate().map(bar).collect()
        })
    }

    proptest! {
        #[test]
        fn lanes_hold_every_bar_once_and_no_two_overlap(bars in bars()) {
            let lanes = Lanes::pack(bars.clone());
            let mut keys: Vec<i64> = lanes.bars().iter().map(|bar| bar.key).collect();
            keys.sort_unstable();
            prop_assert_eq!(keys, (0..bars.len() as i64).collect::<Vec<_>>());
            for lane in 0..lanes.len() {
                let held = lanes.lane(lane);
                prop_assert!(!held.is_empty());
                prop_assert!(held.windows(2).all(|pair| pair[0].to.max(pair[0].from + 1) <= pair[1].from));
                prop_assert!(held.iter().all(|bar| lanes.lane_of(bar.key) == Some(lane)));
            }
            // As few lanes as possible: as many as bars run at the busiest moment.
            let busiest = bars.iter().map(|one| bars.iter().filter(|bar| bar.from <= one.from && bar.to.max(bar.from + 1) > one.from).count()).max();
            prop_assert_eq!(lanes.len() as usize, busiest.unwrap_or(0));
        }

        #[test]
        fn a_window_has_two_marks_to_a_pixel_at_most_and_hides_nothing_remarkable(
            bars in bars(), from in -500..9_000_i64, span in 10..12_000_i64, pixels in 1..900_i64,
        ) {
            let lanes = Lanes::pack(bars);
            let to = from + span;
            let unit = span as f64 / (pixels * UNITS) as f64;
            for lane in 0..lanes.len() {
                let marks = lanes.marks(lane, from, to, unit);
                prop_assert!(marks.len() as i64 <= 2 * pixels + 2);
                let packed = pack(&marks);
                let drawn: Vec<_> = unpack(&packed).collect();
                prop_assert_eq!(drawn.len(), marks.len());
                prop_assert!(drawn.windows(2).all(|pair| pair[0].1 <= pair[1].0));
                let near = |bar: &Bar, slack: u32| {
                    let place = |time: i64| ((time.clamp(from, to) - from) as f64 / unit) as u32;
                    let (first, last) = (place(bar.from), place(bar.to));
                    marks.iter().filter(move |mark| mark.from <= last + slack && mark.to + slack >= first).map(|mark| mark.kind).max()
                };
                for bar in lanes.lane(lane).iter().filter(|bar| bar.to > from && bar.from < to) {
                    prop_assert!(near(bar, 2) >= Some(bar.kind), "{bar:?} is not in {marks:?}");
                }
            }
        }
    }

    #[test]
    fn a_bar_is_found_where_it_is_and_a_little_beside() {
        let bar = |key, from, to| Bar { key, from, to, threads: 1, kind: Kind::Done };
        let lanes = Lanes::pack(vec![bar(1, 0, 100), bar(2, 120, 200)]);
        let at = |time| lanes.at(0, time, 5).map(|bar| bar.key);
        assert_eq!([at(0), at(99), at(103), at(110), at(116), at(150), at(206)], [Some(1), Some(1), Some(1), None, Some(2), Some(2), None]);
        assert_eq!(lanes.at(7, 0, 5), None);
    }
}
