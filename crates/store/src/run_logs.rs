//! What the logs of runs tell besides reports: whose are to be read, and what was read. Opens no file.

use crate::{Conn, Doing, StoreError};
use model::RunId;
use serde::Serialize;
use sqlx::types::{Json, Uuid};
use std::collections::BTreeMap;

/// A run whose log may hold more than was read of it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Due {
    pub id: Uuid,
    pub logfile: String,
    pub directory: Option<String>,
    /// It was started by somebody who may read what Flowo may.
    pub owner: bool,
    pub ended: bool,
}

/// Runs of the last day, and those that go on, the newest first. By index.
pub async fn due(conn: &mut Conn, limit: u32) -> Result<Vec<Due>, StoreError> {
    sqlx::query_as(
        "select r.id, r.logfile, r.directory, coalesce(u.role = 'admin', false) as owner, r.ended_at is not null as ended
           from (
                (select id, sort_at from workflow_runs
                  where deleted_at is null and status = 'running' order by sort_at desc, id desc limit $1)
                union
                (select id, sort_at from workflow_runs w
                  where deleted_at is null and sort_at > now() - interval '1 day'
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

/// Facts of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFacts {
    pub host: Option<String>,
    pub command_line: Option<String>,
    /// What it ran with, by name.
    pub environment: BTreeMap<&'static str, String>,
    /// Why it stopped, if that was no job.
    pub failure: Option<String>,
}

/// Facts of jobs, by the client's numbers of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct JobFacts {
    pub job: i64,
    pub exit: Option<i32>,
    pub error: Option<String>,
    pub group: Option<String>,
    pub external: Option<String>,
}

/// Writes what was read of one run; what is known already changes nothing.
///
/// A failure belongs to the newest attempt that failed, a group and a cluster's id to the newest of all.
pub async fn write(conn: &mut Conn, run: RunId, facts: &RunFacts, jobs: &[JobFacts]) -> Result<(), StoreError> {
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
    if let Some(failure) = &facts.failure {
        sqlx::query(
            "update workflow_runs set errors = jsonb_set(errors, '{-1,traceback}', to_jsonb($2::text))
              where id = $1 and jsonb_array_length(errors) > 0 and errors -> -1 ->> 'traceback' is null",
        )
        .bind(run.0)
        .bind(failure)
        .execute(&mut *conn)
        .await
        .doing("writing why a run failed")?;
    }
    if jobs.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "with told as (
            select * from jsonb_to_recordset($2) as x(job bigint, exit integer, error text, \"group\" text, external text)
         ), failed as (
            update job_executions j
               set exit_code = coalesce(j.exit_code, x.exit), error = coalesce(j.error, x.error)
              from told x
             cross join lateral (
                    select id from job_executions
                     where workflow_run_id = $1 and job_id = x.job and status = 'failed' order by attempt desc limit 1) one
             where j.id = one.id
               and (j.exit_code is null and x.exit is not null or j.error is null and x.error is not null)
            returning j.id, j.error, j.ended_at
         )
         insert into log_entries (workflow_run_id, job_execution_id, level, message, logged_at)
         select $1, id, 'error', left(error, 16000), coalesce(ended_at, now()) from failed where error is not null",
    )
    .bind(run.0)
    .bind(Json(jobs))
    .execute(&mut *conn)
    .await
    .doing("writing why jobs failed")?;
    sqlx::query(
        "update job_executions j
            set group_name = coalesce(x.\"group\", j.group_name), external_id = coalesce(x.external, j.external_id)
           from jsonb_to_recordset($2) as x(job bigint, \"group\" text, external text)
          where j.workflow_run_id = $1 and j.job_id = x.job and not j.superseded
            and (coalesce(x.\"group\", j.group_name) is distinct from j.group_name
                 or coalesce(x.external, j.external_id) is distinct from j.external_id)",
    )
    .bind(run.0)
    .bind(Json(jobs))
    .execute(conn)
    .await
    .doing("writing groups and cluster jobs")?;
    Ok(())
}

/// Nothing more is to be read of this run's log.
pub async fn done(conn: &mut Conn, run: RunId) -> Result<(), StoreError> {
    let done = sqlx::query("insert into run_logs (workflow_run_id) select id from workflow_runs where id = $1 on conflict do nothing");
    done.bind(run.0).execute(conn).await.doing("marking a log as read").map(drop)
}
