//! What failed in a run, grouped by rule and cause, and the errors that its client reported.

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

/// How many failed jobs are examined; a run may have any number.
const LOOKED_AT: i64 = model::job::LOOKED_AT as i64;
/// How many causes are listed, and how many logs of each cause's example job.
const NAMED: usize = 8;
const LOGS: i64 = 8;
/// How much of the end of an error is read, because the end contains the cause (characters).
const END: i32 = 600;

/// Rule, exit code and the error's text.
type Cause = (String, Option<i32>, String);

#[derive(sqlx::FromRow)]
struct FirstJob {
    id: i64,
    wildcards: Option<Json<BTreeMap<String, serde_json::Value>>>,
    group_name: Option<String>,
    error: Option<String>,
    logs: Option<Vec<String>>,
    all_logs: i64,
}

/// Jobs with the same cause.
#[derive(Default)]
struct Alike {
    count: u32,
    first: i64,
    job_id: Option<i64>,
    /// When the first of these jobs ended (ms).
    ended: Option<i64>,
    is_explained: bool,
}

#[derive(sqlx::FromRow)]
struct Found {
    id: i64,
    job_id: Option<i64>,
    rule: Option<String>,
    exit_code: Option<i32>,
    error: Option<String>,
    ended: Option<i64>,
}

/// The failed jobs of a run by rule and cause, and the errors that it reported.
///
/// Causes of which something is known come first, then those with most failures, then those that failed first.
///
/// Reads at most 10 000 failed jobs, by index.
pub async fn failures(conn: &mut Conn, run: RunId) -> Result<Failures, StoreError> {
    let rows = sqlx::query_as(
        "select id, job_id, rule, exit_code, right(error, $3) as error, ms(ended_at) as ended
           from job_executions
          where workflow_run_id = $1 and status = 'failed' and not superseded
          order by id desc
          limit $2",
    );
    let rows: Vec<Found> = rows.bind(run.0).bind(LOOKED_AT).bind(END).fetch_all(&mut *conn).await.doing("gathering failures")?;
    let looked_at = rows.len() as i64;
    let mut found = gathered(conn, run, rows).await?;
    if looked_at == LOOKED_AT {
        let all: i64 = sqlx::query_scalar("select coalesce(sum(failed), 0) from rule_counts where workflow_run_id = $1")
            .bind(run.0)
            .fetch_one(conn)
            .await
            .doing("counting failures")?;
        found.unlooked = u64::try_from(all - looked_at).unwrap_or(0);
    }
    Ok(found)
}

/// Like [`failures`], for the jobs that had failed at a past moment (at most the newest 10 000) and the errors reported until then.
pub async fn failures_then(conn: &mut Conn, run: RunId, failed: &[JobKey], until: Millis) -> Result<Failures, StoreError> {
    let ids: Vec<i64> = failed.iter().rev().take(LOOKED_AT as usize).map(|job| job.0).collect();
    let rows = sqlx::query_as(
        "select id, job_id, rule, exit_code, right(error, $3) as error, ms(ended_at) as ended
           from job_executions
          where id = any($2) and workflow_run_id = $1
          order by id desc",
    );
    let rows = rows.bind(run.0).bind(ids).bind(END).fetch_all(&mut *conn).await.doing("gathering failures")?;
    let mut found = gathered(conn, run, rows).await?;
    found.errors.retain(|error| error.at <= until);
    found.unlooked = failed.len().saturating_sub(LOOKED_AT as usize) as u64;
    Ok(found)
}

async fn gathered(conn: &mut Conn, run: RunId, rows: Vec<Found>) -> Result<Failures, StoreError> {
    let mut causes: HashMap<Cause, Alike> = HashMap::new();
    for Found { id, job_id, rule, exit_code, error, ended } in rows {
        let said = signature(error.as_deref().unwrap_or(""));
        let is_explained = exit_code.is_some() || !said.is_empty();
        let alike = causes.entry((rule.unwrap_or_default(), exit_code, said)).or_default();
        // The newest come first, so the last one seen is the first that failed.
        let earliest = alike.ended.into_iter().chain(ended).min();
        *alike = Alike { count: alike.count + 1, first: id, job_id, ended: earliest, is_explained };
    }
    let mut causes: Vec<(Cause, Alike)> = causes.into_iter().collect();
    causes.sort_by_key(|(_, alike)| (!alike.is_explained, Reverse(alike.count), alike.ended, alike.first));
    let more = u32::try_from(causes.len().saturating_sub(NAMED)).unwrap_or(u32::MAX);
    causes.truncate(NAMED);
    let ids: Vec<i64> = causes.iter().map(|(_, alike)| alike.first).collect();
    let firsts: Vec<FirstJob> = sqlx::query_as(
        "select j.id, j.wildcards, j.group_name, j.error, l.logs, l.all_logs
           from job_executions j
          cross join lateral (
                select array_agg(p.path order by f.position) filter (where f.nth <= $2) as logs, count(*) as all_logs
                  from (select path_id, position, row_number() over (order by position) as nth
                          from job_files
                         where job_execution_id = j.id and role = 'log') f
                  join paths p on p.id = f.path_id) l
          where j.id = any($1)",
    )
    .bind(ids)
    .bind(LOGS)
    .fetch_all(&mut *conn)
    .await
    .doing("reading failures")?;
    let mut firsts: HashMap<i64, FirstJob> = firsts.into_iter().map(|job| (job.id, job)).collect();
    let groups = causes.into_iter().map(|((rule, exit_code, _), Alike { count, first, job_id, .. })| {
        let first_job = firsts.remove(&first);
        let failure = Failure { count, job_id, exit_code, ..Failure::of(rule, JobKey(first)) };
        let Some(FirstJob { wildcards, group_name: group, error, logs, all_logs, .. }) = first_job else { return failure };
        let wildcards = wildcards.map(|held| held.0.into_iter().map(|(name, value)| (name, plain(value))).collect()).unwrap_or_default();
        let more_logs = u32::try_from((all_logs - LOGS).max(0)).unwrap_or(u32::MAX);
        Failure { wildcards, group, error, logs: logs.unwrap_or_default(), more_logs, ..failure }
    });
    let groups = groups.collect();
    let errors: Option<Json<Vec<ReportedError>>> = sqlx::query_scalar("select errors from workflow_runs where id = $1")
        .bind(run.0)
        .fetch_optional(conn)
        .await
        .doing("reading reported errors")?;
    Ok(Failures { groups, more, unlooked: 0, errors: errors.map(|errors| errors.0).unwrap_or_default() })
}
