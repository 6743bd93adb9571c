//! The hub: a ring of the last ticks, and the subscriptions of all readers who wait for the next one.
//!
//! Publishing is private to this crate: only the listener feeds the hub, and so only commits do. A reader that falls
//! behind is told to refetch; it never makes the hub use more memory.

use crate::{
    health::Health,
    tick::{Standing, Tick, Whose, encode, gone},
};
use bytes::Bytes;
use model::{
    JobKey, Millis, RunId,
    live::{Frame, LiveCursor, RunChange},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use store::{Loop, Store, StoreError, changes::Touched, runs::Audience};
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

/// Proxies and browsers drop a connection after 30 s or more of silence.
const HEARTBEAT: Duration = Duration::from_secs(12);

/// How many ticks a reader may fall behind before it is told to refetch.
const LAG: usize = 256;
/// How many ticks are kept for readers that reconnect ...
const RING: usize = 2048;
/// ... as long as their total size is less than this, in bytes.
const RING_BYTES: usize = 16 << 20;
/// How many jobs one frame carries; if more changed, the page refetches its window.
const MAX_JOBS: usize = 500;
/// How many runs one frame carries; if more changed, the page refetches its list.
const MAX_RUNS: usize = 2000;

/// What a reader subscribes to.
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
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    seq: u64,
    ring: VecDeque<Arc<Tick>>,
    weight: usize,
    watchers: HashMap<RunId, usize>,
    health: Health,
    /// The server is stopping: readers are asked to reconnect elsewhere.
    closed: bool,
}

/// What is sent to every reader. There is only this one channel: anything else that readers waited for would have
/// thousands of waiters.
#[derive(Clone)]
pub(crate) enum Message {
    Tick(Arc<Tick>),
    /// Too much changed at once, or it is not known what changed: readers must refetch.
    Reset(LiveCursor),
    /// The state of the server's own connection to the database changed.
    Status(Health),
    /// Shows that the connection still works, whether or not anything happens.
    Beat,
    /// The server is stopping.
    Bye,
}

/// Where a reader starts that has no earlier state.
pub(crate) struct Present {
    pub messages: broadcast::Receiver<Message>,
    pub cursor: LiveCursor,
    pub health: Health,
    pub closed: bool,
}

/// A reader's subscription; ends when dropped.
pub struct Subscription {
    pub(crate) shared: Arc<Shared>,
    pub(crate) scope: Scope,
    pub(crate) audience: Audience,
    pub(crate) messages: broadcast::Receiver<Message>,
    /// Frames that the reader missed since its cursor, to be sent first.
    pub(crate) missed: Vec<Bytes>,
    pub(crate) cursor: LiveCursor,
    /// The listener's health when the reader subscribed.
    pub(crate) health: Health,
    /// The server was already stopping.
    pub(crate) closed: bool,
    /// Who is told how the run stands.
    standing: Option<watch::Sender<Option<Standing>>>,
}

impl Hub {
    /// An empty hub. Its epoch distinguishes its cursors from those of other processes and of earlier starts.
    pub fn new(store: Store) -> Self {
        let epoch = u64::from(std::process::id()) << 44 ^ store.clock().now().unsigned_abs();
        Self { shared: Arc::new(Shared { store, epoch, ticks: broadcast::channel(LAG).0, state: Mutex::default() }) }
    }

    /// The current position. Take it before reading what a page shows: a change during the read is then sent again, not lost.
    pub fn cursor(&self) -> LiveCursor {
        self.shared.cursor(&self.shared.lock())
    }

    pub fn health(&self) -> Health {
        self.shared.lock().health
    }

    /// How many readers are connected now.
    pub fn readers(&self) -> usize {
        self.shared.ticks.receiver_count()
    }

    /// Sends heartbeats to all readers until `cancel`; then asks them to reconnect.
    pub async fn keep(self, cancel: CancellationToken) {
        let mut beats = Loop::new("Heartbeats", HEARTBEAT, cancel);
        while beats.next().await {
            let _ = self.shared.ticks.send(Message::Beat);
        }
        self.shared.lock().closed = true;
        let _ = self.shared.ticks.send(Message::Bye);
    }

    /// Subscribes from `after` on, or from the current position without one.
    ///
    /// The caller checks that the reader may see the scope: after subscribing, so that a right that ends meanwhile is not
    /// missed, and before sending anything.
    ///
    /// # Errors
    /// [`StoreError`] if the missed rows cannot be read.
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
            let (health, closed) = (state.health, state.closed);
            (Subscription { shared, scope, audience, messages, missed: Vec::new(), cursor, health, closed, standing: None }, missed)
        };
        subscription.missed = match missed {
            None => Vec::new(),
            Some(None) => vec![crate::sse::reset(subscription.cursor)],
            Some(Some(ticks)) => match scope {
                Scope::Runs => ticks.iter().map(|tick| tick.runs_frame(audience)).filter(|frame| !frame.is_empty()).collect(),
                Scope::Run(run) => self.shared.missed_of_run(run, audience, &ticks, subscription.cursor).await?.into_iter().collect(),
            },
        };
        Ok(subscription)
    }
}

