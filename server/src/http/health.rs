//! `/healthz` and `/metrics`: the health of the server, for people and for machines.

use crate::http::ServerState;
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use model::live::Listening;
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;

/// A database that takes longer to report its version counts as unhealthy.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// 200 if reports can be accepted, 503 if not; the body has details.
pub async fn healthz(State(state): State<ServerState>) -> Response {
    let version = timeout(PROBE_TIMEOUT, state.app.reader.store.check_version()).await.ok().and_then(Result::ok);
    let listener = state.app.reader.hub.health();
    let status = match (version, listener.state) {
        (None, _) => "down",
        (Some(_), Listening::Live) => "ok",
        (Some(_), _) => "degraded",
    };
    let code = if version.is_some() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({
        "status": status,
        "version": env!("CARGO_PKG_VERSION"),
        "database": { "state": if version.is_some() { "up" } else { "down" }, "version": version.map(|v| format!("{}.{}", v / 10_000, v % 10_000)) },
        "listener": { "state": listener.state, "lag_ms": listener.lag_ms },
        "queue": { "depth": state.clients.depth(), "capacity": ingest::batch::QUEUE },
        "journal": state.clients.journal().map(|journal| json!({ "waiting": journal.waiting(), "database_away": journal.is_away() })),
        "streams": state.app.reader.hub.readers(),
    });
    (code, Json(body)).into_response()
}

/// Metrics in Prometheus' text format.
pub async fn metrics(State(state): State<ServerState>) -> Response {
    metrics::gauge!("flowo_ingest_queue_depth").set(state.clients.depth() as f64);
    let waiting = state.clients.journal().map_or(0, ingest::journal::Journal::waiting);
    metrics::gauge!("flowo_journal_waiting").set(waiting as f64);
    metrics::gauge!("flowo_live_streams").set(state.app.reader.hub.readers() as f64);
    let live = state.app.reader.hub.health().state == Listening::Live;
    metrics::gauge!("flowo_listener_live").set(if live { 1.0 } else { 0.0 });
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], state.metrics.render()).into_response()
}
