//! What the logs of runs contain besides reports: which logs to read, and what was read. Opens no file.

use crate::{Conn, Doing, StoreError};
use model::{
    RunId,
    run::{PrintedError, ReportedError},
};
use serde::Serialize;
use sqlx::types::{Json, Uuid};
use std::collections::BTreeMap;

/// A run whose log may contain more than was read so far.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Due {
    pub id: Uuid,
    pub logfile: String,
    pub directory: Option<String>,
    /// The account that owns the run, and the account's name.
    pub user_id: Option<i64>,
    pub account: Option<String>,
    /// Its newest report is an error.
    pub troubled: bool,
    pub ended: bool,
}

/// Runs of the last day and runs that go on, newest first. By index.
pub async fn due(conn: &mut Conn, limit: u32) -> Result<Vec<Due>, StoreError> {
    sqlx::query_as(
        "select r.id, r.logfile, r.directory, u.id as user_id, u.name as account, r.last_was_error as troubled, r.ended_at is not null as ended
           from (
                (select id, sort_at from workflow_runs
                  where deleted_at is null and status = 'running' order by sort_at desc, id desc limit $1)
                union
                (select id, sort_at from workflow_runs w
                  where deleted_at is null and sort_at > flowo_now() - interval '1 day'
                    and not exists (select from run_logs l where l.workflow_run_id = w.id)
                  order by sort_at desc, id desc limit $1)) wanted
           join workflow_runs r on r.id = wanted.id
           left join users u on u.id = r.user_id
          where r.logfile is not null
          order by wanted.sort_at desc limit $1",
    )
    .bind(i64::from(limit))
    .fetch_all(conn)
    .await
    .doing("looking for logs to read")
}

/// Facts about a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFacts {
    pub host: Option<String>,
    pub command_line: Option<String>,
    /// What it ran with, by name.
    pub environment: BTreeMap<&'static str, String>,
    /// Exceptions that were printed, in their order.
    pub errors: Vec<PrintedError>,
}

/// Facts about an attempt of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct JobFacts {
    /// The client's job number. `None`: the one job that was started and never described.
    pub job: Option<i64>,
    /// From 1.
    pub attempt: i32,
    /// Empty if the log does not contain it.
    pub rule: String,
    /// The attempt failed; `silent` if no report will say so.
    pub failed: bool,
    pub silent: bool,
    pub exit: Option<i32>,
    pub error: Option<String>,
    pub group: Option<String>,
    pub external: Option<String>,
}

/// The form in which statements receive the facts of jobs.
macro_rules! job_facts {
    () => {
        "select * from jsonb_to_recordset($2) as x(job bigint, attempt integer, rule text, failed boolean, silent boolean,
                exit integer, error text, \"group\" text, external text)"
    };
}

/// Writes what was read of one run's log; known facts change nothing. Returns whether some facts must wait for reports,
/// because a log is often ahead of them.
///
/// A job that failed according to the log counts as failed although no report said so: at once if no report of it is to
/// come, otherwise when it is lost.
pub async fn write(conn: &mut Conn, run: RunId, facts: &RunFacts, jobs: &[JobFacts]) -> Result<bool, StoreError> {
    // Locked the same way as by the batch writers, so that no report is applied at the same time.
    let errors: Option<Json<Vec<ReportedError>>> = sqlx::query_scalar("select errors from workflow_runs where id = $1 for no key update")
        .bind(run.0)
        .fetch_optional(&mut *conn)
        .await
        .doing("reading the errors of a run")?;
    let Some(Json(mut errors)) = errors else { return Ok(false) };
    sqlx::query(
        "update workflow_runs
            set host = coalesce(host, $2), command_line = coalesce(command_line, $3), environment = $4
          where id = $1 and (coalesce(host, $2) is distinct from host or coalesce(command_line, $3) is distinct from command_line
                             or ($4 <> '{}' and environment is distinct from $4))",
    )
    .bind(run.0)
    .bind(&facts.host)
    .bind(&facts.command_line)
    .bind(Json(&facts.environment))
    .execute(&mut *conn)
    .await
    .doing("writing what a log tells of its run")?;
    if model::run::complete(&mut errors, &facts.errors) {
        let update = sqlx::query("update workflow_runs set errors = $2 where id = $1").bind(run.0).bind(Json(errors));
        update.execute(&mut *conn).await.doing("writing what was printed of errors")?;
    }
    if jobs.is_empty() {
        return Ok(false);
    }
    let jobs = Json(jobs);
    fail(conn, run, &jobs).await?;
    place(conn, run, &jobs).await?;
    let waits = sqlx::query_scalar(concat!(
        "with facts as materialized (",
        job_facts!(),
        ")
         select exists (
                select from facts x
                 where x.job is not null
                   and not exists (
                       select from job_executions j
                        where j.workflow_run_id = $1 and j.job_id = x.job and j.attempt = x.attempt
                          and (j.status = 'failed' or not x.failed)))"
    ));
    waits.bind(run.0).bind(jobs).fetch_one(conn).await.doing("looking for facts that wait")
}

