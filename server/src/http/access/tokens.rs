//! Whose a token is: asked of the database, and remembered for two seconds.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use store::{
    Store, StoreError,
    people::{self, TokenOwner},
};
use tokio::time::Instant;

/// A token's owner is asked for at most every two seconds: a busy client sends thousands of
/// reports a minute. So long a revoked token may still work.
const FRESH: Duration = Duration::from_secs(2);
/// How long a token that was known is asked for.
const BRIEFLY: Duration = Duration::from_millis(500);
/// The same for one nobody has shown yet.
const PATIENCE: Duration = Duration::from_secs(4);
/// Tokens remembered; more, and all are asked for again.
const REMEMBERED: usize = 10_000;

/// Owners of tokens seen just now. Cheap to clone.
#[derive(Clone, Default)]
pub struct TokenCache(Arc<Mutex<HashMap<Vec<u8>, Seen>>>);

/// When a token was asked for, and whose it was.
type Seen = (Instant, Option<TokenOwner>);

impl TokenCache {
    pub(super) async fn owner(&self, store: &Store, hash: Vec<u8>) -> Result<Option<TokenOwner>, StoreError> {
        let now = Instant::now();
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned();
        if let Some((at, owner)) = &held
            && now.duration_since(*at) < FRESH
        {
            return Ok(owner.clone());
        }
        let asked = async { people::token_owner(&mut *store.conn().await?, &hash).await };
        let owner = match held {
            None => store.within(PATIENCE, "looking up a token", asked).await?,
            // While the database is away, whoever was known is known: their report is refused for its own reason, at once.
            Some((_, known)) => store.briefly(BRIEFLY, "looking up a token again", asked).await.unwrap_or(known),
        };
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= REMEMBERED {
            held.clear();
        }
        held.insert(hash, (Instant::now(), owner.clone()));
        Ok(owner)
    }
}
