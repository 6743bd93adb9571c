//! Latencies in buckets: counting one costs an addition, keeping millions some kilobytes.
//!
//! Buckets grow with their values; a quantile is at most 1.6 % above the true one. The largest
//! value is kept exactly.

use std::time::Duration;

/// Buckets per power of two.
const STEPS: u64 = 64;
/// Powers of two above the first: from 1 µs to more than an hour.
const OCTAVES: u64 = 27;

/// Durations from one microsecond up.
#[derive(Clone)]
pub struct Histogram {
    buckets: Vec<u32>,
    count: u64,
    max: Duration,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: vec![0; (STEPS * (OCTAVES + 1)) as usize], count: 0, max: Duration::ZERO }
    }
}

impl Histogram {
    pub fn record(&mut self, value: Duration) {
        let micros = u64::try_from(value.as_micros()).unwrap_or(u64::MAX);
        let last = self.buckets.len() - 1;
        self.buckets[bucket(micros).min(last)] += 1;
        self.count += 1;
        self.max = self.max.max(value);
    }

    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine += theirs;
        }
        self.count += other.count;
        self.max = self.max.max(other.max);
    }

    pub const fn count(&self) -> u64 {
        self.count
    }

    /// In milliseconds.
    pub fn max_ms(&self) -> f64 {
        self.max.as_secs_f64() * 1e3
    }

    /// The value that `share` (0 to 1) of all do not exceed, in milliseconds; 0 if there are none.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        let wanted = ((self.count as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        for (at, n) in self.buckets.iter().enumerate() {
            seen += u64::from(*n);
            if seen >= wanted {
                return (upper(at as u64) as f64 / 1e3).min(self.max_ms());
            }
        }
        self.max_ms()
    }
}

/// Below `2 * STEPS` every microsecond has its bucket; from there each power of two has `STEPS`.
const fn bucket(micros: u64) -> usize {
    if micros < 2 * STEPS {
        return micros as usize;
    }
    let shift = micros.ilog2() - STEPS.ilog2();
    (shift as u64 * STEPS + (micros >> shift)) as usize
}

/// The largest number of microseconds in a bucket.
const fn upper(bucket: u64) -> u64 {
    if bucket < 2 * STEPS {
        return bucket;
    }
    let shift = bucket / STEPS - 1;
    ((bucket % STEPS + STEPS + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_bucket_and_buckets_do_not_overlap() {
        for micros in (0..5000).chain([65_535, 65_536, 1 << 20, 3_600_000_000]) {
            let at = bucket(micros);

            assert!(micros <= upper(at as u64), "{micros}");
            assert!(at == 0 || micros > upper(at as u64 - 1), "{micros}");
        }
    }

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
            assert!((truth..truth * 1.016).contains(&found), "{share}: {found}");
        }
    }

    #[test]
    fn values_beyond_the_last_bucket_are_counted_and_the_maximum_is_exact() {
        let mut all = Histogram::default();

        all.record(Duration::from_secs(1_000_000));

        assert_eq!(all.count(), 1);
        assert!((all.max_ms() - 1e9).abs() < 1.0);
    }
}
