//! The public API, `/api/flowo/v1`: what programs may read, and the one thing they may change.

mod dto;
mod jobs;
mod openapi;
mod runs;

use crate::http::ServerState;
use axum::{
    Json, Router,
    routing::{get, post},
};
use serde_json::json;

pub fn routes() -> Router<ServerState> {
    Router::new()
        .route("/api/flowo/v1/openapi.json", get(openapi::document))
        .route("/api/flowo/v1/runs", get(runs::list))
        .route("/api/flowo/v1/runs/{id}", get(runs::read).delete(runs::delete))
        .route("/api/flowo/v1/runs/{id}/restore", post(runs::restore))
        .route("/api/flowo/v1/runs/{id}/rules", get(runs::rules))
        .route("/api/flowo/v1/runs/{id}/jobs", get(jobs::list))
        .route("/api/v1/utils/info", get(utils_info))
}

/// Flowo's own command line calls this first, to see whether a server answers.
async fn utils_info() -> Json<serde_json::Value> {
    Json(json!({ "allow_public_registration": false, "require_email_verification": false, "email_enabled": false }))
}
