//! What happens by the clock: silent runs are lost, deleted ones go, days are prepared.
//!
//! Each loop may run at any time, twice, or beside another server's, with the same effect.

use metrics_exporter_prometheus::PrometheusHandle;
use std::time::Duration;
use store::{
    Store, StoreError,
    error::chain,
    history,
    prune::{self, Policy},
    runs, sweep,
};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// Runs stay this long, in seconds, where an undo finds them.
const UNDO_SECONDS: i32 = 15;
/// Runs purged at a time: each may take 10^5 jobs along.
const PURGE: i32 = 20;
/// Rows of a deleted run that are forgotten in one statement.
const PORTION: i64 = 20_000;
/// How often samples are folded into their histograms.
const METRICS: Duration = Duration::from_secs(5);
/// How often partitions are prepared and old things forgotten.
const HOUSEKEEPING: Duration = Duration::from_hours(1);

/// Seconds of silence after which runs are lost: with heartbeats, without, and of Panoptes' clients.
type Silence = (i32, i32, Option<i32>);

/// Looks for silent and deleted runs until cancelled.
pub async fn sweeper(store: Store, every: Duration, silence: Silence, cancel: CancellationToken) {
    repeat("Sweeping", every, cancel, || sweep_once(store.clone(), silence)).await;
}

async fn sweep_once(store: Store, (heartbeat, quiet, stale): Silence) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    let lost = sweep::lose_silent(&mut tx, heartbeat, quiet, stale).await?;
    store::commit(tx).await?;
    if !lost.is_empty() {
        info!(runs = lost.len(), "Runs fell silent and are lost");
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

/// Prepares the coming days, forgets the old ones and measures what is kept, until cancelled.
pub async fn housekeeper(store: Store, policy: Policy, cancel: CancellationToken) {
    repeat("Housekeeping", HOUSEKEEPING, cancel, || housekeep_once(store.clone(), policy)).await;
}

/// Keeps histograms small until cancelled, whether or not anybody reads them.
pub async fn metrics_keeper(metrics: PrometheusHandle, cancel: CancellationToken) {
    repeat("Keeping metrics", METRICS, cancel, || {
        metrics.run_upkeep();
        std::future::ready(Ok(()))
    })
    .await;
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

async fn repeat<F>(what: &str, every: Duration, cancel: CancellationToken, once: impl Fn() -> F)
where
    F: Future<Output = Result<(), StoreError>>,
{
    let mut tick = interval(every);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            _ = tick.tick() => {}
        }
        if let Err(error) = once().await {
            warn!(error = chain(&error), "{what} failed; trying again in {every:?}");
        }
    }
}
