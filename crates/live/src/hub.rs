//! The hub: the last ticks in a ring, and everybody who waits for the next.
//!
//! Publishing is private to this crate: only the listener, and so only a commit, feeds it.
//! A reader that falls behind is told to refetch; it never makes us keep more.

use crate::{
    health::Health,
    tick::{Tick, encode},
};
use bytes::Bytes;
use model::{
    JobKey, Millis, RunId,
    live::{Frame, LiveCursor, RunChange},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use store::{Store, StoreError, changes::Touched, clock::now as now_ms, runs::Audience};
use tokio::sync::{broadcast, watch};

/// Ticks a reader may fall behind before it is told to refetch.
const LAG: usize = 256;
/// Ticks kept for readers that come back.
const RING: usize = 2048;
/// ... as long as they weigh less than this, in bytes.
const RING_BYTES: usize = 16 << 20;
/// Jobs one frame carries; more, and the page reads its window again.
const MAX_JOBS: usize = 500;
/// Runs one frame carries; more, and the page reads its list again.
const MAX_RUNS: usize = 2000;

/// What a reader wants to hear about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The summaries of all runs.
    Runs,
    /// One run: its summary, rules and jobs.
    Run(RunId),
}

/// A handle on the hub. Cheap to clone.
#[derive(Clone)]
pub struct Hub {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    store: Store,
    epoch: u64,
    ticks: broadcast::Sender<Message>,
    pub health: watch::Sender<Health>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    seq: u64,
    ring: VecDeque<Arc<Tick>>,
    weight: usize,
    watchers: HashMap<RunId, usize>,
}

/// What goes to every reader.
#[derive(Clone)]
pub(crate) enum Message {
    Tick(Arc<Tick>),
    /// Too much changed at once, or we cannot say what: read again.
    Reset(LiveCursor),
}

/// A reader's place at the hub; leaves when dropped.
pub struct Subscription {
    pub(crate) shared: Arc<Shared>,
    pub(crate) scope: Scope,
    pub(crate) audience: Audience,
    pub(crate) messages: broadcast::Receiver<Message>,
    /// What the reader missed since its cursor, to be sent first.
    pub(crate) missed: Vec<Bytes>,
    pub(crate) cursor: LiveCursor,
}

impl Hub {
    /// An empty hub. Its epoch tells cursors of other processes and earlier lives apart.
    pub fn new(store: Store) -> Self {
        let epoch = u64::from(std::process::id()) << 44 ^ now_ms().unsigned_abs();
        let shared =
            Shared { store, epoch, ticks: broadcast::channel(LAG).0, health: watch::channel(Health::default()).0, state: Mutex::default() };
        Self { shared: Arc::new(shared) }
    }

    /// The present point. Take it before reading what a page shows: a change during the read
    /// is then sent again, not lost.
    pub fn cursor(&self) -> LiveCursor {
        self.shared.present()
    }

    pub fn health(&self) -> Health {
        *self.shared.health.borrow()
    }

    /// Readers connected now.
    pub fn readers(&self) -> usize {
        self.shared.ticks.receiver_count()
    }

