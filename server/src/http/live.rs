//! `GET /live`: the stream of frames for one scope.

use crate::http::{ServerState, problem::Problem};
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
use futures::stream::{self, PollNext, StreamExt as _};
use live::{Scope, sse};
use model::access::Viewer;
use model::{file::FileRef, live::LiveCursor};
use read::followed::{self, Followed};
use serde::Deserialize;

/// Streams that one process serves; browsers open one per tab.
const MAX_STREAMS: usize = 10_000;

#[derive(Deserialize)]
pub struct Wanted {
    scope: String,
    after: Option<String>,
    /// A file of the run to follow.
    file: Option<String>,
}

/// Opens a stream. `Last-Event-ID`, which a browser sends when it reconnects, wins over `after`.
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
    if state.app.reader.hub.readers() >= MAX_STREAMS {
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Too many pages are open.").retry_after(5));
    }
    let place = state.watch.join(&viewer).map_err(|_| Problem::too_many_open())?;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned).or(wanted.after);
    // We cannot resume from a cursor that does not parse: the page is told to read everything again.
    let after = last.filter(|text| !text.is_empty()).map(|text| text.parse().unwrap_or(LiveCursor { epoch: 0, seq: 0 }));
    // Subscribed before the rights are read: a change that ends them in between is not missed.
    let mut subscription = state.app.reader.hub.subscribe(scope, viewer.audience, after).await?;
    let mut followed = None;
    if let Scope::Run(id) = scope {
        let mut conn = state.app.reader.store.conn().await?;
        let reach = read::run(&mut conn, &viewer, id).await?.reach;
        if let Some(file) = &wanted.file {
            let file: FileRef = file
                .parse()
                .map_err(|_| bad("The file must be `run`, the number of a path, `=` with a path, or `./` with a relative path."))?;
            let path = store::jobs::files::path_of(&mut conn, id, &file).await?;
            let path = path.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "This run did not name such a file."))?;
            let wanted = Followed { viewer, run: id, file, path: path.into(), reach };
            followed = Some(followed::news(state.app.reader.clone(), wanted, subscription.standings()));
        }
    }
    let changes = sse::stream(subscription);
    let body = match followed {
        None => changes.left_stream(),
        // Changes come first, because they tell when the news must end. The news ends with the changes.
        Some(news) => stream::select_with_strategy(changes, news.map(Ok), |(): &mut ()| PollNext::Left).right_stream(),
    };
    // The stream also ends with the session or token that opened it, and then frees its place.
    let body = body.take_until(place.over()).map(move |bytes| {
        let _place = &place;
        bytes
    });
    let body = Body::from_stream(body);
    let headers =
        [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store"), (http::HeaderName::from_static("x-accel-buffering"), "no")];
    Ok((headers, body).into_response())
}
