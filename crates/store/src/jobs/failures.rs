//! What failed in a run, gathered by rule, and what its client said about it.

use super::plain;
use crate::{Conn, Doing, StoreError};
use model::{
    JobKey, RunId,
    job::{Failure, Failures},
    run::ReportedError,
};
use sqlx::types::Json;
use std::collections::BTreeMap;

/// Failed jobs that are looked at; a run may have any number.
const LOOKED_AT: i64 = 10_000;
/// Rules that are named.
const NAMED: i64 = 8;

/// The failed jobs of a run by rule, those with most failures first, and the errors it reported.
///
/// Reads at most 10 000 failed jobs, by index.
pub async fn failures(conn: &mut Conn, run: RunId) -> Result<Failures, StoreError> {
    type Found = (i64, Option<i64>, String, i64, Option<Json<BTreeMap<String, serde_json::Value>>>, Option<i32>, Option<String>);
    let rows: Vec<Found> = sqlx::query_as(
        "select id, job_id, rule, n, wildcards, exit_code, error
           from (select j.*, count(*) over rules as n, row_number() over (rules order by id) as at
                   from (select id, job_id, coalesce(rule, '') as rule, wildcards, exit_code, error
                           from job_executions
                          where workflow_run_id = $1 and status = 'failed' and not superseded
                          order by id desc
                          limit $2) j
                 window rules as (partition by rule)) first_of_each
          where at = 1
          order by n desc, id
          limit $3",
    )
    .bind(run.0)
    .bind(LOOKED_AT)
    .bind(NAMED)
    .fetch_all(&mut *conn)
    .await
    .doing("gathering failures")?;
    let groups = rows.into_iter().map(|(id, job_id, rule, count, wildcards, exit_code, error)| Failure {
        rule,
        count: u32::try_from(count).unwrap_or(u32::MAX),
        first: JobKey(id),
        job_id,
        wildcards: wildcards.map(|held| held.0.into_iter().map(|(name, value)| (name, plain(value))).collect()).unwrap_or_default(),
        exit_code,
        error,
    });
    let groups = groups.collect();
    let errors: Option<Json<Vec<ReportedError>>> = sqlx::query_scalar("select errors from workflow_runs where id = $1")
        .bind(run.0)
        .fetch_optional(conn)
        .await
        .doing("reading reported errors")?;
    Ok(Failures { groups, errors: errors.map(|errors| errors.0).unwrap_or_default() })
}
