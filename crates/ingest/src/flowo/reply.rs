//! The answers, exactly as the plugin expects them.

use crate::{Receipt, Refused};
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use model::RunStatus;
use serde_json::{Value, json};

/// The protocol's word for a run's status.
pub const fn word(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Running | RunStatus::Suspended => "RUNNING",
        RunStatus::Success | RunStatus::Skipped => "SUCCESS",
        RunStatus::Failed => "ERROR",
        RunStatus::Waiting => "WAITING",
        RunStatus::Lost | RunStatus::Cancelled => "ABORTED",
    }
}

/// The answer to an event. The map of jobs stays empty: Flowo finds jobs itself, and the client sends the map back with every report.
pub fn event(outcome: Result<Receipt, Refused>) -> Response {
    match outcome {
        Ok(Receipt::Applied { run, .. }) => ok(json!({ "context": { "jobs": {}, "current_workflow_id": run } })),
        Ok(Receipt::Deleted | Receipt::Unknown) => ok(json!({ "context": { "jobs": {} } })),
        Ok(Receipt::Foreign) => detail(StatusCode::FORBIDDEN, "This run was reported by another user."),
        Err(refused) => unavailable(refused),
    }
}

/// The answer to a heartbeat.
pub fn heartbeat(outcome: Result<Receipt, Refused>) -> Response {
    match outcome {
        Ok(Receipt::Applied { status, .. }) => ok(json!({ "status": word(status) })),
        Ok(_) => detail(StatusCode::NOT_FOUND, "Workflow not found"),
        Err(refused) => unavailable(refused),
    }
}

/// The answer to a close.
pub fn close(outcome: Result<Receipt, Refused>) -> Response {
    match outcome {
        Ok(Receipt::Applied { status, .. }) => ok(json!({ "status": word(status) })),
        Ok(Receipt::Foreign) => ok(json!({ "message": "Unauthorized" })),
        Ok(_) => ok(json!({ "message": "Workflow not found" })),
        Err(refused) => unavailable(refused),
    }
}

/// The answer to something that is not a report; says where it is wrong and why.
pub fn malformed(place: &str, why: &str) -> Response {
    let detail = json!([{ "loc": ["body", place], "msg": why, "type": "value_error" }]);
    (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "detail": detail }))).into_response()
}

fn ok(body: Value) -> Response {
    Json(body).into_response()
}

fn detail(status: StatusCode, text: &str) -> Response {
    (status, Json(json!({ "detail": text }))).into_response()
}

fn unavailable(refused: Refused) -> Response {
    let mut response = detail(StatusCode::SERVICE_UNAVAILABLE, &format!("Not stored: {refused}."));
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
    response
}
