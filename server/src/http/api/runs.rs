//! Runs: listing, reading, deleting with a way back.

use super::dto::{Rule, RulePage, Run, RunPage, RunWithDetail};
use crate::http::{ServerState, problem::Problem};
use axum::{
    Extension, Json,
    extract::{Path, Query, State},
    http::StatusCode,
};
use model::access::Viewer;
use model::{Invalid, RunId, filter::RunFilter, page::RunSort};
use serde::Deserialize;
use std::collections::HashMap;
use store::runs::{self, find::MOST_RULES};
use utoipa::IntoParams;

#[derive(Deserialize, IntoParams)]
pub struct ListParams {
    /// The filter language of the runs page, such as `status:failed user:ana after:7d`; at most 50 words, and 4 096 bytes in all.
    #[serde(default)]
    q: String,
    /// started, name, status, user, source, duration, progress or directory; `:asc` or `:desc`.
    sort: Option<String>,
    /// 1 to 200; 50 by default.
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<String>,
}

/// Runs, newest first unless `sort` says otherwise.
#[utoipa::path(get, path = "/api/flowo/v1/runs", params(ListParams), tag = "runs", responses(
    (status = 200, body = RunPage), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub async fn list(
    State(state): State<ServerState>,
    Extension(viewer): Extension<Viewer>,
    Query(params): Query<ListParams>,
) -> Result<Json<RunPage>, Problem> {
    let filter = RunFilter::parse_strict(&params.q)?;
    let sort: RunSort = params.sort.as_deref().map(str::parse).transpose()?.unwrap_or_default();
    let after = params.after.as_deref().map(str::parse).transpose()?;
    let now = state.app.reader.store.clock().now();
    let query = runs::list::Query {
        audience: viewer.audience,
        filter: &filter,
        sort,
        limit: limit(params.limit, 50, 200)?,
        after: after.as_ref(),
        now,
    };
    let mut conn = state.app.reader.store.conn().await?;
    let page = runs::list(&mut conn, &query).await?;
    let total = runs::total(&mut conn, viewer.audience, &filter, now).await?;
    let ids: Vec<RunId> = page.items.iter().map(|run| run.id).collect();
    let facts = runs::find::facts(&mut conn, &ids).await?;
    let mut facts: HashMap<_, _> = facts.into_iter().map(|facts| (facts.id, facts)).collect();
    // A run deleted between the two statements is not in the list any more.
    let items = page.items.into_iter().filter_map(|run| facts.remove(&run.id.0).map(|facts| Run::new(run, facts)));
    Ok(Json(RunPage {
        items: items.collect(),
        next: page.next.map(|cursor| cursor.to_string()),
        total: total.count,
        total_is_exact: total.is_exact,
    }))
}

/// One run with everything stored about it.
#[utoipa::path(get, path = "/api/flowo/v1/runs/{id}", params(("id" = Uuid, Path)), tag = "runs", responses(
    (status = 200, body = RunWithDetail), (status = 404, body = Problem)))]
pub async fn read(
    State(state): State<ServerState>,
    Extension(viewer): Extension<Viewer>,
    Path(id): Path<String>,
) -> Result<Json<RunWithDetail>, Problem> {
    let id = run_id(&id)?;
    let mut conn = state.app.reader.store.conn().await?;
    let detail = runs::detail(&mut conn, viewer.audience, id).await?.ok_or_else(Problem::no_run)?;
    let facts = runs::find::facts(&mut conn, &[id]).await?.pop().ok_or_else(Problem::no_run)?;
    let extras = runs::find::extras(&mut conn, id).await?;
    Ok(Json(RunWithDetail::new(detail, facts, extras)))
}

#[derive(Deserialize, IntoParams)]
pub struct RuleParams {
    /// 1 to 5000; 5000 by default.
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<String>,
}

/// The rules of a run with their code and the counts of their jobs.
#[utoipa::path(get, path = "/api/flowo/v1/runs/{id}/rules", params(("id" = Uuid, Path), RuleParams), tag = "runs", responses(
    (status = 200, body = RulePage), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn rules(
    State(state): State<ServerState>,
    Extension(viewer): Extension<Viewer>,
    Path(id): Path<String>,
    Query(params): Query<RuleParams>,
) -> Result<Json<RulePage>, Problem> {
    let id = run_id(&id)?;
    let wrong = |after: &str| Invalid::new("after", after, "a cursor from an earlier page");
    let from = params.after.as_deref().map_or(Ok(0), |after| after.parse::<u32>().map_err(|_| wrong(after)))?;
    let limit = limit(params.limit, MOST_RULES, MOST_RULES)?;
    let mut conn = state.app.reader.store.conn().await?;
    runs::summary(&mut conn, viewer.audience, id).await?.ok_or_else(Problem::no_run)?;
    let (rules, all) = runs::find::rules_from(&mut conn, id, from, limit).await?;
    let names: Vec<String> = rules.iter().map(|rule| rule.name.clone()).collect();
    let codes = runs::find::codes_of(&mut conn, id, &names).await?;
    let mut codes: HashMap<_, _> = codes.into_iter().map(|rule| (rule.name, rule.code)).collect();
    let next = from.saturating_add(limit);
    let items = rules.into_iter().map(|rule| {
        let code = codes.remove(&rule.name).flatten();
        Rule::new(rule, code)
    });
    Ok(Json(RulePage { items: items.collect(), next: (all > next as usize).then(|| next.to_string()) }))
}

/// Deletes a run from Flowo. Its files are not touched. It can be restored for some seconds.
#[utoipa::path(delete, path = "/api/flowo/v1/runs/{id}", params(("id" = Uuid, Path)), tag = "runs", responses(
    (status = 204), (status = 404, body = Problem), (status = 403, body = Problem)))]
pub async fn delete(
    State(state): State<ServerState>,
    Extension(viewer): Extension<Viewer>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let mut conn = state.app.reader.store.conn().await?;
    let done = runs::delete(&mut conn, viewer.audience, &[run_id(&id)?], Some(viewer.id)).await?;
    if done.is_empty() { Err(Problem::no_run()) } else { Ok(StatusCode::NO_CONTENT) }
}

/// Restores a deleted run, as long as the deletion is not final.
#[utoipa::path(post, path = "/api/flowo/v1/runs/{id}/restore", params(("id" = Uuid, Path)), tag = "runs", responses(
    (status = 200, body = Run), (status = 404, body = Problem), (status = 403, body = Problem)))]
pub async fn restore(
    State(state): State<ServerState>,
    Extension(viewer): Extension<Viewer>,
    Path(id): Path<String>,
) -> Result<Json<Run>, Problem> {
    let id = run_id(&id)?;
    let mut conn = state.app.reader.store.conn().await?;
    runs::restore(&mut conn, viewer.audience, &[id], Some(viewer.id)).await?;
    let run = runs::summary(&mut conn, viewer.audience, id).await?.ok_or_else(Problem::no_run)?;
    let facts = runs::find::facts(&mut conn, &[id]).await?.pop().ok_or_else(Problem::no_run)?;
    Ok(Json(Run::new(run, facts)))
}

/// Parses a path's id; anything but an id is not found.
pub(super) fn run_id(text: &str) -> Result<RunId, Problem> {
    text.parse().map_err(|_| Problem::no_run())
}

pub(super) fn limit(asked: Option<u32>, default: u32, most: u32) -> Result<u32, Problem> {
    match asked {
        None => Ok(default),
        Some(n) if (1..=most).contains(&n) => Ok(n),
        Some(n) => Err(Problem::new(StatusCode::BAD_REQUEST, format!("limit is {n}; expected 1 to {most}"))),
    }
}
