//! The common form of loops that run until they are cancelled: [`Loop`] waits for the next round and does no work
//! itself. Loops that retry until something succeeds do not use it.
//!
//! A round is due at a steady pace, and earlier if somebody wakes the loop. A round takes no input: it reads the
//! tables, or its own state, and does what is due. It may therefore run late, twice, or for no reason, with the same
//! effect.

use crate::error::chain;
use std::{error::Error, future::pending, sync::Arc, time::Duration};
use tokio::{
    sync::Notify,
    time::{Interval, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// The pause after the first of several failed rounds. It doubles with each further one, up to the loop's pace.
const PAUSE: Duration = Duration::from_millis(250);

/// Decides when the rounds of a loop begin: `while rounds.next().await { rounds.ended(sweep(&store).await) }`, or shorter
/// [`run`](Self::run).
#[derive(Debug)]
pub struct Loop {
    /// Begins the warning about a failed round.
    what: &'static str,
    every: Duration,
    ticks: Interval,
    wake: Option<Arc<Notify>>,
    cancel: CancellationToken,
    /// How many rounds have failed since one succeeded.
    failed: u32,
    /// Wake-ups are kept until the next tick.
    rests: bool,
}

impl Loop {
    /// A loop that is due at once, and then `every` so often. A missed tick is not made up for: after a long round, or when
    /// the machine slept, the tick after the next round is due a whole interval later.
    ///
    /// # Panics
    /// If `every` is zero, or outside of a runtime.
    #[expect(clippy::disallowed_methods, reason = "this is the loop that all others are made of")]
    pub fn new(what: &'static str, every: Duration, cancel: CancellationToken) -> Self {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { what, every, ticks, wake: None, cancel, failed: 0, rests: false }
    }

    /// The same loop, which `wake` makes due, too. Ring with `notify_one`: it is kept for a loop that is busy.
    #[must_use]
    pub fn woken_by(self, wake: Arc<Notify>) -> Self {
        Self { wake: Some(wake), ..self }
    }

    /// Waits until the next round is due; `false` once the loop is cancelled. May be dropped while it waits.
    pub async fn next(&mut self) -> bool {
        let wake = self.wake.as_deref().filter(|_| !self.rests);
        let woken = async {
            match wake {
                Some(wake) => wake.notified().await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => false,
            () = woken => true,
            _ = self.ticks.tick() => {
                self.rests = false;
                true
            }
        }
    }

    /// Keeps wake-ups until the next tick: a round that began earlier would find nothing to do.
    pub const fn rest(&mut self) {
        self.rests = true;
    }

    /// Says how a round ended. A failure is logged; the next round then begins after a pause, whoever wakes the loop.
    pub fn ended<E: Error>(&mut self, outcome: Result<(), E>) {
        match outcome {
            Ok(()) => self.failed = 0,
            Err(error) => {
                let pause = PAUSE.saturating_mul(1 << self.failed.min(16)).min(self.every);
                warn!(error = chain(&error), "{} failed; trying again in {pause:?}", self.what);
                self.failed += 1;
                self.ticks.reset_after(pause);
                self.rest();
            }
        }
    }

    /// Does `round` whenever it is due, until cancelled.
    pub async fn run<E, F>(mut self, mut round: impl FnMut() -> F)
    where
        E: Error,
        F: Future<Output = Result<(), E>>,
    {
        while self.next().await {
            self.ended(round().await);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io,
        sync::atomic::{AtomicU32, Ordering::SeqCst},
    };
    use tokio::time::{Instant, advance, timeout};

    const EVERY: Duration = Duration::from_secs(10);

    fn rounds() -> (Loop, Arc<Notify>, CancellationToken) {
        let (wake, cancel) = (Arc::new(Notify::new()), CancellationToken::new());
        (Loop::new("A test", EVERY, cancel.clone()).woken_by(Arc::clone(&wake)), wake, cancel)
    }

    /// How long the next round waits.
    async fn wait(rounds: &mut Loop) -> Duration {
        let began = tokio_now();
        assert!(rounds.next().await, "it is not cancelled");
        tokio_now() - began
    }

    #[expect(clippy::disallowed_methods, reason = "the paused clock of the runtime, which a loop waits on")]
    fn tokio_now() -> Instant {
        Instant::now()
    }

    fn broken() -> Result<(), io::Error> {
        Err(io::Error::other("on purpose"))
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_begins_at_once_and_goes_on_at_its_pace() {
        let (mut rounds, ..) = rounds();

        assert_eq!([wait(&mut rounds).await, wait(&mut rounds).await, wait(&mut rounds).await], [Duration::ZERO, EVERY, EVERY]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_is_woken_does_not_wait_for_its_tick() {
        let (mut rounds, wake, _) = rounds();
        wait(&mut rounds).await;

        wake.notify_one();
        wake.notify_one();

        assert_eq!(wait(&mut rounds).await, Duration::ZERO, "woken while nobody waited");
        assert_eq!(wait(&mut rounds).await, EVERY, "twice is once");
    }

    #[tokio::test(start_paused = true)]
    async fn ticks_that_were_missed_are_not_made_up_for() {
        let (mut rounds, ..) = rounds();
        wait(&mut rounds).await;

        advance(EVERY * 5 + EVERY / 2).await; // A long round, or a machine that slept.

        assert_eq!(wait(&mut rounds).await, Duration::ZERO);
        assert_eq!(wait(&mut rounds).await, EVERY);
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_rests_is_woken_by_its_tick_alone() {
        let (mut rounds, wake, _) = rounds();
        wait(&mut rounds).await;

        rounds.rest();
        wake.notify_one();

        assert_eq!(wait(&mut rounds).await, EVERY);
        assert_eq!(wait(&mut rounds).await, Duration::ZERO, "the wake-up was kept");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_round_does_not_end_the_loop_and_is_tried_again_after_a_growing_pause() {
        let (mut rounds, wake, _) = rounds();
        wait(&mut rounds).await;
        let mut pauses = Vec::new();
        for _ in 0..8 {
            rounds.ended(broken());
            wake.notify_one(); // Whoever wakes a loop that fails does not make it spin.
            pauses.push(wait(&mut rounds).await.as_millis());
        }
        assert_eq!(pauses, [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);

        rounds.ended(Ok::<(), io::Error>(()));

        assert_eq!(wait(&mut rounds).await, Duration::ZERO, "the wake-up was kept");
        assert_eq!(wait(&mut rounds).await, EVERY);
        rounds.ended(broken());
        assert_eq!(wait(&mut rounds).await, PAUSE, "it begins anew");
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancelled_loop_ends_whether_it_waits_or_is_due() {
        let (done, cancel) = (AtomicU32::new(0), CancellationToken::new());
        let round = || {
            if done.fetch_add(1, SeqCst) == 2 {
                cancel.cancel();
            }
            std::future::ready(broken())
        };

        Loop::new("A test", EVERY, cancel.clone()).run(round).await;

        assert_eq!(done.load(SeqCst), 3, "not once more");
        let (mut waiting, wake, cancel) = rounds();
        wait(&mut waiting).await;
        assert!(timeout(EVERY / 2, waiting.next()).await.is_err(), "it waits, and may be dropped while it does");
        wake.notify_one();
        cancel.cancel();
        assert!(!waiting.next().await);
    }
}
