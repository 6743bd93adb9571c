//! Runs CPU-bound work off the threads that answer requests, limited in number and time, and only while somebody waits for the result.
//!
//! A closed page, a deadline and a stopping server end work through its [`Leash`], which the work's loops check. Work
//! that does not check it holds its turn until it is done; but nobody waits for it beyond the deadline.

use crate::ReadError;
use model::clock::{Clock, Instant};
use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};
use tracing::{error, warn};

/// How many pieces of work run at the same time, besides layouts, which have turns of their own. More than there are
/// processors, because most are short.
const TURNS: usize = 8;
/// How long a request waits for a turn, ...
const WAIT: Duration = Duration::from_secs(5);
/// ... and how long the work may take: a run of a million jobs is laid out in less.
const WORK_LIMIT: Duration = Duration::from_secs(10);
/// How much longer the request waits than the work may take: work that checks its leash reports the timeout itself.
const GRACE: Duration = Duration::from_millis(500);

/// The turns of all work that has none of its own.
static SHARED: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(TURNS)));

/// Tells work whether it may go on. Cheap to clone and to check.
#[derive(Clone, Debug)]
pub struct Leash {
    clock: Clock,
    until: Instant,
    patience: Duration,
    gone: Arc<AtomicBool>,
}

/// Nobody waits for the work any more, or its time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended;

impl Leash {
    fn new(clock: &Clock, patience: Duration) -> Self {
        Self { clock: clock.clone(), until: clock.instant() + patience, patience, gone: Arc::default() }
    }

    /// A leash whose time does not pass.
    #[cfg(test)]
    pub fn long() -> Self {
        Self::new(&model::clock::MockClock::new(0).clock(), WORK_LIMIT)
    }

    /// The clock by which the time is limited.
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Whether somebody waits and there is time left.
    pub fn holds(&self) -> bool {
        !self.gone.load(Relaxed) && self.clock.instant() < self.until
    }

    /// Whether so little time is left that the work should be content with what it has.
    pub fn is_short(&self) -> bool {
        self.gone.load(Relaxed) || self.clock.instant() + self.patience / 2 > self.until
    }

    /// # Errors
    /// [`Ended`] unless the leash [holds](Self::holds).
    pub fn check(&self) -> Result<(), Ended> {
        if self.holds() { Ok(()) } else { Err(Ended) }
    }
}

/// Releases the leash when the waiting request is dropped.
struct Waiting(Leash);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.gone.store(true, Relaxed);
    }
}

/// Does short work in a turn shared by all such work.
///
/// # Errors
/// [`ReadError::Busy`] if no turn is free or the time is over; [`ReadError::Broken`] if the work, named by `what`, panicked.
pub async fn shared<T, F>(clock: &Clock, what: &'static str, work: F) -> Result<T, ReadError>
where
    T: Send + 'static,
    F: FnOnce(&Leash) -> Result<T, Ended> + Send + 'static,
{
    in_turn(&SHARED, clock, what, work).await
}

/// Does work in one of the given turns.
///
/// # Errors
/// As [`shared`].
pub async fn in_turn<T, F>(turns: &Arc<Semaphore>, clock: &Clock, what: &'static str, work: F) -> Result<T, ReadError>
where
    T: Send + 'static,
    F: FnOnce(&Leash) -> Result<T, Ended> + Send + 'static,
{
    within(turns, clock, what, (WAIT, WORK_LIMIT), work).await
}

async fn within<T, F>(
    turns: &Arc<Semaphore>,
    clock: &Clock,
    what: &'static str,
    (wait, patience): (Duration, Duration),
    work: F,
) -> Result<T, ReadError>
where
    T: Send + 'static,
    F: FnOnce(&Leash) -> Result<T, Ended> + Send + 'static,
{
    let Ok(turn) = timeout(wait, Arc::clone(turns).acquire_owned()).await else {
        warn!(what, "No turn came free within {wait:?}");
        return Err(ReadError::Busy);
    };
    let turn = turn.map_err(|_| ReadError::broken(format!("no turns any more for {what}")))?;
    let waiting = Waiting(Leash::new(clock, patience));
    let leash = waiting.0.clone();
    let done = spawn_blocking(move || {
        let _turn = turn;
        work(&leash)
    });
    match timeout(patience + GRACE, done).await {
        Ok(Ok(Ok(done))) => Ok(done),
        Ok(Ok(Err(Ended))) | Err(_) => {
            warn!(what, "Gave up after {patience:?}");
            Err(ReadError::Busy)
        }
        Ok(Err(_)) => {
            error!(what, "The work broke");
            Err(ReadError::broken(format!("{what} broke")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::clock::MockClock;
    use std::thread::yield_now;
    use tokio::sync::oneshot;

    const SOON: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(20);

    fn turns() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(1))
    }

    fn clock() -> Clock {
        MockClock::new(0).clock()
    }

    /// Works until it is told to end.
    fn endless(leash: &Leash) -> Result<(), Ended> {
        loop {
            leash.check()?;
            yield_now();
        }
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_ends_and_gives_its_turn_back() {
        let turns = turns();
        let (began, begun) = oneshot::channel();
        let held = Arc::clone(&turns);
        let waiting = tokio::spawn(async move {
            let work = move |leash: &Leash| {
                let _ = began.send(());
                endless(leash)
            };
            within(&held, &clock(), "a test", (LONG, LONG * 10), work).await
        });
        begun.await.expect("it began");

        waiting.abort();

        let turn = timeout(LONG, turns.acquire()).await;
        assert!(turn.is_ok_and(|turn| turn.is_ok()), "its turn is free");
    }

    #[tokio::test]
    async fn work_without_end_ends_at_its_deadline() {
        let turns = turns();

        let clock = MockClock::stepping(0, SOON / 100).clock();
        let done = within(&turns, &clock, "a test", (LONG, SOON), endless).await;

        assert!(matches!(done, Err(ReadError::Busy)), "{done:?}");
        assert!(timeout(LONG, turns.acquire()).await.is_ok(), "its turn is free");
    }

    #[tokio::test]
    async fn whoever_finds_no_turn_is_told_so() {
        let turns = turns();
        let _held = turns.acquire().await.expect("the only turn");

        let done = within(&turns, &clock(), "a test", (SOON, LONG), |_| Ok(7)).await;
        assert!(matches!(done, Err(ReadError::Busy)), "{done:?}");
    }

    #[tokio::test]
    async fn work_that_breaks_gives_its_turn_back() {
        let turns = turns();

        let broken = within(&turns, &clock(), "a test", (LONG, LONG), |_| -> Result<(), Ended> { panic!("on purpose") }).await;

        assert!(matches!(broken, Err(ReadError::Broken(_))), "{broken:?}");
        assert!(matches!(within(&turns, &clock(), "a test", (LONG, LONG), |_| Ok(7)).await, Ok(7)));
    }
}
