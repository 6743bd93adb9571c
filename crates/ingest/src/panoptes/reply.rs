//! The answers, exactly as Panoptes clients and users of its API expect them.

use super::wire::Errors;
use crate::{Receipt, Refused};
use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use model::{JobStatus, Millis, RunStatus};
use serde_json::{Value, json};
use store::panoptes::{Job, Workflow};

/// A number that belongs to no workflow, for clients that fail without one: they go on, and their reports are ignored.
pub const NO_WORKFLOW: i64 = 0;

/// The header that says how many items a list leaves out.
const LEFT_OUT: HeaderName = HeaderName::from_static("x-flowo-left-out");

/// Panoptes' word for the status of a workflow.
pub fn word(workflow: &Workflow) -> &'static str {
    let failing = workflow.last_was_error || workflow.jobs.failed > 0;
    match workflow.status {
        RunStatus::Running | RunStatus::Waiting | RunStatus::Suspended if failing => "Error",
        RunStatus::Running | RunStatus::Waiting | RunStatus::Suspended => "Running",
        // Nothing was executed: everything was up to date, or it was a dry run.
        RunStatus::Success if workflow.dry_run || workflow.jobs.planned == Some(0) => "No Execution",
        RunStatus::Success => "Done",
        RunStatus::Failed => "Error",
        RunStatus::Cancelled => "Cancelled",
        RunStatus::Lost | RunStatus::Skipped if workflow.last_was_error => "Error",
        RunStatus::Lost => "Stale",
        // The client only queried the workflow.
        RunStatus::Skipped => "No Execution",
    }
}

const fn job_word(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Running => "Running",
        JobStatus::Success => "Done",
        JobStatus::Failed => "Error",
        // Panoptes has no words for these states: its `Running` is used only for running jobs.
        JobStatus::Waiting | JobStatus::Suspended => "Pending",
        JobStatus::Lost => "Unknown",
        JobStatus::Cancelled | JobStatus::Skipped => "Cancelled",
    }
}

/// For example `Sat, 21 Nov 2026 06:41:04 GMT`; the time is in fact UTC.
fn time(at: Millis) -> String {
    let Some(seconds) = u64::try_from(at / 1000).ok() else { return String::new() };
    httpdate::fmt_http_date(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds))
}

/// The eight fields of a workflow.
pub fn workflow(workflow: &Workflow) -> Value {
    let counts = &workflow.jobs;
    let ended = matches!(word(workflow), "Done" | "Cancelled").then_some(workflow.ended_at).flatten();
    let done_reported = workflow.done_reported.unwrap_or(0);
    // A run that is done with fewer jobs than planned: those jobs were all there was to do. If the client counts all
    // jobs as done, some were never reported.
    let whole = workflow.status == RunStatus::Success && !workflow.dry_run && counts.seen() > 0 && done_reported < counts.total();
    let (done, total) = if whole { (counts.success, counts.seen()) } else { (counts.success.max(done_reported), counts.total().max(1)) };
    json!({
        "id": workflow.id,
        "name": if workflow.name.is_empty() { workflow.run.to_string() } else { workflow.name.clone() },
        "status": word(workflow),
        "jobs_done": done,
        "jobs_total": total,
        "started_at": time(workflow.started_at),
        "completed_at": ended.map(time),
        "updated_at": time(workflow.last_seen_at),
    })
}

/// The thirteen fields of a job of a workflow.
pub fn job(job: &Job, workflow: &Workflow) -> Value {
    let files = |role: &str| job.files.get(role).cloned().unwrap_or_default();
    json!({
        "jobid": job.job_id,
        "workflow_id": workflow.id,
        "name": job.rule,
        "msg": job.message,
        "input": files("input"),
        "output": files("output"),
        "log": files("log"),
        "wildcards": job.wildcards,
        "is_checkpoint": job.checkpoint,
        "shell_command": job.shell_command,
        "status": job_word(job.status),
        "started_at": time(job.started_at.unwrap_or(workflow.started_at)),
        "completed_at": job.ended_at.map(time),
    })
}

/// A body in Panoptes' format: keys in order, and a line break at the end.
pub fn json(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], format!("{body}\n")).into_response()
}

/// A list; this API has no paging. A header says how much is left out, because the body's keys are fixed by Panoptes.
pub fn list(unlisted: u64, body: &Value) -> Response {
    let mut response = json(StatusCode::OK, body);
    if unlisted > 0 {
        response.headers_mut().insert(LEFT_OUT, unlisted.into());
    }
    response
}

/// An empty body with a text content type.
pub fn empty(status: StatusCode) -> Response {
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], "").into_response()
}

/// The answer to an update. Clients end their user's run at 401, 403, 404 and 500, so it is never one of these.
pub fn update(outcome: Result<Receipt, Refused>) -> Response {
    match outcome {
        // A run that is deleted or unknown needs no reports.
        Ok(Receipt::Applied { .. } | Receipt::Deleted | Receipt::Unknown) => ok(),
        Ok(Receipt::Foreign) => wrong(json!({ "id": ["This workflow was made by somebody else."] })),
        Err(refused) => unavailable(&refused.to_string()),
    }
}

/// Accepted, or not needed.
pub fn ok() -> Response {
    (StatusCode::OK, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], "ok").into_response()
}

/// The answer to an envelope that cannot be parsed.
pub fn malformed(errors: Errors) -> Response {
    wrong(Value::Object(errors))
}

/// The answer to an update whose sender is unknown or not permitted to report.
pub fn not_allowed() -> Response {
    wrong(json!({ "token": ["Authorization is required: a token that may report."] }))
}

fn wrong(errors: Value) -> Response {
    json(StatusCode::BAD_REQUEST, &json!({ "errors": errors }))
}

/// The answer to a creation without a token that may report. Contains an `id`, without which some clients fail.
pub fn sign_in() -> Response {
    let mut response = json(StatusCode::UNAUTHORIZED, &json!({ "id": null, "msg": "Authorization is required: a token that may report." }));
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

/// Try later: clients go on without Flowo. Clients that create a workflow read its number from any answer, and end without one.
pub fn unavailable(why: &str) -> Response {
    later(&format!("Not stored: {why}."))
}

/// The answer to a body that is not accepted.
pub fn refused(status: StatusCode, why: &str) -> Response {
    json(status, &json!({ "errors": { "msg": [why] } }))
}

/// The answer to an update that is in the journal while the database is unreachable.
pub fn kept() -> Response {
    later("Not stored yet: the database is not reachable. It is kept until then.")
}

fn later(msg: &str) -> Response {
    let mut response = json(StatusCode::SERVICE_UNAVAILABLE, &json!({ "id": NO_WORKFLOW, "msg": msg }));
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    response
}
