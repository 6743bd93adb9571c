//! Limits how often one network may do things that cost something and need no credential.

use super::local::network;
use model::clock::{Clock, Instant};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Networks remembered. When all of them are busy, further networks share one allowance.
const NETWORKS: usize = 10_000;

/// Allows a burst, then one more per interval, counted per network. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Throttle {
    burst: u32,
    pace: Duration,
    /// When a network will have its whole allowance back.
    full_at: Arc<Mutex<HashMap<Option<IpAddr>, Instant>>>,
    clock: Clock,
}

impl Throttle {
    pub fn new(burst: u32, pace: Duration, clock: Clock) -> Self {
        Self { burst, pace, full_at: Arc::default(), clock }
    }

    /// Uses one unit of an address's allowance.
    ///
    /// # Errors
    /// How long the address must wait for the next unit.
    pub fn take(&self, address: Option<IpAddr>) -> Result<(), Duration> {
        let now = self.clock.instant();
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let mut who = address.map(network);
        if full_at.len() >= NETWORKS && !full_at.contains_key(&who) {
            full_at.retain(|_, at| *at > now);
            if full_at.len() >= NETWORKS {
                who = None;
            }
        }
        let begin = full_at.get(&who).copied().unwrap_or(now).max(now);
        let used_up = self.pace * self.burst.saturating_sub(1);
        let waits = begin.duration_since(now).saturating_sub(used_up);
        if waits > Duration::ZERO {
            return Err(waits);
        }
        full_at.insert(who, begin + self.pace);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::clock::MockClock;
    use std::net::Ipv4Addr;

    fn nth(n: usize) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + n as u32))
    }

    #[test]
    fn a_network_has_its_burst_and_then_one_at_a_time() {
        let mock = MockClock::new(0);
        let throttle = Throttle::new(3, Duration::from_secs(5), mock.clock());
        for _ in 0..3 {
            assert_eq!(throttle.take(Some(nth(1))), Ok(()));
        }
        assert_eq!(throttle.take(Some(nth(1))), Err(Duration::from_secs(5)));
        assert_eq!(throttle.take(Some(nth(2))), Ok(()), "another one is not concerned");
        mock.advance(Duration::from_secs(5));
        assert_eq!(throttle.take(Some(nth(1))), Ok(()));
        assert_eq!(throttle.take(Some(nth(1))), Err(Duration::from_secs(5)));
    }

    #[test]
    fn any_number_of_networks_takes_a_bounded_amount_of_memory() {
        let mock = MockClock::new(0);
        let throttle = Throttle::new(2, Duration::from_secs(5), mock.clock());
        for n in 0..NETWORKS * 3 {
            let _ = throttle.take(Some(nth(n)));
        }
        assert!(throttle.full_at.lock().unwrap().len() <= NETWORKS + 1);
        assert!(throttle.take(Some(nth(NETWORKS * 4))).is_err(), "those beyond share one allowance");
        mock.advance(Duration::from_mins(1));
        assert_eq!(throttle.take(Some(nth(NETWORKS * 4))), Ok(()), "what is idle is forgotten");
    }
}
