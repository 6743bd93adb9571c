//! Serves in full, as stored, texts of which a page shows only the beginning: a client's report, or the values of a
//! history line.

use crate::http::{ServerState, problem::Problem};
use axum::{
    Extension,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{
    StatusCode,
    header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE},
};
use model::RunId;
use model::access::Viewer;
use store::{events, history};

/// Written by strangers: nothing in it is run.
const POLICY: &str = "default-src 'none'; sandbox";

/// A report of a run, as JSON.
pub async fn report(
    State(state): State<ServerState>,
    Extension(viewer): Extension<Viewer>,
    place: Path<(String, String)>,
) -> Result<Response, Problem> {
    let (id, number) = named(&place)?;
    let mut conn = state.app.reader.store.conn().await?;
    read::check(&mut conn, &viewer, id).await?;
    events::body(&mut conn, id, number).await?.map(shown).ok_or_else(gone)
}

/// The values of each field in a line of a run's history, as JSON.
pub async fn change(
    State(state): State<ServerState>,
    Extension(viewer): Extension<Viewer>,
    place: Path<(String, String)>,
) -> Result<Response, Problem> {
    let (id, number) = named(&place)?;
    let mut conn = state.app.reader.store.conn().await?;
    read::check(&mut conn, &viewer, id).await?;
    history::line(&mut conn, id, number).await?.map(shown).ok_or_else(gone)
}

/// The run and the number in a path.
fn named(Path((id, number)): &Path<(String, String)>) -> Result<(RunId, i64), Problem> {
    Ok((id.parse().map_err(|_| Problem::no_run())?, number.parse().map_err(|_| gone())?))
}

fn shown(json: String) -> Response {
    ([(CONTENT_TYPE, "application/json"), (CONTENT_SECURITY_POLICY, POLICY)], json).into_response()
}

fn gone() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "This run has no such line, or it is no longer stored.")
}
