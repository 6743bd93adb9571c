//! Tracks open streams and downloads by person and by session or token. Each person may have a limited number open, and
//! they end when the session is signed out or the token revoked.
//!
//! One query every half second covers all of them; there is none while nothing is open. This module only ends them;
//! other modules admit requests.

use model::access::Viewer;
use model::{
    UserId,
    access::{Credential, Role},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use store::{Loop, Store, StoreError, credentials, error::chain};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tracing::warn;

/// How often sessions and tokens are checked, so that what they opened ends within a second.
const LOOK: Duration = Duration::from_millis(400);
/// How long we wait for the database. One that does not answer has revoked nothing; it is queried again.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);

/// Knows all places. Cheap to clone.
#[derive(Clone)]
pub struct Watch {
    store: Store,
    /// The limits of one person, and of one of their tokens.
    most: (usize, usize),
    held: Arc<Mutex<Held>>,
}

#[derive(Default)]
struct Held {
    people: HashMap<UserId, usize>,
    shown: HashMap<Shown, Open>,
}

/// A session or token, with its account's role. A role change alters what the person may see, so it ends what is open.
type Shown = (Credential, Role);

struct Open {
    places: usize,
    over: CancellationToken,
}

/// One open stream or download; dropping it frees the place.
pub struct Place {
    held: Arc<Mutex<Held>>,
    user: UserId,
    shown: Option<Shown>,
    over: CancellationToken,
}

/// This person or token has as many places as allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl Watch {
    /// `most` is the limit of one person; one token gets at most half of it.
    pub fn new(store: Store, most: usize) -> Self {
        Self { store, most: (most, most.div_ceil(2)), held: Arc::default() }
    }

    /// Takes a place.
    ///
    /// # Errors
    /// [`Full`]; others can still take places.
    pub fn join(&self, viewer: &Viewer) -> Result<Place, Full> {
        let shown = viewer.credential.map(|credential| (credential, viewer.grant.role));
        let mut held = lock(&self.held);
        let of_person = held.people.get(&viewer.id).copied().unwrap_or(0);
        let is_token = matches!(viewer.credential, Some(Credential::Token(_)));
        let of_token = shown.filter(|_| is_token).and_then(|shown| held.shown.get(&shown)).map_or(0, |open| open.places);
        if of_person >= self.most.0 || of_token >= self.most.1 {
            metrics::counter!("flowo_places_refused_total").increment(1);
            return Err(Full);
        }
        *held.people.entry(viewer.id).or_default() += 1;
        let over = shown.map_or_else(CancellationToken::new, |shown| {
            let open = held.shown.entry(shown).or_insert_with(|| Open { places: 0, over: CancellationToken::new() });
            open.places += 1;
            open.over.clone()
        });
        drop(held);
        Ok(Place { held: Arc::clone(&self.held), user: viewer.id, shown, over })
    }

    /// Checks all places until cancelled.
    pub async fn run(self, cancel: CancellationToken) {
        let mut rounds = Loop::new("Checking what is open", LOOK, cancel);
        let mut logged = false;
        while rounds.next().await {
            if lock(&self.held).shown.is_empty() {
                continue;
            }
            let failure = match timeout(CHECK_TIMEOUT, self.look()).await {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(chain(&error)),
                Err(_) => Some(format!("the database did not answer within {CHECK_TIMEOUT:?}")),
            };
            // Logged once, not again and again while the database is away.
            if let Some(error) = failure.as_deref().filter(|_| !logged) {
                warn!(error, "Could not check the sessions and tokens of open streams; trying again in {LOOK:?}");
            }
            logged = failure.is_some();
        }
    }

    /// Ends what was opened with a session or token that is no longer valid.
    async fn look(&self) -> Result<(), StoreError> {
        let asked: Vec<Shown> = lock(&self.held).shown.keys().copied().collect();
        let numbers: Vec<Credential> = asked.iter().map(|(credential, _)| *credential).collect();
        let good = credentials::good(&mut *self.store.conn().await?, &numbers).await?;
        let good: HashMap<Credential, Role> = good.into_iter().map(|good| (good.credential, good.grant.role)).collect();
        let mut held = lock(&self.held);
        for shown in asked {
            let (credential, role) = shown;
            if good.get(&credential).is_none_or(|now| *now != role)
                && let Some(open) = held.shown.remove(&shown)
            {
                open.over.cancel();
            }
        }
        Ok(())
    }
}

impl Place {
    /// Waits until this session or token is no longer valid.
    pub fn over(&self) -> WaitForCancellationFutureOwned {
        self.over.clone().cancelled_owned()
    }

    pub fn is_over(&self) -> bool {
        self.over.is_cancelled()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = lock(&self.held);
        if let Some(count) = held.people.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                held.people.remove(&self.user);
            }
        }
        // If the session is over, its entry is gone already, and a new one may have taken its key.
        if let Some(shown) = self.shown
            && !self.over.is_cancelled()
            && let Some(open) = held.shown.get_mut(&shown)
        {
            open.places -= 1;
            if open.places == 0 {
                held.shown.remove(&shown);
            }
        }
    }
}

fn lock(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{
        access::{FileReader, Grant, Means, TokenScope},
        clock::MockClock,
    };

    fn viewer(id: i64, credential: Credential) -> Viewer {
        let id = UserId(id);
        let reader = FileReader { account: id, proof: credential.proof(), is_owner: false };
        let means = if matches!(credential, Credential::Session(_)) { Means::Session } else { Means::Token(TokenScope::Write) };
        let grant = Grant { role: Role::Member, means };
        Viewer { id, name: "ana".into(), grant, audience: grant.audience(id), reader, credential: Some(credential) }
    }

    #[tokio::test]
    async fn one_person_takes_no_place_of_another_and_one_token_not_all_of_its_person() {
        let watch = Watch::new(Store::lazy("postgres://localhost/none", 1, MockClock::new(0).clock()).unwrap(), 5);
        let (ana, other, token) = (viewer(1, Credential::Session(1)), viewer(2, Credential::Session(2)), viewer(1, Credential::Token(1)));

        let mut places: Vec<Place> = (0..3).map(|_| watch.join(&token).unwrap_or_else(|_| panic!("a place"))).collect();
        assert!(watch.join(&token).is_err(), "the token has its half");
        places.extend((0..2).map(|_| watch.join(&ana).unwrap_or_else(|_| panic!("a place"))));

        assert!(watch.join(&ana).is_err() && watch.join(&token).is_err());
        assert!(watch.join(&other).is_ok());
        places.pop();
        assert!(watch.join(&ana).is_ok(), "one was given back");
        drop(places);
        let held = lock(&watch.held);
        assert!(held.people.is_empty() && held.shown.is_empty());
    }
}