/// Writes which attempts failed, and why.
async fn fail(conn: &mut Conn, run: RunId, jobs: &Json<&[JobFacts]>) -> Result<(), StoreError> {
    sqlx::query(concat!(
        "with facts as materialized (",
        job_facts!(),
        "), undescribed as (            -- unambiguous only if there is one, and no more reports are to come
            select min(id) as id
              from job_executions
             where workflow_run_id = $1 and status = 'lost' and not informed and not superseded
               and exists (select from workflow_runs where id = $1 and ended_at is not null)
            having count(*) = 1
         ), failing as (
            select x.*, one.id
              from facts x
             cross join lateral (
                    select id from job_executions where workflow_run_id = $1 and job_id = x.job and attempt = x.attempt
                     union all
                    select id from undescribed where x.job is null) one
             where x.failed
         ), failed as (
            update job_executions j
               set status = 'failed', rule = coalesce(j.rule, nullif(x.rule, '')),
                   exit_code = coalesce(j.exit_code, x.exit), error = coalesce(j.error, x.error)
              from failing x
             where j.id = x.id
               and (j.status in ('failed', 'lost') or x.silent and j.status in ('waiting', 'suspended', 'running'))
               and (j.status <> 'failed' or j.exit_code is null and x.exit is not null or j.error is null and x.error is not null)
            returning j.id, x.error, j.ended_at
         )
         insert into log_entries (workflow_run_id, job_execution_id, level, message, logged_at)
         select $1, id, 'error', left(error, 16000), coalesce(ended_at, flowo_now()) from failed where error is not null"
    ))
    .bind(run.0)
    .bind(jobs)
    .execute(conn)
    .await
    .doing("writing why jobs failed")?;
    Ok(())
}

/// Writes where attempts ran: the group belongs to the job, a cluster's id to the attempt.
async fn place(conn: &mut Conn, run: RunId, jobs: &Json<&[JobFacts]>) -> Result<(), StoreError> {
    sqlx::query(concat!(
        "with facts as materialized (",
        job_facts!(),
        "), placed as (
            select j.id, max(x.\"group\") as \"group\", max(x.external) filter (where x.attempt = j.attempt) as external
              from facts x
             cross join lateral (
                    select id, attempt from job_executions where workflow_run_id = $1 and job_id = x.job) j
             where x.\"group\" is not null or x.external is not null
             group by j.id
         )
         update job_executions j
            set group_name = coalesce(x.\"group\", j.group_name), external_id = coalesce(x.external, j.external_id)
           from placed x
          where j.id = x.id
            and (coalesce(x.\"group\", j.group_name) is distinct from j.group_name
                 or coalesce(x.external, j.external_id) is distinct from j.external_id)"
    ))
    .bind(run.0)
    .bind(jobs)
    .execute(conn)
    .await
    .doing("writing groups and cluster jobs")?;
    Ok(())
}

/// Records that this run's log has been read completely.
pub async fn done(conn: &mut Conn, run: RunId) -> Result<(), StoreError> {
    let done = sqlx::query("insert into run_logs (workflow_run_id) select id from workflow_runs where id = $1 on conflict do nothing");
    done.bind(run.0).execute(conn).await.doing("marking a log as read").map(drop)
}
