//! `GET /live`: the stream of frames for one scope.

use crate::{api::problem::Problem, router::ServerState};
use app::state::Viewer;
use axum::{
    Extension,
    body::Body,
    extract::{Query, State},
    http::{
        HeaderMap, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use live::{Scope, sse};
use model::live::LiveCursor;
use serde::Deserialize;

/// Streams one process serves; browsers open one a tab.
const MAX_STREAMS: usize = 10_000;

#[derive(Deserialize)]
pub struct Wanted {
    scope: String,
    after: Option<String>,
}

/// Opens a stream. `Last-Event-ID`, which a browser sends when it comes back, wins over `after`.
pub async fn live(
    State(state): State<ServerState>,
    Extension(viewer): Extension<Viewer>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let bad = |text: &str| Problem::new(StatusCode::BAD_REQUEST, text);
    let scope = match wanted.scope.split_once(':') {
        None if wanted.scope == "runs" => Scope::Runs,
        Some(("run", id)) => Scope::Run(id.parse().map_err(|_| bad("The scope names no run: a UUID is needed."))?),
        _ => return Err(bad("The scope is `runs` or `run:<id>`.")),
    };
    if state.app.hub.readers() >= MAX_STREAMS {
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Too many pages are open.").retry_after(5));
    }
    if let Scope::Run(id) = scope {
        let mut conn = state.app.store.conn().await?;
        if store::runs::summary(&mut conn, viewer.audience, id).await?.is_none() {
            return Err(Problem::new(StatusCode::NOT_FOUND, "There is no such run."));
        }
    }
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned).or(wanted.after);
    // A cursor we cannot read is one we cannot resume from: the reader is told to read again.
    let after = last.filter(|text| !text.is_empty()).map(|text| text.parse().unwrap_or(LiveCursor { epoch: 0, seq: 0 }));
    let subscription = state.app.hub.subscribe(scope, viewer.audience, after).await?;
    let body = Body::from_stream(sse::stream(subscription));
    let headers =
        [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store"), (http::HeaderName::from_static("x-accel-buffering"), "no")];
    Ok((headers, body).into_response())
}
