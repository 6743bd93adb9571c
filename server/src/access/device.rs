//! `flowo login`: a program asks, shows a code, and waits until a person approves it here.

use crate::{api::problem::Problem, router::ServerState, secrets};
use app::state::Viewer;
use axum::{
    Extension, Form, Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::json;
use store::{clock, devices, people};

/// How long a code is good for.
const MINUTES: i32 = 10;
/// How often the program should ask, in seconds.
const INTERVAL: u32 = 2;
/// Letters that nobody takes for another.
const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

#[derive(Deserialize)]
pub struct Start {
    #[serde(default)]
    ttl_days: Option<i32>,
}

/// Begins a sign-in. Anybody may: nothing comes of it without an approval.
pub async fn start(State(state): State<ServerState>, Json(Start { ttl_days }): Json<Start>) -> Result<Response, Problem> {
    if ttl_days.is_some_and(|days| !(1..=3650).contains(&days)) {
        return Ok(detail(StatusCode::UNPROCESSABLE_ENTITY, "ttl_days is 1 to 3650, or null for no end"));
    }
    let broken = |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "No code could be made.");
    let device_code = secrets::random().map_err(broken)?;
    let user_code = user_code(&secrets::random().map_err(broken)?);
    let mut conn = state.app.store.conn().await?;
    if !devices::begin(&mut conn, &state.secrets.hash(&device_code), &user_code, ttl_days, MINUTES).await? {
        return Ok(detail(StatusCode::TOO_MANY_REQUESTS, "Too many sign-ins are open; try again in some minutes"));
    }
    let expires: DateTime<Utc> = DateTime::from_timestamp_millis(clock::now()).unwrap_or_default() + TimeDelta::minutes(MINUTES.into());
    Ok(Json(json!({
        "verification_uri_complete": format!("/login?cli_device_code={device_code}&cli_user_code={user_code}"),
        "device_code": device_code,
        "user_code": user_code,
        "expires_at": expires.to_rfc3339(),
        "interval_seconds": INTERVAL,
    }))
    .into_response())
}

/// Two groups of four letters, from random text.
fn user_code(random: &str) -> String {
    let bytes = URL_SAFE_NO_PAD.decode(random).unwrap_or_default();
    let letters: String = bytes.iter().take(8).map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
    format!("{}-{}", &letters[..4], &letters[4..])
}

/// What the program asks again and again; hands the token out once.
pub async fn poll(State(state): State<ServerState>, Path(code): Path<String>) -> Result<Response, Problem> {
    let hash = state.secrets.hash(&code);
    let mut conn = state.app.store.conn().await?;
    let Some(login) = devices::find(&mut conn, &hash).await? else { return Ok(detail(StatusCode::NOT_FOUND, "Unknown or expired code")) };
    if login.approved_by.is_none() {
        return Ok(Json(json!({ "status": "pending", "token": null, "flowo_working_path": null })).into_response());
    }
    drop(conn);
    let mut tx = state.app.store.begin().await?;
    let Some(user) = devices::take(&mut tx, &hash).await? else { return Ok(detail(StatusCode::NOT_FOUND, "Unknown or expired code")) };
    let token = secrets::token().map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "No token could be made."))?;
    people::add_token(&mut tx, user, "flowo login", &secrets::shown(&token), &state.secrets.hash(&token), "admin", login.ttl_days).await?;
    store::commit(tx).await?;
    let working_path = crate::config::env("FLOWO_WORKING_PATH");
    Ok(Json(json!({ "status": "approved", "token": token, "flowo_working_path": working_path })).into_response())
}

#[derive(Deserialize)]
pub struct Approve {
    device_code: String,
}

/// Lets a program in as the person who is signed in here.
pub async fn approve(
    State(state): State<ServerState>,
    Extension(viewer): Extension<Viewer>,
    Json(Approve { device_code }): Json<Approve>,
) -> Result<Response, Problem> {
    let mut conn = state.app.store.conn().await?;
    if devices::approve(&mut conn, &state.secrets.hash(&device_code), viewer.id).await? {
        return Ok(Json(json!({ "status": "approved", "token": null, "flowo_working_path": null })).into_response());
    }
    Ok(detail(StatusCode::NOT_FOUND, "Unknown or expired code"))
}

/// The same from the page that asks, with or without script.
pub async fn approve_form(
    State(state): State<ServerState>,
    Extension(viewer): Extension<Viewer>,
    Form(Approve { device_code }): Form<Approve>,
) -> Result<Redirect, Problem> {
    let mut conn = state.app.store.conn().await?;
    let done = devices::approve(&mut conn, &state.secrets.hash(&device_code), viewer.id).await?;
    Ok(Redirect::to(if done { "/login?why=approved" } else { "/login?why=expired" }))
}

fn detail(status: StatusCode, text: &str) -> Response {
    (status, Json(json!({ "detail": text }))).into_response()
}

/// The projects people keep in the seed's catalog: none here yet.
pub async fn catalog() -> Json<Vec<()>> {
    Json(Vec::new())
}

/// There is no MCP server behind this address; the client accepts this answer as "not offered".
pub async fn mcp() -> Response {
    detail(StatusCode::METHOD_NOT_ALLOWED, "Not offered")
}