    /// Joins at `after`, or at the present without one.
    ///
    /// The caller has checked that the reader may see the scope.
    ///
    /// # Errors
    /// [`StoreError`] if what was missed cannot be read.
    pub async fn subscribe(&self, scope: Scope, audience: Audience, after: Option<LiveCursor>) -> Result<Subscription, StoreError> {
        let (mut subscription, missed) = {
            let mut state = self.shared.lock();
            if let Scope::Run(run) = scope {
                *state.watchers.entry(run).or_default() += 1;
            }
            let cursor = self.shared.cursor(&state);
            let missed = after.map(|after| self.shared.missed(&state, after));
            let messages = self.shared.ticks.subscribe();
            let shared = Arc::clone(&self.shared);
            (Subscription { shared, scope, audience, messages, missed: Vec::new(), cursor }, missed)
        };
        subscription.missed = match missed {
            None => Vec::new(),
            Some(None) => vec![crate::sse::reset(subscription.cursor)],
            Some(Some(ticks)) => match scope {
                Scope::Runs => ticks.iter().map(|tick| tick.runs_frame(audience)).filter(|frame| !frame.is_empty()).collect(),
                Scope::Run(run) => self.shared.missed_of_run(run, &ticks, subscription.cursor).await?.into_iter().collect(),
            },
        };
        Ok(subscription)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Scope::Run(run) = self.scope {
            let mut state = self.shared.lock();
            if let Some(count) = state.watchers.get_mut(&run) {
                *count -= 1;
                if *count == 0 {
                    state.watchers.remove(&run);
                }
            }
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The cursor of this moment.
    pub(crate) fn present(&self) -> LiveCursor {
        self.cursor(&self.lock())
    }

    fn cursor(&self, state: &State) -> LiveCursor {
        LiveCursor { epoch: self.epoch, seq: state.seq }
    }

    /// The ticks after a cursor; `None` if they are no longer there, or never were ours.
    fn missed(&self, state: &State, after: LiveCursor) -> Option<Vec<Arc<Tick>>> {
        if after.epoch != self.epoch || after.seq > state.seq {
            return None;
        }
        let wanted = (state.seq - after.seq) as usize;
        let ring = &state.ring;
        let oldest_missing = ring.front().is_none_or(|tick| tick.cursor.seq > after.seq + 1);
        if wanted > 0 && oldest_missing {
            return None;
        }
        Some(ring.iter().filter(|tick| tick.cursor.seq > after.seq).cloned().collect())
    }

    /// The present rows of everything the ticks touched in one run, as one frame.
    async fn missed_of_run(&self, run: RunId, ticks: &[Arc<Tick>], cursor: LiveCursor) -> Result<Option<Bytes>, StoreError> {
        let mut jobs = BTreeSet::new();
        let mut any = false;
        for ids in ticks.iter().filter_map(|tick| tick.touched.get(&run)) {
            any = true;
            jobs.extend(ids.iter().copied());
        }
        if !any {
            return Ok(None);
        }
        let mut conn = self.store.conn().await?;
        let (mut runs, gone) = store::runs::changed(&mut conn, &[run]).await?;
        let change = runs.pop().map(|(run, _)| RunChange::Now(Box::new(run))).or(gone.first().map(|id| RunChange::Gone(*id)));
        let frame = run_frame(&mut conn, run, change, &jobs, None).await?;
        Ok(Some(encode(cursor, &frame)))
    }

    /// Reads the rows behind `touched` once and hands them to everybody.
    pub(crate) async fn publish(&self, touched: Touched) -> Result<(), StoreError> {
        if touched.is_empty() {
            return Ok(());
        }
        let mut ids: BTreeSet<RunId> = touched.runs;
        ids.extend(touched.jobs.keys());
        if ids.len() > MAX_RUNS {
            self.reset();
            return Ok(());
        }
        let mut conn = self.store.conn().await?;
        let list: Vec<RunId> = ids.iter().copied().collect();
        let (found, gone) = store::runs::changed(&mut conn, &list).await?;
        let mut owners = Vec::with_capacity(ids.len());
        let mut changes = Vec::with_capacity(ids.len());
        for (run, owner) in found {
            owners.push(owner);
            changes.push(RunChange::Now(Box::new(run)));
        }
        owners.resize(ids.len().max(owners.len()), None);
        changes.extend(gone.into_iter().map(RunChange::Gone));
        let mut touched_jobs: BTreeMap<RunId, BTreeSet<JobKey>> = touched.jobs;
        for id in ids {
            touched_jobs.entry(id).or_default();
        }
        let watched_runs: Vec<RunId> = {
            let state = self.lock();
            touched_jobs.keys().copied().filter(|run| state.watchers.contains_key(run)).collect()
        };
        let mut frames = Vec::new();
        for run in watched_runs {
            let change = changes.iter().find(|change| id_of(change) == run).cloned();
            frames.push((run, run_frame(&mut conn, run, change, &touched_jobs[&run], touched.oldest_at).await?));
        }
        drop(conn);
        let frame = Frame { changed_at: touched.oldest_at, sent_at: now_ms(), runs: changes, ..Frame::default() };

        let mut state = self.lock();
        state.seq += 1;
        let cursor = self.cursor(&state);
        let watched = frames.into_iter().map(|(run, frame)| (run, encode(cursor, &frame))).collect();
        let tick = Arc::new(Tick::new(cursor, frame, owners, watched, touched_jobs));
        state.weight += tick.weight();
        state.ring.push_back(Arc::clone(&tick));
        while state.ring.len() > RING || (state.weight > RING_BYTES && state.ring.len() > 1) {
            if let Some(old) = state.ring.pop_front() {
                state.weight -= old.weight();
            }
        }
        // Under the lock, so that a reader who joins sees each tick in the ring or in the channel.
        let _ = self.ticks.send(Message::Tick(tick));
        Ok(())
    }

    /// Tells everybody to read again; cursors from before are worth nothing now.
    pub(crate) fn reset(&self) {
        let mut state = self.lock();
        state.seq += 1;
        state.ring.clear();
        state.weight = 0;
        let _ = self.ticks.send(Message::Reset(self.cursor(&state)));
    }
}

fn id_of(change: &RunChange) -> RunId {
    match change {
        RunChange::Now(run) => run.id,
        RunChange::Gone(id) => *id,
    }
}

async fn run_frame(
    conn: &mut store::Conn,
    run: RunId,
    change: Option<RunChange>,
    jobs: &BTreeSet<JobKey>,
    changed_at: Option<Millis>,
) -> Result<Frame, StoreError> {
    let mut frame = Frame { changed_at, sent_at: now_ms(), runs: change.into_iter().collect(), ..Frame::default() };
    if jobs.len() > MAX_JOBS {
        frame.jobs_stale = true;
    } else if !jobs.is_empty() {
        let ids: Vec<JobKey> = jobs.iter().copied().collect();
        (frame.jobs, frame.gone_jobs) = store::jobs::changed(conn, run, &ids).await?;
    }
    if !jobs.is_empty() {
        frame.rules = store::runs::rules(conn, run).await?;
    }
    Ok(frame)
}
