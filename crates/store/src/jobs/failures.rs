//! What failed in a run, gathered by rule, and what its client said about it.

use super::plain;
use crate::{Conn, Doing, StoreError};
use model::{
    JobKey, Millis, RunId,
    job::{Failure, Failures, signature},
    run::ReportedError,
};
use sqlx::types::Json;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

/// Failed jobs that are looked at; a run may have any number.
const LOOKED_AT: i64 = 10_000;
/// Causes that are named.
const NAMED: usize = 8;
/// The end of an error, which tells its cause (characters).
const END: i32 = 600;

/// Rule, exit code and what the error says.
type Cause = (String, Option<i32>, String);

type Told = (i64, Option<Json<BTreeMap<String, serde_json::Value>>>, Option<String>, Option<String>);

/// Jobs with one cause.
#[derive(Default)]
struct Alike {
    count: u32,
    first: i64,
    job_id: Option<i64>,
}

type Found = (i64, Option<i64>, Option<String>, Option<i32>, Option<String>);

/// The failed jobs of a run by rule and cause, those with most failures first, and the errors it reported.
///
/// Reads at most 10 000 failed jobs, by index.
pub async fn failures(conn: &mut Conn, run: RunId) -> Result<Failures, StoreError> {
    let rows = sqlx::query_as(
        "select id, job_id, rule, exit_code, right(error, $3)
           from job_executions
          where workflow_run_id = $1 and status = 'failed' and not superseded
          order by id desc
          limit $2",
    );
    let rows = rows.bind(run.0).bind(LOOKED_AT).bind(END).fetch_all(&mut *conn).await.doing("gathering failures")?;
    gathered(conn, run, rows).await
}

/// The same of the jobs that had failed at a moment, at most the newest 10 000, and of the errors reported until then.
pub async fn failures_then(conn: &mut Conn, run: RunId, failed: &[JobKey], until: Millis) -> Result<Failures, StoreError> {
    let ids: Vec<i64> = failed.iter().rev().take(LOOKED_AT as usize).map(|job| job.0).collect();
    let rows = sqlx::query_as(
        "select id, job_id, rule, exit_code, right(error, $3)
           from job_executions
          where id = any($2) and workflow_run_id = $1
          order by id desc",
    );
    let rows = rows.bind(run.0).bind(ids).bind(END).fetch_all(&mut *conn).await.doing("gathering failures")?;
    let mut found = gathered(conn, run, rows).await?;
    found.errors.retain(|error| error.at <= until);
    Ok(found)
}

async fn gathered(conn: &mut Conn, run: RunId, rows: Vec<Found>) -> Result<Failures, StoreError> {
    let mut causes: HashMap<Cause, Alike> = HashMap::new();
    for (id, job_id, rule, exit_code, error) in rows {
        let cause = (rule.unwrap_or_default(), exit_code, signature(error.as_deref().unwrap_or("")));
        let alike = causes.entry(cause).or_default();
        // The newest come first, so the last one met is the first that failed.
        *alike = Alike { count: alike.count + 1, first: id, job_id };
    }
    let mut causes: Vec<(Cause, Alike)> = causes.into_iter().collect();
    causes.sort_by_key(|(_, alike)| (Reverse(alike.count), alike.first));
    causes.truncate(NAMED);
    let firsts: Vec<i64> = causes.iter().map(|(_, alike)| alike.first).collect();
    let told: Vec<Told> = sqlx::query_as(
        "select j.id, j.wildcards, j.error, l.path
           from job_executions j
           left join lateral (
                select p.path
                  from job_files f
                  join paths p on p.id = f.path_id
                 where f.job_execution_id = j.id and f.role = 'log'
                 order by f.position
                 limit 1) l on true
          where j.id = any($1)",
    )
    .bind(firsts)
    .fetch_all(&mut *conn)
    .await
    .doing("reading failures")?;
    let mut told: HashMap<i64, _> = told.into_iter().map(|(id, wildcards, error, log)| (id, (wildcards, error, log))).collect();
    let groups = causes.into_iter().map(|((rule, exit_code, _), Alike { count, first, job_id })| {
        let (wildcards, error, log) = told.remove(&first).unwrap_or_default();
        let wildcards = wildcards.map(|held| held.0.into_iter().map(|(name, value)| (name, plain(value))).collect()).unwrap_or_default();
        Failure { rule, count, first: JobKey(first), log, job_id, wildcards, exit_code, error }
    });
    let groups = groups.collect();
    let errors: Option<Json<Vec<ReportedError>>> = sqlx::query_scalar("select errors from workflow_runs where id = $1")
        .bind(run.0)
        .fetch_optional(conn)
        .await
        .doing("reading reported errors")?;
    Ok(Failures { groups, errors: errors.map(|errors| errors.0).unwrap_or_default() })
}
