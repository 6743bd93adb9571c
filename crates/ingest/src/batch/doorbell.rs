//! Decides which commits send a notification themselves, and sends one notification for all others.
//!
//! A commit that notifies holds a PostgreSQL lock that blocks every other such commit. So a lone commit notifies
//! immediately; commits that follow closely are quiet, and one later notification covers all of them. Correctness does
//! not depend on this: a listener compares the notifications with the change log, and so finds changes whose server was
//! killed before it could send a notification.

use model::clock::{Clock, Instant};
use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use store::{Conn, Loop, Store, StoreError, changes};
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// The interval between two notifications: fewer than a hundred a second.
const SPACE: Duration = Duration::from_millis(11);
/// How many transactions may wait for a notification. Listeners find further ones in the change log.
const OWED: usize = 10_000;
/// How often to look unasked, and the longest pause after a notification that failed.
const LOOK: Duration = Duration::from_millis(500);
/// How long sending a notification may take.
const RING_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Default)]
struct State {
    rung: Option<Instant>,
    owed: Vec<u64>,
}

/// The doorbell that the writers of a server share.
pub struct Doorbell {
    state: Mutex<State>,
    wake: Arc<Notify>,
    clock: Clock,
}

impl Doorbell {
    pub fn new(clock: Clock) -> Self {
        Self { state: Mutex::default(), wake: Arc::default(), clock }
    }

    /// Whether the commit that starts now may send its own notification.
    pub fn may_ring(&self) -> bool {
        let now = self.clock.instant();
        let mut state = self.state();
        let may = state.rung.is_none_or(|rung| now.duration_since(rung) >= SPACE) && state.owed.is_empty();
        if may {
            state.rung = Some(now);
        }
        may
    }

    /// Records that a transaction was committed quietly.
    pub fn owe(&self, transaction: u64) {
        let mut state = self.state();
        if state.owed.len() < OWED {
            state.owed.push(transaction);
        }
        drop(state);
        self.wake.notify_one();
    }

    /// Sends notifications for quiet transactions until cancelled, and then once more for those still waiting.
    pub async fn run(&self, store: Store, cancel: CancellationToken) {
        let mut conn = None;
        let mut rounds = Loop::new("Ringing the doorbell", LOOK, cancel).woken_by(Arc::clone(&self.wake));
        let mut last = false;
        while !last {
            last = !rounds.next().await;
            let wait = self.wait();
            if !wait.is_zero() {
                sleep(wait).await; // Even a sleep of no time takes up to a millisecond.
            }
            let owed = self.take();
            let rung = ring(&store, &mut conn, &owed).await;
            if rung.is_err() {
                conn = None;
                for transaction in owed {
                    self.owe(transaction);
                }
            }
            rounds.ended(rung);
        }
    }

    /// The time until the next notification may be sent.
    fn wait(&self) -> Duration {
        let rung = self.state().rung;
        rung.map_or(Duration::ZERO, |rung| self.clock.until(rung + SPACE))
    }

    fn take(&self) -> Vec<u64> {
        let mut state = self.state();
        if !state.owed.is_empty() {
            state.rung = Some(self.clock.instant());
        }
        mem::take(&mut state.owed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn ring(store: &Store, kept: &mut Option<Conn>, owed: &[u64]) -> Result<(), StoreError> {
    let work = async {
        for numbers in owed.chunks(changes::MOST_IN_A_RING) {
            let mut conn = match kept.take() {
                Some(conn) => conn,
                None => store.keyed().await?,
            };
            changes::ring(&mut conn, numbers).await?;
            *kept = Some(conn);
        }
        Ok(())
    };
    timeout(RING_TIMEOUT, work).await.unwrap_or_else(|_| Err(StoreError::Unfit(format!("no answer within {RING_TIMEOUT:?}"))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::clock::MockClock;

    #[test]
    fn a_commit_that_follows_closely_or_finds_others_waiting_does_not_ring() {
        let mock = MockClock::new(0);
        let doorbell = Doorbell::new(mock.clock());
        assert!(doorbell.may_ring(), "a lone commit");

        mock.advance(SPACE / 2);
        assert_eq!((doorbell.may_ring(), doorbell.wait()), (false, SPACE / 2));
        mock.advance(SPACE / 2);
        assert_eq!((doorbell.wait(), doorbell.may_ring()), (Duration::ZERO, true));

        doorbell.owe(7);
        mock.advance(SPACE);
        assert!(!doorbell.may_ring(), "another one waits");
        assert_eq!(doorbell.take(), [7]);
        assert!(!doorbell.may_ring(), "it has just rung");
        mock.advance(SPACE);
        assert!(doorbell.may_ring());
    }
}
