//! How much runs at a time: bars and their cores summed over time, with the peak of any span.
//!
//! Every function terminates, whatever numbers it gets: a result that does not fit its type becomes the largest value of the type.

use crate::{
    along,
    lanes::{Bar, OPEN},
};

/// How many parts one answer has at most: more than any screen has pixels.
pub const COLUMNS: u32 = 1 << 16;

/// The number of running bars and of cores in use, at every moment.
#[derive(Clone, Debug, Default)]
pub struct Curve {
    /// Moments at which something changes, in order (ms).
    at: Vec<i64>,
    /// From each moment on: running bars, cores in use.
    level: Vec<(u32, u32)>,
    /// Up to and including each moment: bars begun, bars ended.
    passed: Vec<(u32, u32)>,
    /// Core-milliseconds up to each moment.
    area: Vec<i64>,
    /// The largest levels of blocks of moments, for ever larger blocks.
    peaks: Vec<Vec<(u32, u32)>>,
}

/// What happened in a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Bars that ran at any time in the span.
    pub bars: u32,
    pub core_ms: i64,
    /// The highest number of bars at once, and when it was first reached.
    pub busiest: u32,
    pub busiest_at: i64,
    /// The highest number of cores at once.
    pub cores: u32,
}

impl Curve {
    /// The curve of bars. A bar that has not ended counts to the end of time.
    pub fn new<'a>(bars: impl Iterator<Item = &'a Bar>) -> Self {
        let mut steps: Vec<(i64, bool, u32)> = Vec::new();
        for bar in bars {
            steps.push((bar.from, true, bar.threads));
            let to = bar.to.max(bar.from.saturating_add(1));
            if to != OPEN {
                steps.push((to, false, bar.threads));
            }
        }
        steps.sort_unstable();
        let mut curve = Self::default();
        // A number of cores above `u32::MAX` is counted exactly, but shown as `u32::MAX`.
        let (mut running, mut cores, mut begun, mut ended, mut area) = (0_u32, 0_u64, 0_u32, 0_u32, 0_i64);
        let shown = |cores: u64| u32::try_from(cores).unwrap_or(u32::MAX);
        for (at, begins, threads) in steps {
            if curve.at.last() != Some(&at) {
                let passed = curve.at.last().map_or(0, |last| at.saturating_sub(*last));
                area = area.saturating_add(i64::from(shown(cores)).saturating_mul(passed));
                curve.at.push(at);
                curve.area.push(area);
                curve.passed.push((0, 0));
                curve.level.push((0, 0));
            }
            if begins {
                (running, cores, begun) = (running + 1, cores + u64::from(threads), begun + 1);
            } else {
                (running, cores, ended) = (running - 1, cores - u64::from(threads), ended + 1);
            }
            let last = curve.at.len() - 1;
            (curve.level[last], curve.passed[last]) = ((running, shown(cores)), (begun, ended));
        }
        curve.climb();
        curve
    }

    /// Builds the peaks of blocks of 2, 4, 8, … moments.
    fn climb(&mut self) {
        let mut below = self.level.clone();
        while below.len() > 1 {
            let above: Vec<_> = below.chunks(2).map(|pair| pair.iter().fold((0, 0), |most, one| larger(most, *one))).collect();
            self.peaks.push(above.clone());
            below = above;
        }
    }

    /// The largest levels among the moments `from..to`, in O(log n).
    fn most(&self, from: usize, to: usize) -> (u32, u32) {
        let (mut low, mut high, mut most) = (from, to.min(self.level.len()), (0, 0));
        let mut floor: &[(u32, u32)] = &self.level;
        let mut peaks = self.peaks.iter();
        while low < high {
            if low % 2 == 1 {
                most = larger(most, floor[low]);
                low += 1;
            }
            if high % 2 == 1 {
                high -= 1;
                most = larger(most, floor[high]);
            }
            (low, high) = (low / 2, high / 2);
            match peaks.next() {
                Some(next) => floor = next,
                None => break,
            }
        }
        most
    }

    /// The highest numbers of bars and of cores at once between two times.
    pub fn peak(&self, from: i64, to: i64) -> (u32, u32) {
        let first = self.at.partition_point(|at| *at <= from);
        let last = self.at.partition_point(|at| *at < to);
        self.highest(first, last)
    }

    /// The largest levels from the moment before `first` to the one before `last`.
    fn highest(&self, first: usize, last: usize) -> (u32, u32) {
        let before = first.checked_sub(1).map_or((0, 0), |at| self.level[at]);
        larger(before, self.most(first, last.max(first)))
    }

    /// The peaks of `columns` equal parts of a span, at most [`COLUMNS`].
    ///
    /// Each part is found from the previous one: a part with m moments costs O(log m).
    pub fn columns(&self, from: i64, to: i64, columns: u32) -> Vec<(u32, u32)> {
        let columns = columns.min(COLUMNS);
        let (mut begin, mut first, mut last) = (from, 0, 0);
        let part = |column: u32| {
            let end = along(from, to, f64::from(column) / f64::from(columns));
            // Stay within the span, even if a part is shorter than a millisecond.
            let start = begin.min(to.saturating_sub(1));
            let stop = end.max(start.saturating_add(1));
            first = self.seek(first, |at| at <= start);
            last = self.seek(last, |at| at < stop);
            begin = end;
            self.highest(first, last)
        };
        (1..=columns).map(part).collect()
    }

    /// How many moments satisfy `before`, searched from `near` on: fast if the result is close to `near`.
    fn seek(&self, near: usize, before: impl Fn(i64) -> bool) -> usize {
        let is_before = |at: &i64| before(*at);
        if near.checked_sub(1).and_then(|last| self.at.get(last)).is_some_and(|at| !before(*at)) {
            return self.at.partition_point(is_before); // It lies before `near`.
        }
        let (mut low, mut step) = (near.min(self.at.len()), 1);
        while self.at.get(low + step - 1).is_some_and(is_before) {
            low += step;
            step *= 2;
        }
        let high = (low + step - 1).min(self.at.len());
        low + self.at[low..high].partition_point(is_before)
    }

    /// Core-milliseconds up to a time.
    fn area_at(&self, time: i64) -> i64 {
        match self.at.partition_point(|at| *at <= time).checked_sub(1) {
            None => 0,
            Some(at) => {
                let since = time.saturating_sub(self.at[at]);
                self.area[at].saturating_add(i64::from(self.level[at].1).saturating_mul(since))
            }
        }
    }

    /// What happened between two times.
    pub fn sums(&self, from: i64, to: i64) -> Sums {
        if from >= to || self.at.is_empty() {
            return Sums { busiest_at: from, ..Sums::default() };
        }
        // Bars that began before the span's end, minus those that had ended by its start.
        let passed = |moments: usize| moments.checked_sub(1).map_or((0, 0), |at| self.passed[at]);
        let begun = passed(self.at.partition_point(|at| *at < to)).0;
        let ended = passed(self.at.partition_point(|at| *at <= from)).1;
        let (busiest, cores) = self.peak(from, to);
        Sums {
            bars: begun - ended,
            core_ms: self.area_at(to).saturating_sub(self.area_at(from)),
            busiest,
            busiest_at: self.first_at(from, to, busiest),
            cores,
        }
    }

    /// The first moment of a span at which `wanted` bars run, in O(log² n).
    ///
    /// The level changes only at the moments of the curve, so only the span's start and the moments within it are
    /// searched, however long the span is.
    fn first_at(&self, from: i64, to: i64, wanted: u32) -> i64 {
        let first = self.at.partition_point(|at| *at <= from);
        let before = first.checked_sub(1).map_or(0, |at| self.level[at].0);
        if before >= wanted {
            return from;
        }
        let last = self.at.partition_point(|at| *at < to);
        let (mut low, mut high) = (first, last);
        // The peak of a range of moments that starts at the first one only grows with the range.
        while low < high {
            let middle = low.midpoint(high);
            if self.most(first, middle + 1).0 >= wanted {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        self.at.get(low).copied().unwrap_or(from)
    }

    /// Spans of at least `least` milliseconds in which nothing runs, between the first and the last moment.
    pub fn gaps(&self, least: i64) -> Vec<(i64, i64)> {
        let pairs = self.at.windows(2).zip(&self.level);
        pairs.filter(|(pair, level)| level.0 == 0 && pair[1].saturating_sub(pair[0]) >= least).map(|(pair, _)| (pair[0], pair[1])).collect()
    }
}

fn larger(one: (u32, u32), other: (u32, u32)) -> (u32, u32) {
    (one.0.max(other.0), one.1.max(other.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::Kind;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_curve_says_what_counting_says(
            bars in proptest::collection::vec((0..400_i64, 1..90_i64, 1..9_u32, 0..20_u8), 0..60),
            from in -20..420_i64, span in 1..450_i64,
        ) {
            let bar = |(from, long, threads, open): (i64, i64, u32, u8)| {
                let to = if open == 0 { OPEN } else { from + long };
                Bar { key: 0, from, to, threads, kind: Kind::Done }
            };
            let bars: Vec<Bar> = bars.into_iter().map(bar).collect();
            let curve = Curve::new(bars.iter());
            let to = from + span;
            let at = |time: i64| bars.iter().filter(|bar| bar.from <= time && bar.to > time).fold((0, 0), |sum, bar| (sum.0 + 1, sum.1 + bar.threads));
            let most = (from..to).map(at).fold((0, 0), larger);
            prop_assert_eq!(curve.peak(from, to), most);
            let sums = curve.sums(from, to);
            prop_assert_eq!(sums.bars as usize, bars.iter().filter(|bar| bar.from < to && bar.to > from).count());
            prop_assert_eq!(sums.core_ms, (from..to).map(|time| i64::from(at(time).1)).sum::<i64>());
            prop_assert_eq!(sums.busiest, most.0);
            prop_assert_eq!(at(sums.busiest_at).0, most.0);
            prop_assert!((from..sums.busiest_at).all(|time| at(time).0 < most.0));
            for columns in [7, 300] {
                let part = |column: i64| {
                    let edge = |column: i64| from + (span as f64 * (column as f64 / f64::from(columns))).round() as i64;
                    let start = edge(column).min(to - 1);
                    curve.peak(start, edge(column + 1).max(start + 1))
                };
                prop_assert_eq!(curve.columns(from, to, columns), (0..i64::from(columns)).map(part).collect::<Vec<_>>());
                prop_assert_eq!(curve.columns(from, to, columns).into_iter().fold((0, 0), larger), most);
            }
            for (start, end) in curve.gaps(5) {
                prop_assert!(end - start >= 5 && (start..end).all(|time| at(time).0 == 0) && at(end).0 > 0);
            }
        }
    }
}