impl Subscription {
    /// How the subscription's run stands, from now on: the newest change only, `None` until there is one. Closed when the
    /// subscription ends.
    ///
    /// The stream that is made of the subscription tells it, so that stream must be polled first.
    pub fn standings(&mut self) -> watch::Receiver<Option<Standing>> {
        let (standing, heard) = watch::channel(None);
        self.standing = Some(standing);
        heard
    }

    /// Tells how the run stands, if that is news for somebody.
    pub(crate) fn stands(&self, now: impl FnOnce(RunId) -> Option<Standing>) {
        let (Some(standing), Scope::Run(run)) = (&self.standing, self.scope) else { return };
        if let Some(now) = now(run) {
            standing.send_if_modified(|held| {
                // What is unknown may be something else each time.
                let is_news = now == Standing::Unknown || held.as_ref() != Some(&now);
                if is_news {
                    *held = Some(now);
                }
                is_news
            });
        }
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

    /// Milliseconds since 1970.
    pub(crate) fn now(&self) -> Millis {
        self.store.clock().now()
    }

    fn cursor(&self, state: &State) -> LiveCursor {
        LiveCursor { epoch: self.epoch, seq: state.seq }
    }

    /// The current position, for a reader that fell behind.
    pub(crate) fn rejoin(&self) -> Present {
        let state = self.lock();
        Present { messages: self.ticks.subscribe(), cursor: self.cursor(&state), health: state.health, closed: state.closed }
    }

    /// The ticks after a cursor; `None` if they are no longer in the ring, or the cursor is not of this hub.
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

    /// The current rows of everything in one run that the ticks touched, as one frame.
    async fn missed_of_run(
        &self,
        run: RunId,
        audience: Audience,
        ticks: &[Arc<Tick>],
        cursor: LiveCursor,
    ) -> Result<Option<Bytes>, StoreError> {
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
        // A run that is deleted, or that this reader no longer sees, is gone.
        let frame = match store::runs::owned(&mut conn, audience, run).await? {
            None => gone(run, self.now()),
            Some((summary, _)) => run_frame(&mut conn, run, Some(RunChange::Now(Box::new(summary))), &jobs, (None, self.now())).await?,
        };
        Ok(Some(encode(cursor, &frame)))
    }

    /// Reads the rows of `touched` once, over `conn`, and sends them to all readers.
    pub(crate) async fn publish(&self, conn: &mut store::Conn, touched: Touched) -> Result<(), StoreError> {
        if touched.is_empty() {
            return Ok(());
        }
        let mut ids: BTreeSet<RunId> = touched.runs;
        ids.extend(touched.jobs.keys());
        if ids.len() > MAX_RUNS {
            self.reset();
            return Ok(());
        }
        let list: Vec<RunId> = ids.iter().copied().collect();
        let (found, gone) = store::runs::changed(conn, &list).await?;
        let mut whose = Whose { moved: touched.moved, ..Whose::default() };
        let mut changes = Vec::with_capacity(ids.len());
        for (run, belonging) in found {
            whose.belongings.insert(run.id, belonging);
            changes.push(RunChange::Now(Box::new(run)));
        }
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
            let change = changes.iter().find(|change| change.run() == run).cloned();
            frames.push((run, run_frame(conn, run, change, &touched_jobs[&run], (touched.oldest_at, self.now())).await?));
        }
        let frame = Frame { changed_at: touched.oldest_at, sent_at: self.now(), runs: changes, ..Frame::default() };

        let mut state = self.lock();
        state.seq += 1;
        let cursor = self.cursor(&state);
        let watched = frames.into_iter().map(|(run, frame)| (run, encode(cursor, &frame))).collect();
        let tick = Arc::new(Tick::new(cursor, frame, whose, watched, touched_jobs));
        state.weight += tick.weight();
        state.ring.push_back(Arc::clone(&tick));
        while state.ring.len() > RING || (state.weight > RING_BYTES && state.ring.len() > 1) {
            if let Some(old) = state.ring.pop_front() {
                state.weight -= old.weight();
            }
        }
        // Sent while the lock is held, so that a new subscriber finds each tick in either the ring or the channel.
        let _ = self.ticks.send(Message::Tick(tick));
        Ok(())
    }

    /// Updates the health; readers are notified if the state changed.
    pub(crate) fn hear(&self, change: impl FnOnce(&mut Health)) {
        let mut state = self.lock();
        let before = state.health.state;
        change(&mut state.health);
        if state.health.state != before {
            let _ = self.ticks.send(Message::Status(state.health));
        }
    }

    /// Tells all readers to refetch, and invalidates all earlier cursors.
    pub(crate) fn reset(&self) {
        let mut state = self.lock();
        state.seq += 1;
        state.ring.clear();
        state.weight = 0;
        let _ = self.ticks.send(Message::Reset(self.cursor(&state)));
    }
}

async fn run_frame(
    conn: &mut store::Conn,
    run: RunId,
    change: Option<RunChange>,
    jobs: &BTreeSet<JobKey>,
    (changed_at, sent_at): (Option<Millis>, Millis),
) -> Result<Frame, StoreError> {
    let mut frame = Frame { changed_at, sent_at, runs: change.into_iter().collect(), ..Frame::default() };
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
