//! Looks up the owner of a token in the database, and caches it for two seconds.

use model::clock::Instant;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use store::{
    Store, StoreError,
    people::{self, TokenOwner},
};

/// How long a token's owner is cached: a busy client sends thousands of reports a minute. A revoked token may work this
/// much longer.
const FRESH: Duration = Duration::from_secs(2);
/// How long we wait for the lookup of a cached token.
const BRIEFLY: Duration = Duration::from_millis(500);
/// How long we wait for the lookup of a token that is not cached.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(4);
/// Tokens in the cache; when there are more, the cache is emptied.
const REMEMBERED: usize = 10_000;

/// A cache of the owners of recently used tokens. Cheap to clone.
#[derive(Clone, Default)]
pub struct TokenCache(Arc<Mutex<HashMap<Vec<u8>, Seen>>>);

/// When a token was looked up, and its owner.
type Seen = (Instant, Option<TokenOwner>);

impl TokenCache {
    pub(super) async fn owner(&self, store: &Store, hash: Vec<u8>) -> Result<Option<TokenOwner>, StoreError> {
        let now = store.clock().instant();
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned();
        if let Some((at, owner)) = &held
            && now.duration_since(*at) < FRESH
        {
            return Ok(owner.clone());
        }
        let asked = async { people::token_owner(&mut *store.conn().await?, &hash).await };
        let owner = match held {
            None => store.within(LOOKUP_TIMEOUT, "looking up a token", asked).await?,
            // While the database is away, a cached owner stays valid: the report is then refused at once, for its own reason.
            Some((_, known)) => store.briefly(BRIEFLY, "looking up a token again", asked).await.unwrap_or(known),
        };
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= REMEMBERED {
            held.clear();
        }
        held.insert(hash, (store.clock().instant(), owner.clone()));
        Ok(owner)
    }
}
