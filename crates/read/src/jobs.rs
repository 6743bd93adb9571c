//! The jobs of runs in memory, 48 bytes each, kept in step with the database.
//!
//! The jobs of a run are read completely when they are first requested; after that, only changes are read. A snapshot
//! includes every change that the hub had announced when the snapshot was requested.

use crate::{ReadError, error::shared};
use live::Hub;
use model::{
    AsOf, JobKey, Millis, RunId,
    clock::{Clock, Instant},
    live::LiveCursor,
};
use moka::future::Cache;
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError},
    time::Duration,
};
use store::{
    Store,
    changes::{self, Horizon},
    jobs::{
        marks::{self, Marks},
        values::{Texts, Values},
    },
    past::Past,
};
use tokio::sync::Mutex;

/// How many bytes all runs together may take.
const KEPT: u64 = 256 << 20;
/// How many bytes all past moments together may take; and how long one is cached, because a transaction may still
/// commit changes that were made before that moment.
const KEPT_PAST: u64 = 128 << 20;
const SETTLED: Duration = Duration::from_mins(1);
/// Runs that nobody requests for this long are dropped.
const IDLE: Duration = Duration::from_mins(5);
/// For this long the change log is not read again, unless the hub announces a change.
const FRESH: Duration = Duration::from_millis(200);
/// If more jobs than this changed at once, the whole run is read again.
const MOST: i64 = 20_000;

/// How many wildcards have their values cached.
const COLUMNS: usize = 8;

/// A run's jobs at one moment.
#[derive(Clone)]
pub struct Snapshot {
    pub marks: Arc<Marks>,
    /// A different number means different jobs.
    pub version: u64,
    derived: Arc<Derived>,
}

/// Data derived from wildcards on first use. It only grows, like the wildcards.
#[derive(Default)]
struct Derived {
    values: std::sync::Mutex<HashMap<String, Arc<Values>>>,
    texts: std::sync::Mutex<Arc<Texts>>,
}

impl Snapshot {
    /// The values of a wildcard. Takes some 100 ms for 10^5 wildcards on first use, so it must not run on a thread that others wait for.
    pub fn values(&self, name: &str) -> Arc<Values> {
        let mut held = self.derived.values.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= COLUMNS && !held.contains_key(name) {
            held.clear();
        }
        let values = held.entry(name.to_owned()).or_default();
        if values.known() < self.marks.wildcards.list().len() {
            Arc::make_mut(values).grow(name, &self.marks.wildcards);
        }
        Arc::clone(values)
    }

    /// All wildcards, for searching; costs as much as [`Self::values`].
    pub fn texts(&self) -> Arc<Texts> {
        let mut texts = self.derived.texts.lock().unwrap_or_else(PoisonError::into_inner);
        if texts.known() < self.marks.wildcards.list().len() {
            Arc::make_mut(&mut texts).grow(&self.marks.wildcards);
        }
        Arc::clone(&texts)
    }
}

struct Held {
    now: Snapshot,
    horizon: Horizon,
    /// The hub's position when this was read.
    cursor: LiveCursor,
    looked: Instant,
}

/// The jobs of all runs that somebody is viewing.
pub struct JobsInMemory {
    store: Store,
    hub: Hub,
    kept: Cache<RunId, Arc<Mutex<Held>>>,
    past: Cache<(RunId, Millis), Arc<Then>>,
}

/// A run at a past moment.
pub struct Then {
    pub snapshot: Snapshot,
    pub past: Past,
}

impl JobsInMemory {
    pub fn new(store: Store, hub: Hub) -> Self {
        let weigher = |_: &RunId, held: &Arc<Mutex<Held>>| {
            // The wildcards count again for the data derived from them.
            let weight = held.try_lock().map_or(0, |held| held.now.marks.weight() * 3 / 2);
            u32::try_from(weight + 1_000).unwrap_or(u32::MAX)
        };
        let kept = Cache::builder().max_capacity(KEPT).weigher(weigher).time_to_idle(IDLE).build();
        let weigher = |_: &(RunId, Millis), then: &Arc<Then>| {
            let marks = &then.snapshot.marks; // Its words are shared with the present.
            u32::try_from(marks.rows.len() * size_of::<marks::Mark>() + then.past.weight() + 1_000).unwrap_or(u32::MAX)
        };
        let past = Cache::builder().max_capacity(KEPT_PAST).weigher(weigher).time_to_live(SETTLED).build();
        Self { store, hub, kept, past }
    }

