//! Everything about one job: what it ran, its files and which other jobs name them, its attempts.

use super::{Row, plain};
use crate::{Conn, Doing, StoreError, events, status};
use model::{
    JobKey, RunId,
    job::{FileRole, Filled, JobAttempt, JobDetail, JobFile, JobRow, MoreReports, REPORTS_SHOWN, Unlisted},
};
use sqlx::types::Json;
use std::collections::BTreeMap;

/// How many files of each role are listed with a job; a job may have any number.
const MOST_FILES: i64 = 500;
/// How many files are listed at once if a single role of a job is requested.
const WINDOW: i64 = 200;
/// How many attempts are listed.
const MOST_ATTEMPTS: i64 = 100;

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
    filled_from: Option<String>,
    reports: Option<Vec<i64>>,
}

/// A job of a run with everything that is known of it; `None` if the run has no such job.
///
/// The cost is proportional to the job's files and attempts, whatever the size of the run.
pub async fn detail(conn: &mut Conn, run: RunId, key: JobKey) -> Result<Option<JobDetail>, StoreError> {
    let whole: Option<Whole> = sqlx::query_as(concat!(
        "select ",
        columns!(),
        ", j.shell_command, j.resources, j.priority, j.group_name, j.external_id, j.exit_code, j.error,
                 j.conda_env, j.filled_from, j.reports
           from job_executions j
          where j.id = $1 and j.workflow_run_id = $2"
    ))
    .bind(key.0)
    .bind(run.0)
    .fetch_optional(&mut *conn)
    .await
    .doing("reading a job")?;
    let Some(whole) = whole else { return Ok(None) };
    let (files, unlisted) = files(conn, key, None, 0, MOST_FILES).await?;
    let Attempts { listed: attempts, beyond } = match whole.row.job_id {
        Some(job) => attempts(conn, run, job, whole.row.attempt).await?,
        None => Attempts::default(),
    };
    let named = whole.reports.unwrap_or_default();
    let (earlier, newest) = named.split_at(named.len().saturating_sub(REPORTS_SHOWN));
    let reports = events::named(conn, newest).await?;
    let more_reports = earlier.first().map(|first| MoreReports { count: u32::try_from(earlier.len()).unwrap_or(u32::MAX), first: *first });
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
        filled: whole.filled_from.as_deref().and_then(Filled::of),
        files,
        unlisted,
        attempts,
        beyond,
        reports,
        more_reports,
    }))
}

/// The files of one role of a job after the first `skip`, at most 200; and how many come after those.
///
/// The cost is proportional to the job's files of this role, whatever the size of the run.
pub async fn files_of(conn: &mut Conn, job: JobKey, role: FileRole, skip: u32) -> Result<(Vec<JobFile>, u64), StoreError> {
    let (files, unlisted) = files(conn, job, Some(role), skip, WINDOW).await?;
    Ok((files, unlisted.of(role)))
}

/// Files of a job, of all roles or of one: at most `most` of each, after the first `skip`.
async fn files(conn: &mut Conn, key: JobKey, role: Option<FileRole>, skip: u32, most: i64) -> Result<(Vec<JobFile>, Unlisted), StoreError> {
    type Found = (String, String, Option<i64>, Option<String>, i64, Option<i32>, i64);
    let last = i64::from(skip) + most;
    let rows: Vec<Found> = sqlx::query_as(
        "select f.role, p.path, m.id, m.rule, u.n, w.attempt, f.n
           from (select f.*, row_number() over (partition by f.role order by f.position) as nth, count(*) over (partition by f.role) as n
                   from job_files f
                  where f.job_execution_id = $1 and ($4::text is null or f.role = $4)) f
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
           cross join lateral (
                select max(later.attempt) as attempt        -- a new attempt overwrites the logs of earlier ones
                  from job_executions me
                  join job_executions later on later.workflow_run_id = me.workflow_run_id and later.job_id = me.job_id
                                           and later.attempt > me.attempt and later.started_at is not null
                  join job_files o on o.job_execution_id = later.id and o.role = 'log' and o.path_id = f.path_id
                 where f.role = 'log' and me.id = f.job_execution_id) w
          where f.nth > $5 and f.nth <= $2
          order by array_position(array['input', 'output', 'log', 'benchmark'], f.role), f.nth",
    )
    .bind(key.0)
    .bind(last)
    .bind(i64::from(JobFile::COUNTED))
    .bind(role.map(FileRole::as_str))
    .bind(i64::from(skip))
    .fetch_all(conn)
    .await
    .doing("reading a job's files")?;
    let mut unlisted = Unlisted::default();
    let mut files = Vec::with_capacity(rows.len());
    for (role, path, maker, rule, users, rewritten_by, of) in rows {
        let role = status::role(key, &role)?;
        unlisted.set(role, u64::try_from(of - last).unwrap_or(0));
        let made_by = maker.map(|id| (JobKey(id), rule.unwrap_or_default()));
        files.push(JobFile { role, path, made_by, used_by: u32::try_from(users).unwrap_or(u32::MAX), rewritten_by });
    }
    Ok((files, unlisted))
}

/// Consecutive attempts of a job, and the two next to them.
#[derive(Default)]
struct Attempts {
    listed: Vec<JobAttempt>,
    beyond: (Option<JobAttempt>, Option<JobAttempt>),
}

/// The newest attempts of a job if `open` is among them; otherwise the attempts around `open`.
async fn attempts(conn: &mut Conn, run: RunId, job: i64, open: i32) -> Result<Attempts, StoreError> {
    type Found = (i64, i32, String, Option<i64>, Option<i64>, i64);
    let rows: Vec<Found> = sqlx::query_as(
        "with every_one as materialized (
            select id, attempt, status, started_at, ended_at, row_number() over (order by attempt desc) as nth
              from job_executions
             where workflow_run_id = $1 and job_id = $2
        ), here as (
            select case when nth <= $4 then 1 else nth - $4 / 2 end as first from every_one where attempt = $3 limit 1
        )
        select id, attempt, status, ms(started_at), ms(ended_at), nth - first as place
          from every_one, here
         where nth - first between -1 and $4           -- including the one after the window, and the one before it
         order by attempt",
    )
    .bind(run.0)
    .bind(job)
    .bind(open)
    .bind(MOST_ATTEMPTS)
    .fetch_all(conn)
    .await
    .doing("reading a job's attempts")?;
    let mut found = Attempts::default();
    for (id, attempt, status, started_at, ended_at, place) in rows {
        let status = status::of_job(id, &status)?;
        let attempt = JobAttempt { id: JobKey(id), attempt, status, started_at, ended_at };
        match place {
            ..0 => found.beyond.1 = Some(attempt),
            MOST_ATTEMPTS.. => found.beyond.0 = Some(attempt),
            _ => found.listed.push(attempt),
        }
    }
    Ok(found)
}
