//! Outlines of counts over time: the strip above the list of runs, and the areas of a timeline.
//!
//! Each outline is the path of an SVG. Lengths are integers, because floats would cost kilobytes of WASM.

use std::fmt::Write as _;

/// Width of the strip, and its baseline, in tenths.
const WIDTH: i64 = 6400;
const BASE: i64 = 390;

/// The outlines of the strip: 640 units wide, with its baseline at 39.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outlines {
    /// The area below the running jobs.
    pub area: String,
    pub running: String,
    pub finished: String,
    /// A bar below the baseline for each step in which something failed.
    pub failed: String,
}

impl Outlines {
    /// The outlines of (running, finished, failed) jobs in equal steps of time. Each outline is scaled to its own peak;
    /// all are empty if there are no steps.
    pub fn of(steps: &[(i64, i64, i64)]) -> Self {
        if steps.is_empty() {
            return Self::default();
        }
        let x = |at: usize| WIDTH * at as i64 / (steps.len().max(2) as i64 - 1);
        let peak = |value: fn(&(i64, i64, i64)) -> i64| steps.iter().map(value).max().unwrap_or(0).max(1);
        let line = |value: fn(&(i64, i64, i64)) -> i64| {
            let most = peak(value);
            let mut path = String::new();
            for (at, step) in steps.iter().enumerate() {
                path.push(if at == 0 { 'M' } else { 'L' });
                tenths(&mut path, x(at));
                tenths(&mut path, BASE - 10 - value(step).max(0).saturating_mul(BASE - 50) / most);
            }
            path
        };
        let running = line(|step| step.0);
        let most = peak(|step| step.2);
        let mut failed = String::new();
        for (at, step) in steps.iter().enumerate().filter(|(_, step)| step.2 > 0) {
            let height = 20 + step.2.saturating_mul(60) / most;
            failed.push('M');
            tenths(&mut failed, (x(at) - 30).max(0));
            let _ = write!(failed, "40h6v{}.{}h-6z", height / 10, height % 10);
        }
        Self { area: format!("{running}L640 39L0 39Z"), finished: line(|step| step.1), running, failed }
    }
}

fn tenths(path: &mut String, value: i64) {
    let _ = write!(path, "{}.{} ", value / 10, value % 10);
}

/// Appends an area of counts, `width` units wide, on the baseline `bottom`; the count `peak` is `height` units high.
pub fn area(path: &mut String, counts: &[u32], peak: u32, width: u32, (bottom, height): (u32, u32)) {
    let (columns, wide) = (counts.len().max(1) as u64, u64::from(width));
    let _ = write!(path, "M0 {bottom}");
    for (column, count) in (0_u64..).zip(counts) {
        let high = u64::from(*count) * u64::from(height) / u64::from(peak.max(1));
        let y = i64::from(bottom) - i64::try_from(high).unwrap_or(i64::MAX);
        let _ = write!(path, "L{} {y}H{}", column * wide / columns, (column + 1) * wide / columns);
    }
    let _ = write!(path, "V{bottom}z");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outline_reaches_from_edge_to_edge_and_its_peak_to_the_top() {
        let found = Outlines::of(&[(0, 2, 0), (4, 0, 3), (2, 1, 0)]);
        assert_eq!(found.running, "M0.0 38.0 L320.0 4.0 L640.0 21.0 ");
        assert_eq!(found.finished, "M0.0 4.0 L320.0 38.0 L640.0 21.0 ");
        assert_eq!(found.area, format!("{}L640 39L0 39Z", found.running));
        assert_eq!(found.failed, "M317.0 40h6v8.0h-6z", "one bar, for the only step in which something failed");
        assert_eq!(Outlines::of(&[]), Outlines::default());
    }

    #[test]
    fn an_area_has_a_column_for_each_count() {
        let mut path = String::new();
        area(&mut path, &[1, 4], 4, 100, (50, 20));
        assert_eq!(path, "M0 50L0 45H50L50 30H100V50z");
    }
}
