//! Who a request is from: a session cookie, a bearer token, or nobody.

use crate::router::ServerState;
use app::state::Viewer;
use axum::http::{
    Extensions, HeaderMap, HeaderValue,
    header::{AUTHORIZATION, COOKIE as COOKIE_HEADER},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use model::UserId;
use std::{
    borrow::Cow,
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use store::{
    Store, StoreError,
    people::{self, TokenOwner},
    runs::Audience,
};
use tokio::time::{Instant, timeout};

/// The session's cookie.
pub const COOKIE: &str = "flowo_session";
/// A session ends after so many days without use.
pub const SESSION_DAYS: i32 = 30;
/// Longer credentials are not ours.
const MAX_SECRET: usize = 512;

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// What a credential may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Report,
    Read,
    Write,
    Admin,
}

impl Scope {
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "report" => Self::Report,
            "read" => Self::Read,
            "write" => Self::Write,
            "admin" => Self::Admin,
            _ => return None,
        })
    }

    pub const fn reads(self) -> bool {
        matches!(self, Self::Read | Self::Write | Self::Admin)
    }

    pub const fn writes(self) -> bool {
        matches!(self, Self::Write | Self::Admin)
    }

    pub const fn reports(self) -> bool {
        matches!(self, Self::Report | Self::Write | Self::Admin)
    }
}

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
    async fn owner(&self, store: &Store, hash: Vec<u8>) -> Result<Option<TokenOwner>, StoreError> {
        let now = Instant::now();
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned();
        if let Some((at, owner)) = &held
            && now.duration_since(*at) < FRESH
        {
            return Ok(owner.clone());
        }
        let asked = async { people::token_owner(&mut *store.conn().await?, &hash).await };
        let owner = match held {
            None => timeout(PATIENCE, asked).await.unwrap_or_else(|_| Err(StoreError::too_slow("looking up a token")))?,
            // While the database is away, whoever was known is known: their report is refused for its own reason, at once.
            Some((_, known)) => match timeout(BRIEFLY, asked).await {
                Ok(Ok(owner)) => owner,
                Ok(Err(_)) | Err(_) => known,
            },
        };
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= REMEMBERED {
            held.clear();
        }
        held.insert(hash, (Instant::now(), owner.clone()));
        Ok(owner)
    }
}

/// The caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// No credential at all; `local` if from this machine.
    Nobody {
        local: bool,
    },
    /// A credential that is not, or no longer, one of ours.
    Unknown,
    Known {
        id: UserId,
        name: String,
        role: String,
        scope: Scope,
        session: bool,
    },
}

impl Identity {
    /// Leaves what handlers and pages need to know of the caller in the request.
    pub fn attach(self, extensions: &mut Extensions) {
        let Self::Known { id, name, role, scope, .. } = self else { return };
        let all = role == "admin" || role == "viewer";
        let audience = if all { Audience::All } else { Audience::User(id) };
        extensions.insert(audience);
        extensions.insert(ingest::Sender { user: Some(id), name: name.clone(), admin: role == "admin" });
        extensions.insert(Viewer { id, name, audience, may_write: scope.writes() && role != "viewer" });
    }
}

/// Finds out who sent a request.
///
/// A token that was sent decides, good or bad; a cookie beside it does not help.
///
/// # Errors
/// The database cannot be asked.
pub async fn of(state: &ServerState, headers: &HeaderMap, peer: Option<Peer>) -> Result<Identity, StoreError> {
    if let Some(token) = bearer(headers) {
        if token.len() > MAX_SECRET {
            return Ok(Identity::Unknown);
        }
        let owner = state.tokens.owner(&state.app.store, state.secrets.hash(&token)).await?;
        return Ok(owner
            .and_then(|owner| {
                let scope = Scope::parse(&owner.scope)?;
                Some(Identity::Known { id: UserId(owner.id), name: owner.name, role: owner.role, scope, session: false })
            })
            .unwrap_or(Identity::Unknown));
    }
    if let Some(cookie) = cookie(headers, COOKIE).filter(|cookie| cookie.len() <= MAX_SECRET) {
        let mut conn = state.app.store.conn().await?;
        let user = people::session_user(&mut conn, &state.secrets.hash(cookie), SESSION_DAYS).await?;
        return Ok(user.map_or(Identity::Unknown, |user| Identity::Known {
            id: UserId(user.id),
            name: user.name,
            role: user.role,
            scope: Scope::Admin,
            session: true,
        }));
    }
    // Behind a proxy on this machine everybody seems local; its header gives it away.
    let proxied = headers.contains_key("x-forwarded-for") || headers.contains_key("forwarded");
    Ok(Identity::Nobody { local: !proxied && peer.is_some_and(|peer| peer.0.ip().is_loopback()) })
}

/// A token as a client sends it: by itself, or as the password in an address.
fn bearer(headers: &HeaderMap) -> Option<Cow<'_, str>> {
    let value = headers.get(AUTHORIZATION)?.to_str().unwrap_or("");
    let (kind, token) = value.split_once(' ').unwrap_or((value, ""));
    if kind.eq_ignore_ascii_case("bearer") {
        return Some(token.trim().into());
    }
    let basic = kind.eq_ignore_ascii_case("basic").then(|| BASE64_STANDARD.decode(token.trim()).ok()).flatten();
    let pair = basic.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    let (user, password) = pair.split_once(':').unwrap_or((&pair, ""));
    Some(if password.is_empty() { user } else { password }.to_owned().into())
}

/// Takes a token from the path, where no header has one.
pub fn from_path(path: &str, headers: &mut HeaderMap) {
    let token = path.strip_prefix("/t/").and_then(|rest| rest.split('/').next()).unwrap_or("");
    if !headers.contains_key(AUTHORIZATION)
        && let Ok(value) = HeaderValue::try_from(format!("Bearer {token}"))
    {
        headers.insert(AUTHORIZATION, value);
    }
}

/// The value of one cookie.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(COOKIE_HEADER).into_iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|line| line.split(';')).find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}
