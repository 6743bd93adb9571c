//! Signing in by a link that works once, and out again.

use super::{COOKIE, SESSION_DAYS, identity::cookie};
use crate::{api::problem::Problem, router::ServerState, secrets};
use axum::{
    extract::{Query, State},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, SET_COOKIE},
    },
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use store::people;

#[derive(Deserialize)]
pub struct Key {
    #[serde(default)]
    key: String,
}

/// Trades the key of a sign-in link for a session. A key works once.
pub async fn sign_in(State(state): State<ServerState>, Query(Key { key }): Query<Key>, headers: HeaderMap) -> Response {
    match open(&state, &key, &headers).await {
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

async fn open(state: &ServerState, key: &str, headers: &HeaderMap) -> Result<Option<HeaderValue>, Problem> {
    let mut conn = state.app.store.conn().await?;
    let Some(user) = people::use_sign_in_key(&mut conn, &state.secrets.hash(key)).await? else { return Ok(None) };
    let failed = |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "No session could be made.");
    let session = secrets::random().map_err(failed)?;
    people::add_session(&mut conn, user, &state.secrets.hash(&session), SESSION_DAYS).await?;
    // Reached by TLS, the cookie must never travel without.
    let secure = if headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https") { "; Secure" } else { "" };
    let text = format!("{COOKIE}={session}; HttpOnly; SameSite=Lax; Path=/; Max-Age={}{secure}", i64::from(SESSION_DAYS) * 86_400);
    HeaderValue::from_str(&text).map(Some).map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "No session could be made."))
}

/// Ends the session for good, not only in this browser.
pub async fn sign_out(State(state): State<ServerState>, headers: HeaderMap) -> Result<Response, Problem> {
    if let Some(session) = cookie(&headers, COOKIE) {
        let mut conn = state.app.store.conn().await?;
        people::end_session(&mut conn, &state.secrets.hash(session)).await?;
    }
    let mut response = Redirect::to("/login?why=out").into_response();
    let gone = HeaderValue::from_static("flowo_session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0");
    response.headers_mut().insert(SET_COOKIE, gone);
    Ok(response)
}
