//! Decides which commits send a notification themselves, and sends one notification for all others.
//!
//! A commit that notifies holds a PostgreSQL lock that blocks every other such commit. So a lone commit notifies
//! immediately; commits that follow closely are quiet, and one later notification covers all of them. Correctness does
//! not depend on this: a listener compares the notifications with the change log, and so finds changes whose server was
//! killed before it could send a notification.

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use store::{Conn, Store, StoreError, changes, error::chain};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// The interval between two notifications: fewer than a hundred a second.
const SPACE: Duration = Duration::from_millis(11);
/// How many transactions may wait for a notification. Listeners find further ones in the change log.
const OWED: usize = 10_000;
/// The pause after a notification that failed.
const PAUSE: Duration = Duration::from_millis(500);
/// How long sending a notification may take.
const RING_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Default)]
struct State {
    rung: Option<Instant>,
    owed: Vec<u64>,
}

/// The doorbell that the writers of a server share.
#[derive(Default)]
pub struct Doorbell {
    state: Mutex<State>,
    wake: Notify,
}

impl Doorbell {
    /// Whether the commit that starts now may send its own notification.
    pub fn may_ring(&self) -> bool {
        let now = Instant::now();
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
        let mut last = false;
        while !last {
            tokio::select! {
                () = self.wake.notified() => {}
                () = cancel.cancelled() => last = true,
            }
            if let Some(due) = self.due() {
                sleep_until(due).await;
            }
            let owed = self.take();
            let Err(error) = ring(&store, &mut conn, &owed).await else { continue };
            warn!(error = chain(&error), "The doorbell could not be rung; trying again in {PAUSE:?}");
            conn = None;
            for transaction in owed {
                self.owe(transaction);
            }
            let _ = timeout(PAUSE, cancel.cancelled()).await;
        }
    }

    fn due(&self) -> Option<Instant> {
        self.state().rung.map(|rung| rung + SPACE)
    }

    fn take(&self) -> Vec<u64> {
        let mut state = self.state();
        if !state.owed.is_empty() {
            state.rung = Some(Instant::now());
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
