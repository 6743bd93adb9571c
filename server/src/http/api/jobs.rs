//! The jobs of a run.

use super::{
    dto::{Job, JobPage},
    runs::{limit, run_id},
};
use crate::http::{ServerState, problem::Problem};
use axum::{
    Extension, Json,
    extract::{Path, Query, State},
    http::StatusCode,
};
use model::access::Viewer;
use model::{JobKey, JobStatus};
use serde::Deserialize;
use std::collections::HashMap;
use store::{jobs, runs};
use utoipa::IntoParams;

#[derive(Deserialize, IntoParams)]
pub struct ListParams {
    /// Only jobs of this rule; empty for jobs whose rule was never reported.
    rule: Option<String>,
    /// Only jobs in one of these states, separated by commas.
    status: Option<String>,
    /// Only jobs with this text in a wildcard's value, ignoring case.
    find: Option<String>,
    /// `reported` (without), `started`, `duration`, `status`, `rule`, `job`, `threads`, `attempt` or `w.NAME`
    /// for a wildcard; with `:asc` or `:desc`.
    sort: Option<String>,
    /// `newest` (default), or `all` to include retried attempts.
    attempts: Option<String>,
    /// 1 to 500; 100 by default.
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<String>,
}

/// Jobs of a run, the newest reported first unless another order is asked for.
#[utoipa::path(get, path = "/api/flowo/v1/runs/{id}/jobs", params(("id" = Uuid, Path), ListParams), tag = "jobs", responses(
    (status = 200, body = JobPage), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn list(
    State(state): State<ServerState>,
    Extension(viewer): Extension<Viewer>,
    Path(id): Path<String>,
    Query(params): Query<ListParams>,
) -> Result<Json<JobPage>, Problem> {
    let id = run_id(&id)?;
    let statuses = JobStatus::list(params.status.as_deref().unwrap_or(""))?;
    let all_attempts = match params.attempts.as_deref() {
        None | Some("newest") => false,
        Some("all") => true,
        Some(_) => return Err(Problem::new(StatusCode::BAD_REQUEST, "attempts is `newest` or `all`.")),
    };
    let after = params.after.as_deref().map(str::parse).transpose()?;
    let sort = params.sort.as_deref().map(str::parse).transpose()?.unwrap_or_default();
    let find = params.find.filter(|find| !find.is_empty());
    if find.as_ref().is_some_and(|find| find.len() > 200) {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "find is at most 200 bytes."));
    }
    let limit = limit(params.limit, 100, 500)?;
    let query = jobs::Query { find, sort, rule: params.rule, statuses, all_attempts, limit, after };
    let mut conn = state.app.reader.store.conn().await?;
    runs::summary(&mut conn, viewer.audience, id).await?.ok_or_else(Problem::no_run)?;
    drop(conn); // Released here: the next call may have to read all jobs.
    let page = read::job_pages::page(&state.app.reader, id, query, None).await?;
    let mut conn = state.app.reader.store.conn().await?;
    let ids: Vec<JobKey> = page.items.iter().map(|job| job.id).collect();
    let extras = jobs::extras(&mut conn, &ids).await?;
    let mut extras: HashMap<_, _> = extras.into_iter().map(|extras| (extras.id, extras)).collect();
    let items = page.items.into_iter().filter_map(|row| extras.remove(&row.id.0).map(|extras| Job::new(row, extras)));
    Ok(Json(JobPage { items: items.collect(), next: page.next.map(|cursor| cursor.to_string()) }))
}
