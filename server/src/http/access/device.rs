//! `flowo login`: a program starts a sign-in, shows a code, and waits until a person approves it here.
//!
//! The approval page shows the code stored for the program, not one from the URL. The person chooses what the token may
//! do and for how long; the program's request is only a proposal.

use super::{Peer, local};
use crate::{
    http::{ServerState, problem::Problem},
    owner, secrets,
};
use axum::{
    Extension, Form, Json,
    extract::{ConnectInfo, Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Redirect, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use model::access::Viewer;
use model::{
    UserId,
    access::{TokenScope, may},
};
use serde::Deserialize;
use serde_json::json;
use std::borrow::Cow;
use store::{
    audit::{self, Deed},
    devices::{self, Asked},
    people,
};
use view::devices::MOST_DAYS;

/// How long a code is valid, in minutes.
const MINUTES: i32 = 10;
/// How often the program should poll, in seconds.
const INTERVAL: u32 = 2;
/// Letters that cannot be confused with one another.
const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

#[derive(Deserialize)]
pub struct Start {
    #[serde(default)]
    ttl_days: Option<i32>,
}

/// Begins a sign-in. Anybody may do so, within limits: it has no effect without an approval.
pub async fn start(
    State(state): State<ServerState>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
    Json(Start { ttl_days }): Json<Start>,
) -> Result<Response, Problem> {
    if ttl_days.is_some_and(|days| !(1..=3650).contains(&days)) {
        return Ok(detail(StatusCode::UNPROCESSABLE_ENTITY, "ttl_days is 1 to 3650, or null for no end"));
    }
    let address = local::address(&headers, Some(peer));
    if let Err(wait) = state.doors.starts.take(address) {
        let mut response =
            detail(StatusCode::TOO_MANY_REQUESTS, "Too many sign-ins were started from this address; try again in a few minutes");
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
        return Ok(response);
    }
    let broken = |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "No code could be made.");
    let device_code = secrets::random().map_err(broken)?;
    let user_code = user_code(&secrets::random().map_err(broken)?);
    let hash = state.secrets.hash(&device_code);
    let from = address.map(|address| address.to_string());
    let asked = Asked { hash: &hash, user_code: &user_code, ttl_days, from: from.as_deref(), minutes: MINUTES };
    devices::begin(&mut *state.app.reader.store.conn().await?, asked).await?;
    let expires: DateTime<Utc> =
        DateTime::from_timestamp_millis(state.app.reader.store.clock().now()).unwrap_or_default() + TimeDelta::minutes(MINUTES.into());
    Ok(Json(json!({
        "verification_uri_complete": format!("/login?cli_device_code={device_code}&cli_user_code={user_code}"),
        "device_code": device_code,
        "user_code": user_code,
        "expires_at": expires.to_rfc3339(),
        "interval_seconds": INTERVAL,
    }))
    .into_response())
}

/// Two groups of four letters, derived from random text.
fn user_code(random: &str) -> String {
    let bytes = URL_SAFE_NO_PAD.decode(random).unwrap_or_default();
    let letters: String = bytes.iter().take(8).map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
    format!("{}-{}", &letters[..4], &letters[4..])
}

/// The program polls this; the token is handed out once.
pub async fn poll(State(state): State<ServerState>, Path(code): Path<String>) -> Result<Response, Problem> {
    let hash = state.secrets.hash(&code);
    let mut conn = state.app.reader.store.conn().await?;
    let Some(login) = devices::find(&mut conn, &hash).await? else { return Ok(detail(StatusCode::NOT_FOUND, UNKNOWN)) };
    if login.approved_by.is_none() {
        return Ok(Json(json!({ "status": "pending", "token": null, "flowo_working_path": null })).into_response());
    }
    drop(conn);
    let mut tx = state.app.reader.store.begin().await?;
    let Some(approved) = devices::take(&mut tx, &hash).await? else { return Ok(detail(StatusCode::NOT_FOUND, UNKNOWN)) };
    let token = secrets::token().map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "No token could be made."))?;
    let (shown, hash) = (secrets::shown(&token), state.secrets.hash(&token));
    people::add_token(&mut tx, UserId(approved.user_id), "flowo login", &shown, &hash, approved.scope, approved.ttl_days).await?;
    store::commit(tx).await?;
    Ok(Json(json!({ "status": "approved", "token": token, "flowo_working_path": owner::working_path() })).into_response())
}

