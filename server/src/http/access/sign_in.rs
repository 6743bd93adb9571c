//! Sign-in by a single-use link, and sign-out.
//!
//! Opening the link shows a page with a button (`app/src/pages/login.rs`); only the button uses the key. Browsers, mail
//! programs and chats open links by themselves to preview them.

use super::{Peer, cookies, local};
use crate::{
    http::{ServerState, problem::Problem},
    secrets,
};
use axum::{
    Form,
    extract::{ConnectInfo, State},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, SET_COOKIE},
    },
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use serde_json::json;
use store::{
    audit::{self, Deed},
    people,
};

#[derive(Deserialize)]
pub struct Key {
    #[serde(default)]
    key: String,
}

/// Exchanges the key of a sign-in link for a session. A key works once.
pub async fn sign_in(
    State(state): State<ServerState>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
    Form(Key { key }): Form<Key>,
) -> Response {
    match open(&state, &key, &headers, peer).await {
        Ok(Some(set_cookie)) => {
            let mut response = Redirect::to("/runs").into_response();
            response.headers_mut().insert(SET_COOKIE, set_cookie);
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Ok(None) => Redirect::to("/login?why=used").into_response(),
        Err(error) => error.into_response(),
    }
}

async fn open(state: &ServerState, key: &str, headers: &HeaderMap, peer: Peer) -> Result<Option<HeaderValue>, Problem> {
    let failed = || Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "No session could be made.");
    let address = local::address(headers, Some(peer)).map(local::network);
    let from = address.map_or_else(|| "unknown".to_owned(), |address| address.to_string());
    let mut tx = state.app.reader.store.begin().await?;
    let Some(user) = people::use_sign_in_key(&mut tx, &state.secrets.hash(key)).await? else {
        audit::count(&mut tx, None, Deed::SignInRefused, &from, json!({})).await?;
        store::commit(tx).await?;
        return Ok(None);
    };
    let session = secrets::random().map_err(|_| failed())?;
    people::add_session(&mut tx, user, &state.secrets.hash(&session), super::SESSION_DAYS).await?;
    audit::note(&mut tx, Some(user), Deed::SignIn, &from, json!({ "by": "link" })).await?;
    store::commit(tx).await?;
    cookies::begun(headers, &state.app.base_url, &session).map(Some).ok_or_else(failed)
}

/// Ends the session itself, not only this browser's cookie.
pub async fn sign_out(State(state): State<ServerState>, headers: HeaderMap) -> Result<Response, Problem> {
    let mut response = Redirect::to("/login?why=out").into_response();
    for (name, session) in cookies::sessions(&headers, &state.app.base_url) {
        let mut tx = state.app.reader.store.begin().await?;
        let ended = people::end_session(&mut tx, &state.secrets.hash(session)).await?;
        if let Some(user) = ended {
            audit::note(&mut tx, Some(user), Deed::SignOut, &user.to_string(), json!({})).await?;
        }
        store::commit(tx).await?;
        // A cookie without a port that is not ours belongs to an older Flowo on this host, so it stays.
        if (ended.is_some() || name != cookies::COOKIE)
            && let Some(gone) = cookies::gone(&name)
        {
            response.headers_mut().append(SET_COOKIE, gone);
        }
    }
    Ok(response)
}
