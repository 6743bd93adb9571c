//! Latencies as the benches record and report them: microseconds inside, milliseconds outside, two significant figures.

use hdrhistogram::Histogram as Buckets;
use std::time::Duration;

/// The longest time that is distinguished, in microseconds: an hour.
const LONGEST: u64 = 3_600_000_000;

/// Durations from one microsecond up.
#[derive(Clone)]
pub struct Histogram(Buckets<u32>);

impl Default for Histogram {
    fn default() -> Self {
        Self(Buckets::new_with_bounds(1, LONGEST, 2).expect("bounds that lie apart"))
    }
}

impl Histogram {
    pub fn record(&mut self, value: Duration) {
        self.0.saturating_record(u64::try_from(value.as_micros()).unwrap_or(u64::MAX));
    }

    pub fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("the same bounds");
    }

    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// In milliseconds.
    pub fn max_ms(&self) -> f64 {
        self.0.max() as f64 / 1e3
    }

    /// The value that a share of `share` (0 to 1) does not exceed, in milliseconds; 0 if nothing was recorded.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        self.0.value_at_quantile(share) as f64 / 1e3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_near_the_truth() {
        let mut all = Histogram::default();
        let mut other = Histogram::default();
        for millis in 1..=1000 {
            let half = if millis % 2 == 0 { &mut all } else { &mut other };
            half.record(Duration::from_millis(millis));
        }
        all.add(&other);

        assert_eq!(all.count(), 1000);
        for (share, truth) in [(0.5, 500.0), (0.95, 950.0), (0.99, 990.0), (1.0, 1000.0)] {
            let found = all.quantile_ms(share);
            assert!((truth..truth * 1.01).contains(&found), "{share}: {found}");
        }
    }

    #[test]
    fn what_takes_longer_than_an_hour_is_counted_as_an_hour() {
        let mut all = Histogram::default();

        all.record(Duration::from_secs(1_000_000));

        assert_eq!(all.count(), 1);
        assert!((all.max_ms() / 3_600_000.0 - 1.0).abs() < 0.01, "{}", all.max_ms());
    }
}