const UNKNOWN: &str = "Unknown or expired code";

/// What a person approves. A missing field means the least privilege.
#[derive(Deserialize)]
pub struct Approve {
    device_code: String,
    #[serde(default)]
    scope: Option<String>,
    /// Days until the token expires; 0 means never.
    #[serde(default)]
    days: Option<i32>,
}

/// Admits a program in the name of the person who is signed in here.
pub async fn approve(
    State(state): State<ServerState>,
    Extension(viewer): Extension<Viewer>,
    Json(approve): Json<Approve>,
) -> Result<Response, Problem> {
    match let_in(&state, &viewer, &approve).await? {
        Outcome::Done => Ok(Json(json!({ "status": "approved", "token": null, "flowo_working_path": null })).into_response()),
        Outcome::Unknown => Ok(detail(StatusCode::NOT_FOUND, UNKNOWN)),
        Outcome::Refused(why) => Ok(detail(StatusCode::UNPROCESSABLE_ENTITY, &why)),
    }
}

/// The same for the approval page's form, which works without JavaScript.
pub async fn approve_form(
    State(state): State<ServerState>,
    Extension(viewer): Extension<Viewer>,
    Form(approve): Form<Approve>,
) -> Result<Response, Problem> {
    match let_in(&state, &viewer, &approve).await? {
        Outcome::Done => Ok(Redirect::to("/login?why=approved").into_response()),
        Outcome::Unknown => Ok(Redirect::to("/login?why=expired").into_response()),
        Outcome::Refused(why) => Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, why)),
    }
}

enum Outcome {
    Done,
    Unknown,
    Refused(Cow<'static, str>),
}

async fn let_in(state: &ServerState, viewer: &Viewer, approve: &Approve) -> Result<Outcome, Problem> {
    let word = approve.scope.as_deref().unwrap_or(TokenScope::Report.as_str());
    let Ok(scope) = word.parse::<TokenScope>() else { return Ok(Outcome::Refused(format!("scope is {}", TokenScope::WORDS).into())) };
    if may(viewer.grant, scope.admitted_by()).is_err() {
        return Ok(Outcome::Refused("Only an admin can approve the scopes admin and work".into()));
    }
    if approve.days.is_some_and(|days| !(0..=3650).contains(&days)) {
        return Ok(Outcome::Refused("days is 1 to 3650, or 0 for no end".into()));
    }
    let hash = state.secrets.hash(&approve.device_code);
    let mut tx = state.app.reader.store.begin().await?;
    let Some(login) = devices::find(&mut tx, &hash).await? else { return Ok(Outcome::Unknown) };
    let days = match approve.days {
        Some(0) => None,
        Some(days) => Some(days),
        None => Some(login.ttl_days.unwrap_or(MOST_DAYS).min(MOST_DAYS)),
    };
    let Some(code) = devices::approve(&mut tx, &hash, viewer.id, scope, days).await? else { return Ok(Outcome::Unknown) };
    let terms = json!({ "scope": word, "days": days, "asked_from": login.asked_from });
    audit::note(&mut tx, Some(viewer.id), Deed::DeviceApproved, &code, terms).await?;
    store::commit(tx).await?;
    Ok(Outcome::Done)
}

fn detail(status: StatusCode, text: &str) -> Response {
    (status, Json(json!({ "detail": text }))).into_response()
}

/// The project catalog that clients ask for; empty, as Flowo has none.
pub async fn catalog() -> Json<Vec<()>> {
    Json(Vec::new())
}

/// There is no MCP server at this address; the client reads this answer as "not offered".
pub async fn mcp() -> Response {
    detail(StatusCode::METHOD_NOT_ALLOWED, "Not offered")
}
