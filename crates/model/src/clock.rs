//! Clocks as they are handed to code: what time it is, and how much time has passed.
//!
//! Nothing here reads a clock of the machine. The server's clock is `store::clock::system`; a test moves a [`MockClock`].

use crate::Millis;
use std::{
    ops::Add,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// A moment of a clock that is never set back. Moments of different clocks cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(Duration);

impl Instant {
    /// The time since `earlier`; zero if `earlier` is later.
    #[must_use]
    pub const fn duration_since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        Self(self.0.saturating_add(time))
    }
}

/// Tells the time. Cheap to clone; reading costs as much as reading the source itself.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    Machine { now: fn() -> Millis, passed: fn() -> Duration },
    Mock(MockClock),
}

impl Clock {
    /// A clock that reads the machine's: `now` in milliseconds since 1970, and the time `passed` since some fixed moment.
    pub const fn new(now: fn() -> Millis, passed: fn() -> Duration) -> Self {
        Self(Source::Machine { now, passed })
    }

    /// Milliseconds since 1970. May jump, also backwards, when the machine's clock is set.
    pub fn now(&self) -> Millis {
        match &self.0 {
            Source::Machine { now, .. } => now(),
            Source::Mock(mock) => mock.now(),
        }
    }

    /// The present moment, to measure from and to compare with.
    pub fn instant(&self) -> Instant {
        Instant(match &self.0 {
            Source::Machine { passed, .. } => passed(),
            Source::Mock(mock) => mock.read(),
        })
    }

    /// The time since `earlier`.
    pub fn since(&self, earlier: Instant) -> Duration {
        self.instant().duration_since(earlier)
    }

    /// The time left until `later`; zero once that is reached.
    pub fn until(&self, later: Instant) -> Duration {
        later.duration_since(self.instant())
    }
}

/// A clock that stands still until a test moves it. Clones are the same clock.
#[derive(Clone, Debug)]
pub struct MockClock(Arc<Mock>);

#[derive(Debug)]
struct Mock {
    /// The time at the beginning, in milliseconds since 1970.
    begin: Millis,
    /// Nanoseconds since the beginning.
    passed: AtomicU64,
    /// Nanoseconds by which every reading of an [`Instant`] moves the clock.
    step: u64,
}

impl MockClock {
    /// A clock that begins at `now`, in milliseconds since 1970.
    pub fn new(now: Millis) -> Self {
        Self::stepping(now, Duration::ZERO)
    }

    /// A clock that moves by `step` whenever its instant is read, for code that works until its time is over.
    pub fn stepping(now: Millis, step: Duration) -> Self {
        Self(Arc::new(Mock { begin: now, passed: AtomicU64::new(0), step: nanos(step) }))
    }

    /// The handle that code under test is given.
    pub fn clock(&self) -> Clock {
        Clock(Source::Mock(self.clone()))
    }

    /// Moves the clock forward.
    pub fn advance(&self, time: Duration) {
        self.0.passed.fetch_add(nanos(time), Ordering::SeqCst);
    }

    fn now(&self) -> Millis {
        self.0.begin + (self.0.passed.load(Ordering::SeqCst) / 1_000_000) as Millis
    }

    fn read(&self) -> Duration {
        Duration::from_nanos(self.0.passed.fetch_add(self.0.step, Ordering::SeqCst))
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mock_clock_stands_still_until_it_is_moved() {
        let mock = MockClock::new(1_000);
        let clock = mock.clock();
        let began = clock.instant();
        assert_eq!((clock.now(), clock.since(began)), (1_000, Duration::ZERO));

        mock.advance(Duration::from_millis(1_500));

        assert_eq!((clock.now(), clock.since(began)), (2_500, Duration::from_millis(1_500)));
        assert_eq!(clock.until(began + Duration::from_secs(2)), Duration::from_millis(500));
        assert_eq!(clock.until(began), Duration::ZERO, "that moment is over");
    }

    #[test]
    fn a_stepping_clock_moves_with_every_reading() {
        let clock = MockClock::stepping(0, Duration::from_secs(1)).clock();
        let began = clock.instant();

        assert_eq!([clock.since(began), clock.since(began)], [Duration::from_secs(1), Duration::from_secs(2)]);
    }
}
