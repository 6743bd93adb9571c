//! The report of a run as a file to save. The pages' crate writes its content.

use crate::http::{ServerState, problem::Problem};
use axum::{
    Extension,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use model::RunId;
use model::access::Viewer;

/// Nothing in the file is fetched or run, wherever it is opened.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/// One HTML file with the state of a run as it is now.
pub async fn download(
    State(state): State<ServerState>,
    Extension(viewer): Extension<Viewer>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id: RunId = id.parse().map_err(|_| Problem::no_run())?;
    let report = app::run_report::of_run(&state.app, &viewer, id, |text| state.masking.string(text)).await?;
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", report.name)),
        (CONTENT_SECURITY_POLICY, POLICY.to_owned()),
    ];
    Ok((headers, report.html).into_response())
}
