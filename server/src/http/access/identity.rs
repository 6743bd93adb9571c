//! Identifies the caller of a request: a session cookie, a bearer token, or nobody.

use super::{
    cookies::{self, SESSION_DAYS},
    local::{self, Peer},
};
use crate::http::ServerState;
use axum::http::{Extensions, HeaderMap, HeaderValue, header::AUTHORIZATION};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use model::{
    UserId,
    access::{Credential, FileReader, Grant, Means, Permission, Viewer, may},
};
use std::borrow::Cow;
use store::{StoreError, credentials, people};

/// Longer credentials are not ours, so they are not looked up.
const MAX_SECRET: usize = 512;

/// The caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// No credential at all; `local` if the caller is a program on this machine.
    Nobody { local: bool },
    /// A credential that is not, or no longer, valid here.
    Unknown,
    Known {
        id: UserId,
        name: String,
        grant: Grant,
        /// The credential that was sent; `None` where callers without a credential are admitted.
        credential: Option<Credential>,
    },
}

impl Identity {
    /// Attaches to the request what handlers and pages need to know of the caller; `owner` is the person who started
    /// the server.
    pub fn attach(self, owner: UserId, extensions: &mut Extensions) {
        let Some(viewer) = self.viewer(owner) else { return };
        extensions.insert(viewer.audience);
        let admin = may(viewer.grant, Permission::ChangeAllRuns).is_ok();
        extensions.insert(ingest::Sender { user: Some(viewer.id), name: viewer.name.clone(), admin });
        extensions.insert(viewer);
    }

    /// The caller as the pages see them; `None` for nobody.
    pub fn viewer(self, owner: UserId) -> Option<Viewer> {
        let Self::Known { id, name, grant, credential } = self else { return None };
        let reader = FileReader { account: id, proof: grant.means.proof(), is_owner: id == owner };
        Some(Viewer { id, name, grant, audience: grant.audience(id), reader, credential })
    }
}

/// The current owner of a session or token, found by its number; `None` if it is no longer valid or may not read.
///
/// # Errors
/// The database cannot be queried.
pub async fn of_credential(state: &ServerState, credential: Credential) -> Result<Option<Viewer>, StoreError> {
    let good = credentials::good(&mut *state.app.reader.store.conn().await?, &[credential]).await?.pop();
    let known = good.filter(|good| may(good.grant, Permission::ReadRuns).is_ok()).map(|good| Identity::Known {
        id: good.user,
        name: good.name,
        grant: good.grant,
        credential: Some(credential),
    });
    Ok(known.and_then(|known| known.viewer(state.owner)))
}

/// Identifies the sender of a request.
///
/// If a token was sent, it decides, valid or not; a cookie beside it is ignored.
///
/// # Errors
/// The database cannot be queried.
pub async fn of(state: &ServerState, headers: &HeaderMap, peer: Option<Peer>) -> Result<Identity, StoreError> {
    if let Some(token) = bearer(headers) {
        if token.len() > MAX_SECRET {
            return Ok(Identity::Unknown);
        }
        let owner = state.tokens.owner(&state.app.reader.store, state.secrets.hash(&token)).await?;
        return Ok(owner.map_or(Identity::Unknown, |owner| Identity::Known {
            id: UserId(owner.id),
            name: owner.name,
            grant: Grant { role: owner.role, means: Means::Token(owner.scope) },
            credential: Some(Credential::Token(owner.token)),
        }));
    }
    if let Some(cookie) = cookies::session(headers, &state.app.base_url).filter(|cookie| cookie.len() <= MAX_SECRET) {
        let mut conn = state.app.reader.store.conn().await?;
        let user = people::session_user(&mut conn, &state.secrets.hash(cookie), SESSION_DAYS).await?;
        return Ok(user.map_or(Identity::Unknown, |user| Identity::Known {
            id: UserId(user.id),
            name: user.name,
            grant: Grant { role: user.role, means: Means::Session },
            credential: Some(Credential::Session(user.session)),
        }));
    }
    Ok(Identity::Nobody { local: local::is_local(headers, peer) })
}

/// The token in the `Authorization` header: by itself, or as the password of a URL.
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

/// Takes the token from the path if no header has one.
pub fn from_path(path: &str, headers: &mut HeaderMap) {
    let token = path.strip_prefix("/t/").and_then(|rest| rest.split('/').next()).unwrap_or("");
    if !headers.contains_key(AUTHORIZATION)
        && let Ok(value) = HeaderValue::try_from(format!("Bearer {token}"))
    {
        headers.insert(AUTHORIZATION, value);
    }
}
