//! Everything about one job: what it ran, its files and who else names them, its attempts.

use super::{Row, plain};
use crate::{Conn, Doing, StoreError, events};
use model::{
    JobKey, JobStatus, RunId,
    job::{FileRole, JobAttempt, JobDetail, JobFile, JobRow},
};
use sqlx::types::Json;
use std::collections::BTreeMap;

/// Files of a job that are listed; it may have any number.
const MOST_FILES: usize = 500;
/// Attempts that are listed.
const MOST_ATTEMPTS: i64 = 100;
/// Reports that are listed.
const MOST_REPORTS: usize = 20;
/// Users of a file that are counted.
const MOST_USERS: i64 = 1000;

#[derive(sqlx::FromRow)]
struct Whole {
    #[sqlx(flatten)]
    row: Row,
    shell_command: Option<String>,
    resources: Option<Json<BTreeMap<String, serde_json::Value>>>,
    priority: Option<i32>,
    group_name: Option<String>,
    external_id: Option<String>,
    exit_code: Option<i32>,
    error: Option<String>,
    conda_env: Option<String>,
    reports: Option<Vec<i64>>,
}

/// A job of a run with everything that is known of it; `None` if the run has no such job.
///
/// Costs as much as the job has files and attempts, whatever the run's size.
pub async fn detail(conn: &mut Conn, run: RunId, key: JobKey) -> Result<Option<JobDetail>, StoreError> {
    let whole: Option<Whole> = sqlx::query_as(concat!(
        "select ",
        columns!(),
        ", j.shell_command, j.resources, j.priority, j.group_name, j.external_id, j.exit_code, j.error,
                 j.conda_env, j.reports
           from job_executions j
          where j.id = $1 and j.workflow_run_id = $2"
    ))
    .bind(key.0)
    .bind(run.0)
    .fetch_optional(&mut *conn)
    .await
    .doing("reading a job")?;
    let Some(whole) = whole else { return Ok(None) };
    let (files, more_files) = files(conn, key).await?;
    let attempts = match whole.row.job_id {
        Some(job) => attempts(conn, run, job).await?,
        None => Vec::new(),
    };
    let named = whole.reports.unwrap_or_default();
    let reports = events::named(conn, &named[named.len().saturating_sub(MOST_REPORTS)..]).await?;
    Ok(Some(JobDetail {
        row: JobRow::try_from(whole.row)?,
        shell_command: whole.shell_command,
        resources: whole.resources.map(|held| held.0.into_iter().map(|(name, value)| (name, plain(value))).collect()).unwrap_or_default(),
        priority: whole.priority,
        group: whole.group_name,
        external_id: whole.external_id,
        exit_code: whole.exit_code,
        error: whole.error,
        conda_env: whole.conda_env,
        files,
        more_files,
        attempts,
        reports,
    }))
}

async fn files(conn: &mut Conn, key: JobKey) -> Result<(Vec<JobFile>, bool), StoreError> {
    type Found = (String, String, Option<i64>, Option<String>, i64);
    let rows: Vec<Found> = sqlx::query_as(
        "select f.role, p.path, m.id, m.rule, u.n
           from job_files f
           join paths p on p.id = f.path_id
           left join lateral (
                select j.id, j.rule
                  from job_files o
                  join job_executions j on j.id = o.job_execution_id and not j.superseded
                 where f.role = 'input' and o.path_id = f.path_id and o.role = 'output'
                 order by j.id desc
                 limit 1) m on true
           cross join lateral (
                select count(*) as n
                  from (select from job_files i
                          join job_executions j on j.id = i.job_execution_id and not j.superseded
                         where f.role = 'output' and i.path_id = f.path_id and i.role = 'input'
                         limit $3) every_one) u
          where f.job_execution_id = $1
          order by array_position(array['input', 'output', 'log', 'benchmark'], f.role), f.position
          limit $2",
    )
    .bind(key.0)
    .bind(MOST_FILES as i64 + 1)
    .bind(MOST_USERS)
    .fetch_all(conn)
    .await
    .doing("reading a job's files")?;
    let more = rows.len() > MOST_FILES;
    let files = rows.into_iter().take(MOST_FILES).filter_map(|(role, path, maker, rule, users)| {
        Some(JobFile {
            role: FileRole::of(&role)?,
            path,
            made_by: maker.map(|id| (JobKey(id), rule.unwrap_or_default())),
            used_by: u32::try_from(users).unwrap_or(u32::MAX),
        })
    });
    Ok((files.collect(), more))
}

async fn attempts(conn: &mut Conn, run: RunId, job: i64) -> Result<Vec<JobAttempt>, StoreError> {
    type Found = (i64, i32, String, Option<i64>, Option<i64>);
    let rows: Vec<Found> = sqlx::query_as(
        "select id, attempt, status, ms(started_at), ms(ended_at)
           from job_executions
          where workflow_run_id = $1 and job_id = $2
          order by attempt desc
          limit $3",
    )
    .bind(run.0)
    .bind(job)
    .bind(MOST_ATTEMPTS)
    .fetch_all(conn)
    .await
    .doing("reading a job's attempts")?;
    let attempts = rows.into_iter().rev().filter_map(|(id, attempt, status, started_at, ended_at)| {
        Some(JobAttempt { id: JobKey(id), attempt, status: status.parse::<JobStatus>().ok()?, started_at, ended_at })
    });
    Ok(attempts.collect())
}
