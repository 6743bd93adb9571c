//! The conversations in progress, each with its run. Bounded: those that were silent longest are forgotten.

use super::translate::Conversation;
use model::{
    RunId, UserId,
    clock::{Clock, Instant},
};
use moka::{future::Cache, policy::EvictionPolicy};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How many conversations are remembered.
const MOST: u64 = 20_000;

/// How long the mapping from a number to its run is trusted: another server may start the number's next attempt.
const FRESH: Duration = Duration::from_secs(1);

/// A run, and what is remembered of its client's messages.
#[derive(Debug)]
pub struct Open {
    pub run: RunId,
    /// Who started the run.
    pub owner: Option<UserId>,
    talk: Mutex<Conversation>,
    checked: Mutex<Instant>,
}

impl Open {
    /// Whether the mapping from its number to its run was checked recently.
    pub fn is_fresh(&self, now: Instant) -> bool {
        now.duration_since(*self.checked.lock().unwrap_or_else(PoisonError::into_inner)) < FRESH
    }

    /// Returns itself, marked as checked now.
    pub fn refreshed(self: Arc<Self>, now: Instant) -> Arc<Self> {
        *self.checked.lock().unwrap_or_else(PoisonError::into_inner) = now;
        self
    }

    pub fn talk(&self) -> MutexGuard<'_, Conversation> {
        self.talk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All conversations, by number. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Conversations {
    open: Cache<i64, Arc<Open>>,
    clock: Clock,
}

impl Conversations {
    pub fn new(clock: Clock) -> Self {
        Self { open: Cache::builder().max_capacity(MOST).eviction_policy(EvictionPolicy::lru()).build(), clock }
    }

    pub async fn find(&self, id: i64) -> Option<Arc<Open>> {
        self.open.get(&id).await
    }

    /// Starts a conversation; it replaces any earlier one with the same number.
    pub async fn begin(&self, id: i64, run: RunId, owner: Option<UserId>, talk: Conversation) -> Arc<Open> {
        let open = Arc::new(Open { run, owner, talk: Mutex::new(talk), checked: Mutex::new(self.clock.instant()) });
        self.open.insert(id, Arc::clone(&open)).await;
        open
    }
}
