//! Work that happens by the clock: losing silent runs, purging deleted ones, preparing coming days.
//!
//! Each loop may run at any time, twice, or beside another server's, with the same effect.

use metrics_exporter_prometheus::PrometheusHandle;
use model::Millis;
use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use store::{
    Loop, Store, StoreError, history,
    prune::{self, Policy},
    runs,
    sweep::{self, Silence},
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::info;

/// Seconds for which a deleted run can still be restored.
const UNDO_SECONDS: i32 = 15;
/// Runs purged at a time: each may have 10^5 jobs.
const PURGE: i32 = 20;
/// Rows of a deleted run that one statement deletes.
const PORTION: i64 = 20_000;
/// How often samples are folded into their histograms.
const METRICS: Duration = Duration::from_secs(5);
/// How often partitions are prepared and expired data is deleted.
const HOUSEKEEPING: Duration = Duration::from_hours(1);

/// How often this server checks whether it can hear its clients.
const HEAR: Duration = Duration::from_secs(1);
/// A database that takes longer to tell the time cannot take reports either.
const CLOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// A longer time (ms) between two answers of the database means that this server was stopped or its machine slept.
const GAP: Millis = 15_000;

/// Since when this server hears its clients without a break, by the database's clock.
///
/// Reports get lost while the server or its database is away, so a client's silence counts from here at the earliest.
#[derive(Clone, Debug, Default)]
pub struct Hearing(Arc<Heard>);

/// Times in ms; zero means never.
#[derive(Debug, Default)]
struct Heard {
    since: AtomicI64,
    last: AtomicI64,
}

impl Hearing {
    /// Records the database's time `now`, or that it did not answer.
    fn note(&self, now: Option<Millis>) {
        let Some(now) = now else { return self.0.since.store(0, Ordering::Relaxed) };
        let last = self.0.last.swap(now, Ordering::Relaxed);
        if self.since().is_none() || now - last > GAP {
            self.0.since.store(now, Ordering::Relaxed);
        }
    }

    /// `None` while the server cannot hear its clients.
    fn since(&self) -> Option<Millis> {
        Some(self.0.since.load(Ordering::Relaxed)).filter(|since| *since != 0)
    }

    /// Keeps this up to date until cancelled.
    pub async fn keep(self, store: Store, cancel: CancellationToken) {
        let (hearing, store) = (&self, &store);
        let hears = || async move {
            let asked = async { sweep::clock(&mut *store.conn().await?).await };
            // If the failure lasts, the sweep logs the reason.
            hearing.note(timeout(CLOCK_TIMEOUT, asked).await.ok().and_then(Result::ok));
            Ok::<(), Infallible>(())
        };
        Loop::new("Hearing", HEAR, cancel).run(hears).await;
    }
}

/// Looks for silent and deleted runs until cancelled.
pub async fn sweeper(store: Store, hearing: Hearing, every: Duration, silences: Vec<Silence>, cancel: CancellationToken) {
    Loop::new("Sweeping", every, cancel).run(|| sweep_once(store.clone(), hearing.since(), silences.clone())).await;
}

async fn sweep_once(store: Store, heard_since: Option<Millis>, silences: Vec<Silence>) -> Result<(), StoreError> {
    if let Some(since) = heard_since {
        let mut tx = store.begin().await?;
        let lost = sweep::lose_silent(&mut tx, &silences, since).await?;
        store::commit(tx).await?;
        if !lost.is_empty() {
            info!(runs = lost.len(), "Marked silent runs as lost");
        }
    }
    let mut conn = store.conn().await?;
    runs::edit::purge(&mut conn, UNDO_SECONDS, PURGE).await?;
    loop {
        let mut tx = store::begin(&mut conn).await?;
        let more = history::forget(&mut tx, PORTION).await?;
        store::commit(tx).await?;
        if !more {
            return Ok(());
        }
    }
}

/// Prepares the coming days, deletes expired data and measures the size of the rest, until cancelled.
pub async fn housekeeper(store: Store, policy: Policy, cancel: CancellationToken) {
    Loop::new("Housekeeping", HOUSEKEEPING, cancel).run(|| housekeep_once(store.clone(), policy)).await;
}

/// Keeps histograms small until cancelled, even if nobody reads them.
pub async fn metrics_keeper(metrics: PrometheusHandle, cancel: CancellationToken) {
    let mut rounds = Loop::new("Keeping metrics", METRICS, cancel);
    while rounds.next().await {
        metrics.run_upkeep();
    }
}

async fn housekeep_once(store: Store, policy: Policy) -> Result<(), StoreError> {
    sweep::housekeep(&mut *store.conn().await?).await?;
    for pruned in prune::prune(&store, policy, false).await?.unwrap_or_default() {
        if !pruned.days.is_empty() || pruned.rows > 0 {
            info!(table = pruned.table, days = pruned.days.len(), bytes = pruned.bytes, rows = pruned.rows, "Forgot what was too old");
        }
    }
    for size in prune::sizes(&mut *store.conn().await?).await? {
        metrics::gauge!("flowo_history_bytes", "table" => size.table.clone()).set(size.bytes as f64);
        metrics::gauge!("flowo_history_partitions", "table" => size.table).set(size.partitions as f64);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hearing_begins_anew_after_every_break() {
        let hearing = Hearing::default();
        assert_eq!(hearing.since(), None, "not a word yet");
        let mut now = 1_000_000;
        for (passed, since) in [
            (Some(1_000), Some(1_001_000)),
            (Some(1_000), Some(1_001_000)),
            (Some(GAP), Some(1_001_000)),
            (None, None),
            (None, None),
            (Some(1_000), Some(1_018_000)),
            (Some(GAP + 1), Some(1_018_001 + GAP)),
            (Some(1_000), Some(1_018_001 + GAP)),
        ] {
            now += passed.unwrap_or(0);
            hearing.note(passed.map(|_| now));
            assert_eq!(hearing.since(), since, "{passed:?}");
        }
    }
}
