//! The jobs of runs in memory, 40 bytes each, kept in step with the database. Server only.
//!
//! A run is read whole when it is first asked for; after that only what changed. What is given
//! out is never older than [`FRESH`] and never skips a commit.

use crate::error::AppError;
use model::{JobKey, RunId};
use moka::future::Cache;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use store::{
    Store,
    changes::{self, Horizon},
    jobs::marks::{self, Marks},
};
use tokio::sync::Mutex;

/// What all runs together may take, in bytes.
const KEPT: u64 = 256 << 20;
/// Runs nobody asks for are forgotten.
const IDLE: Duration = Duration::from_mins(5);
/// Readers within this time share one look at the change log.
const FRESH: Duration = Duration::from_millis(200);
/// More changes at once, and the run is read whole.
const MOST: i64 = 20_000;

/// A run's jobs at a moment.
#[derive(Clone)]
pub struct Snapshot {
    pub marks: Arc<Marks>,
    /// Another number, other jobs.
    pub version: u64,
}

struct Held {
    marks: Arc<Marks>,
    version: u64,
    horizon: Horizon,
    looked: Instant,
}

/// The jobs of all runs somebody looks at.
pub struct AllMarks {
    store: Store,
    kept: Cache<(RunId, String), Arc<Mutex<Held>>>,
}

impl AllMarks {
    pub fn new(store: Store) -> Self {
        let weigher = |_: &(RunId, String), held: &Arc<Mutex<Held>>| {
            let rows = held.try_lock().map_or(0, |held| held.marks.rows.len());
            u32::try_from(rows * 44 + 1_000).unwrap_or(u32::MAX)
        };
        Self { store, kept: Cache::builder().max_capacity(KEPT).weigher(weigher).time_to_idle(IDLE).build() }
    }

    /// The jobs of a run, with the values of one wildcard or, for the empty name, of none.
    ///
    /// The first reader of a run of 10^5 jobs waits some hundred milliseconds, others for what changed.
    pub async fn of_run(&self, run: RunId, wildcard: &str) -> Result<Snapshot, AppError> {
        let key = (run, wildcard.to_owned());
        let held = self.kept.try_get_with(key, self.whole(run, wildcard)).await;
        let held = held.map_err(|error: Arc<AppError>| AppError::clone(&error))?;
        let mut held = held.lock().await;
        if held.looked.elapsed() > FRESH {
            self.renew(&mut held, run, wildcard).await?;
        }
        Ok(Snapshot { marks: Arc::clone(&held.marks), version: held.version })
    }

    async fn whole(&self, run: RunId, wildcard: &str) -> Result<Arc<Mutex<Held>>, AppError> {
        let mut conn = self.store.conn().await?;
        let horizon = changes::horizon(&mut conn).await?;
        let marks = Arc::new(marks::marks(&mut conn, run, wildcard).await?);
        Ok(Arc::new(Mutex::new(Held { marks, version: 0, horizon, looked: Instant::now() })))
    }

    async fn renew(&self, held: &mut Held, run: RunId, wildcard: &str) -> Result<(), AppError> {
        let mut conn = self.store.conn().await?;
        let (touched, horizon) = marks::touched(&mut conn, run, &held.horizon, MOST).await?;
        match touched {
            Some(ids) if ids.is_empty() => {}
            Some(ids) => {
                let before = held.marks.rows.len();
                let known = same(&held.marks, &ids);
                let marks = Arc::make_mut(&mut held.marks);
                marks.again(&mut conn, run, wildcard, &ids).await?;
                // What is read again until its transaction is settled is often the same.
                if marks.rows.len() != before || known != same(marks, &ids) {
                    held.version += 1;
                }
            }
            None => {
                held.marks = Arc::new(marks::marks(&mut conn, run, wildcard).await?);
                held.version += 1;
            }
        }
        held.horizon = horizon;
        held.looked = Instant::now();
        Ok(())
    }
}

/// What is known of some jobs.
fn same(marks: &Marks, ids: &[JobKey]) -> Vec<Option<marks::Mark>> {
    ids.iter().map(|id| marks.rows.binary_search_by_key(id, |row| row.id).ok().map(|at| marks.rows[at])).collect()
}
