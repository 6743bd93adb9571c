//! The answers, exactly as Panoptes' clients and users of its API expect them.

use super::wire::Errors;
use crate::{Receipt, Refused};
use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use model::{JobStatus, Millis, RunStatus};
use serde_json::{Value, json};
use store::panoptes::{Job, Workflow};

/// The number of no workflow, for clients that break without one: they go on, and what they say is of nothing.
pub const NO_WORKFLOW: i64 = 0;

/// How many items a list leaves out.
const LEFT_OUT: HeaderName = HeaderName::from_static("x-flowo-left-out");

/// Panoptes' word for where a workflow stands.
pub fn word(workflow: &Workflow) -> &'static str {
    let failing = workflow.last_was_error || workflow.jobs.failed > 0;
    match workflow.status {
        RunStatus::Running | RunStatus::Waiting | RunStatus::Suspended if failing => "Error",
        RunStatus::Running | RunStatus::Waiting | RunStatus::Suspended => "Running",
        // Nothing was executed: all was up to date, or was only to be shown.
        RunStatus::Success if workflow.dry_run || workflow.jobs.planned == Some(0) => "No Execution",
        RunStatus::Success => "Done",
        RunStatus::Failed => "Error",
        RunStatus::Cancelled => "Cancelled",
        RunStatus::Lost | RunStatus::Skipped if workflow.last_was_error => "Error",
        RunStatus::Lost => "Stale",
        // It was only asked about.
        RunStatus::Skipped => "No Execution",
    }
}

const fn job_word(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Running => "Running",
        JobStatus::Success => "Done",
        JobStatus::Failed => "Error",
        // Panoptes has no word for these: `Running` is kept for what runs.
        JobStatus::Waiting => "Pending",
        JobStatus::Lost => "Unknown",
        JobStatus::Cancelled | JobStatus::Skipped => "Cancelled",
    }
}

/// `Sat, 21 Nov 2026 06:41:04 GMT`, and it is.
fn time(at: Millis) -> String {
    let Some(seconds) = u64::try_from(at / 1000).ok() else { return String::new() };
    httpdate::fmt_http_date(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds))
}

/// The eight keys of a workflow.
pub fn workflow(workflow: &Workflow) -> Value {
    let counts = &workflow.jobs;
    let ended = matches!(word(workflow), "Done" | "Cancelled").then_some(workflow.ended_at).flatten();
    let done_told = workflow.done_told.unwrap_or(0);
    // Done with less than was planned: as much as it was to do. A client that says all is done knows of jobs that were never told of.
    let whole = workflow.status == RunStatus::Success && !workflow.dry_run && counts.seen() > 0 && done_told < counts.total();
    let (done, total) = if whole { (counts.success, counts.seen()) } else { (counts.success.max(done_told), counts.total().max(1)) };
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

/// The thirteen keys of a job of a workflow.
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

/// A body as Panoptes writes it: keys in order, and a line's end.
pub fn json(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], format!("{body}\n")).into_response()
}

/// A list, which has no pages here. How much of it is left out stands beside it: its keys are Panoptes'.
pub fn list(unlisted: u64, body: &Value) -> Response {
    let mut response = json(StatusCode::OK, body);
    if unlisted > 0 {
        response.headers_mut().insert(LEFT_OUT, unlisted.into());
    }
    response
}

/// No body at all, as text.
pub fn empty(status: StatusCode) -> Response {
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], "").into_response()
}

/// To an update. Clients end their user's run at 401, 403, 404 and 500, so it is none of these.
pub fn update(outcome: Result<Receipt, Refused>) -> Response {
    match outcome {
        // One that is gone, or was never there, needs no reports.
        Ok(Receipt::Applied { .. } | Receipt::Deleted | Receipt::Unknown) => ok(),
        Ok(Receipt::Foreign) => wrong(json!({ "id": ["This workflow was made by somebody else."] })),
        Err(refused) => unavailable(&refused.to_string()),
    }
}

/// Taken, or not needed.
pub fn ok() -> Response {
    (StatusCode::OK, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], "ok").into_response()
}

/// To an envelope that cannot be read.
pub fn malformed(errors: Errors) -> Response {
    wrong(Value::Object(errors))
}

/// To an update that says nothing of who sends it, or may not be sent.
pub fn not_allowed() -> Response {
    wrong(json!({ "token": ["Authorization is required: a token that may report."] }))
}

fn wrong(errors: Value) -> Response {
    json(StatusCode::BAD_REQUEST, &json!({ "errors": errors }))
}

/// To a creation without a token that may report. With an `id`, without which some clients break.
pub fn sign_in() -> Response {
    let mut response = json(StatusCode::UNAUTHORIZED, &json!({ "id": null, "msg": "Authorization is required: a token that may report." }));
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

/// Not now: clients go on without us. Those that wanted a workflow read its number from whatever they are answered,
/// and end without one.
pub fn unavailable(why: &str) -> Response {
    later(&format!("Not stored: {why}."))
}

/// To a body that is not taken.
pub fn refused(status: StatusCode, why: &str) -> Response {
    json(status, &json!({ "errors": { "msg": [why] } }))
}

/// To an update that is in the journal while the database is away.
pub fn kept() -> Response {
    later("Not stored yet: the database is not reachable. It is kept until then.")
}

fn later(msg: &str) -> Response {
    let mut response = json(StatusCode::SERVICE_UNAVAILABLE, &json!({ "id": NO_WORKFLOW, "msg": msg }));
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    response
}
