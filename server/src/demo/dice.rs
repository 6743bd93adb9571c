//! The demo lab's dice: a small seeded random number generator (`SplitMix64`).
//!
//! The same seed gives the same lab on every machine and with every version of any
//! crate. Not for secrets.

use uuid::{Builder, Uuid};

/// A seeded stream of random numbers.
pub struct Dice {
    state: u64,
}

impl Dice {
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 bits.
    pub fn roll(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number in `0..1`.
    pub fn unit(&mut self) -> f64 {
        (self.roll() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number in `low..high`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A position in a list of `len`, which must not be empty.
    pub fn below(&mut self, len: usize) -> usize {
        assert!(len > 0, "nothing to choose from");
        (self.roll() % len as u64) as usize
    }

    /// True with probability `share`.
    pub fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// A position in `weights`, chosen with a probability proportional to its weight; `None` if the weights sum to zero.
    pub fn weighted(&mut self, weights: &[f64]) -> Option<usize> {
        let mut left = self.unit() * weights.iter().sum::<f64>();
        for (index, weight) in weights.iter().enumerate() {
            left -= weight;
            if *weight > 0.0 && left < 0.0 {
                return Some(index);
            }
        }
        weights.iter().rposition(|weight| *weight > 0.0)
    }

    /// A log-normal value around `median`.
    pub fn spread(&mut self, median: f64, sigma: f64) -> f64 {
        // The Box-Muller transform; 1 - unit() is never 0.
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        let normal = radius * (std::f64::consts::TAU * self.unit()).cos();
        median * (sigma * normal).exp()
    }

    /// Shuffles `list`.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.below(last + 1));
        }
    }

    /// An id in the form of a random UUID.
    pub fn uuid(&mut self) -> Uuid {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.roll().to_be_bytes());
        bytes[8..].copy_from_slice(&self.roll().to_be_bytes());
        Builder::from_random_bytes(bytes).into_uuid()
    }

    /// 64 hexadecimal digits, in the form of a digest.
    pub fn digest(&mut self) -> String {
        let quarters = [self.roll(), self.roll(), self.roll(), self.roll()];
        quarters.map(|bits| format!("{bits:016x}")).concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_stream_and_another_seed_another() {
        let stream = |seed| {
            let mut dice = Dice::new(seed);
            (dice.uuid(), dice.digest(), dice.roll())
        };

        assert_eq!(stream(7), stream(7));
        assert_ne!(stream(7), stream(8));
    }

    #[test]
    fn a_weight_of_nothing_is_never_chosen() {
        let mut dice = Dice::new(1);

        for _ in 0..1000 {
            assert_eq!(dice.weighted(&[0.0, 2.0, 0.0]), Some(1));
        }
        assert_eq!(dice.weighted(&[0.0, 0.0]), None);
        assert_eq!(dice.weighted(&[]), None);
    }

    #[test]
    fn half_of_a_spread_lies_below_its_median() {
        let mut dice = Dice::new(3);

        let below = (0..10_000).filter(|_| dice.spread(100.0, 0.8) < 100.0).count();

        assert!((4700..5300).contains(&below), "{below} of 10000");
    }

    #[test]
    fn ids_look_like_random_ones() {
        assert_eq!(Dice::new(5).uuid().get_version_num(), 4);
    }
}