    pub const fn clock(&self) -> &Clock {
        self.store.clock()
    }

    /// The jobs of a run now, or as they were at a moment.
    pub async fn at(&self, run: RunId, at: Option<AsOf>) -> Result<Snapshot, ReadError> {
        match at {
            Some(at) => Ok(self.then(run, at).await?.snapshot.clone()),
            None => self.of_run(run).await,
        }
    }

    /// A run as it was at a moment.
    ///
    /// The first reader of a moment waits while the later changes are read; see [`Past::read`].
    pub async fn then(&self, run: RunId, at: AsOf) -> Result<Arc<Then>, ReadError> {
        let at = at.millis();
        let make = async {
            let mut snapshot = self.of_run(run).await?; // Read first: changes made in between are undone, too.
            let mut conn = self.store.conn().await?;
            let past = Past::read(&mut conn, run, at).await?;
            past.of_marks(Arc::make_mut(&mut snapshot.marks));
            // Distinct from all version numbers of the present.
            (snapshot.version, snapshot.derived) = (1 << 63 | at.unsigned_abs(), Arc::default());
            Ok(Arc::new(Then { snapshot, past }))
        };
        let made = Box::pin(self.past.try_get_with((run, at), make)).await.map_err(shared)?;
        if made.past.after.is_none() {
            self.past.invalidate(&(run, at)).await; // No change followed yet: the next reader must notice if one does.
        }
        Ok(made)
    }

    /// The jobs of a run.
    ///
    /// The first reader of a run of 10^5 jobs waits some hundred milliseconds; later readers wait only for the changes.
    pub async fn of_run(&self, run: RunId) -> Result<Snapshot, ReadError> {
        let newest = self.hub.cursor();
        let held = self.kept.try_get_with(run, self.whole(run)).await;
        let held = held.map_err(shared)?;
        let mut held = held.lock().await;
        let behind = held.cursor.epoch != newest.epoch || held.cursor.seq < newest.seq;
        if behind || self.clock().since(held.looked) > FRESH {
            self.renew(&mut held, run).await?;
        }
        Ok(held.now.clone())
    }

    async fn whole(&self, run: RunId) -> Result<Arc<Mutex<Held>>, ReadError> {
        let cursor = self.hub.cursor();
        let mut conn = self.store.conn().await?;
        let horizon = changes::horizon(&mut conn).await?;
        let now = Snapshot { marks: Arc::new(marks::marks(&mut conn, run).await?), version: 0, derived: Arc::default() };
        Ok(Arc::new(Mutex::new(Held { now, horizon, cursor, looked: self.clock().instant() })))
    }

    async fn renew(&self, held: &mut Held, run: RunId) -> Result<(), ReadError> {
        let cursor = self.hub.cursor();
        let mut conn = self.store.conn().await?;
        let (touched, horizon) = marks::touched(&mut conn, run, &held.horizon, MOST).await?;
        match touched {
            Some(ids) if ids.is_empty() => {}
            Some(ids) => {
                let before = held.now.marks.rows.len();
                let known = same(&held.now.marks, &ids);
                let marks = Arc::make_mut(&mut held.now.marks);
                marks.again(&mut conn, run, &ids).await?;
                // Rows are read again until their transaction is settled, often without a difference.
                if marks.rows.len() != before || known != same(marks, &ids) {
                    held.now.version += 1;
                }
            }
            None => {
                held.now.marks = Arc::new(marks::marks(&mut conn, run).await?);
                held.now.derived = Arc::default(); // Wildcards have different numbers now.
                held.now.version += 1;
            }
        }
        (held.horizon, held.cursor, held.looked) = (horizon, cursor, self.clock().instant());
        Ok(())
    }
}

/// The current marks of some jobs.
fn same(marks: &Marks, ids: &[JobKey]) -> Vec<Option<marks::Mark>> {
    ids.iter().map(|id| marks.rows.binary_search_by_key(id, |row| row.id).ok().map(|at| marks.rows[at])).collect()
}
