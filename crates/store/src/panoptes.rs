//! Workflows as Panoptes clients and the Panoptes API know them: by a small number that all attempts of one name share.
//!
//! Only runs reported by such clients have such a number; the functions here never touch other runs.

mod create;
pub mod old;

pub use create::{Creation, create};

use crate::{Conn, Doing, StoreError, audience::asked_by, runs::Audience, status};
use model::{JobStatus, Millis, RunId, RunStatus, UserId, run::JobCounts};
use serde_json::Value;
use sqlx::types::{Json, Uuid};
use std::collections::BTreeMap;

/// How many workflows one answer contains, newest first; the API has no paging.
pub const MOST_WORKFLOWS: i64 = 10_000;
/// How many jobs one answer contains.
pub const MOST_JOBS: i64 = 100_000;

/// A workflow, represented by its newest attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Workflow {
    pub id: i64,
    pub run: RunId,
    /// Empty if its client gave none.
    pub name: String,
    /// A run that has been silent for too long counts as lost here, even before the sweep marks it.
    pub status: RunStatus,
    pub dry_run: bool,
    /// The newest report was an error.
    pub last_was_error: bool,
    pub jobs: JobCounts,
    /// How many jobs are done by the client's own count.
    pub done_reported: Option<i32>,
    pub started_at: Millis,
    pub ended_at: Option<Millis>,
    pub last_seen_at: Millis,
}

/// A job of a workflow, represented by its newest attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    pub job_id: i64,
    pub rule: Option<String>,
    pub status: JobStatus,
    pub message: Option<String>,
    pub shell_command: Option<String>,
    pub wildcards: Value,
    pub checkpoint: bool,
    pub started_at: Option<Millis>,
    pub ended_at: Option<Millis>,
    /// Paths by role, in the order given.
    pub files: BTreeMap<String, Vec<String>>,
}

#[derive(sqlx::FromRow)]
struct Row {
    panoptes_id: i64,
    id: Uuid,
    workflow_name: String,
    status: String,
    dry_run: bool,
    last_was_error: bool,
    stale: bool,
    done_told: Option<i32>,
    planned: Option<i32>,
    waiting: i32,
    running: i32,
    success: i32,
    failed: i32,
    lost: i32,
    skipped: i32,
    started_at: i64,
    ended_at: Option<i64>,
    last_seen_at: i64,
}

impl TryFrom<Row> for Workflow {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let stored = status::of_run(row.id, &row.status)?;
        Ok(Self {
            id: row.panoptes_id,
            run: RunId(row.id),
            name: row.workflow_name,
            status: if row.stale { RunStatus::Lost } else { stored },
            dry_run: row.dry_run,
            last_was_error: row.last_was_error,
            jobs: JobCounts {
                planned: row.planned,
                waiting: row.waiting,
                running: row.running,
                success: row.success,
                failed: row.failed,
                lost: row.lost,
                skipped: row.skipped,
            },
            done_reported: row.done_told,
            started_at: row.started_at,
            ended_at: row.ended_at,
            last_seen_at: row.last_seen_at,
        })
    }
}

/// `$1`: seconds of silence after which a run is stale, or null.
const COLUMNS: &str = "panoptes_id, id, workflow_name, status, dry_run, last_was_error, done_told, jobs_planned as planned,
    jobs_waiting as waiting, jobs_running as running, jobs_success as success, jobs_failed as failed, jobs_lost as lost,
    jobs_skipped as skipped, ms(coalesce(started_at, created_at)) as started_at, ms(ended_at) as ended_at, ms(last_seen_at) as last_seen_at,
    coalesce(status = 'running' and last_seen_at < flowo_now() - $1 * interval '1 second', false) as stale";

/// Not deleted. The form keeps PostgreSQL, while it has no statistics of the table, from combining the index of all
/// rows that are not deleted with the few rows of one number.
const KEPT: &str = "coalesce(deleted_at is null, false)";

/// The workflows of a reader by number, at most [`MOST_WORKFLOWS`].
pub async fn list(conn: &mut Conn, audience: Audience, stale: Option<i32>) -> Result<Vec<Workflow>, StoreError> {
    let (reader, reach) = asked_by(audience);
    // Steps from each number to the next lower one: a sort, or a scan of all attempts, would grow with the table.
    let sql = format!(
        "with recursive numbers as (
            (select 1 as nth, panoptes_id as known_as from workflow_runs
              where panoptes_id is not null and {KEPT} and sees_run(workflow_runs, $2, $4)
              order by panoptes_id desc limit 1)
            union all
            select n.nth + 1, below.panoptes_id
              from numbers n
             cross join lateral (
                   select panoptes_id from workflow_runs
                    where panoptes_id < n.known_as and {KEPT} and sees_run(workflow_runs, $2, $4)
                    order by panoptes_id desc limit 1) below
             where n.nth < $3
         )
         select newest.*
           from numbers
          cross join lateral (
                select {COLUMNS} from workflow_runs
                 where panoptes_id = known_as and {KEPT} and sees_run(workflow_runs, $2, $4)
                 order by number desc limit 1) newest
          order by panoptes_id"
    );
    let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(stale)
        .bind(reader)
        .bind(MOST_WORKFLOWS)
        .bind(reach)
        .fetch_all(conn)
        .await
        .doing("listing workflows")?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// How many of a reader's workflows [`list`] leaves out, the oldest ones. Counts only if it may have left out any.
pub async fn unlisted(conn: &mut Conn, audience: Audience, listed: usize) -> Result<u64, StoreError> {
    if (listed as i64) < MOST_WORKFLOWS {
        return Ok(0);
    }
    let (reader, reach) = asked_by(audience);
    let all: i64 = sqlx::query_scalar(
        "select count(distinct panoptes_id) from workflow_runs
          where panoptes_id is not null and deleted_at is null and sees_run(workflow_runs, $1, $2)",
    )
    .bind(reader)
    .bind(reach)
    .fetch_one(conn)
    .await
    .doing("counting workflows")?;
    Ok(all.saturating_sub(listed as i64).max(0).cast_unsigned())
}

/// How many jobs of a run [`jobs`] leaves out, those reported last. Counts only if it may have left out any.
pub async fn unlisted_jobs(conn: &mut Conn, run: RunId, listed: usize) -> Result<u64, StoreError> {
    if (listed as i64) < MOST_JOBS {
        return Ok(0);
    }
    let all: i64 =
        sqlx::query_scalar("select count(*) from job_executions where workflow_run_id = $1 and not superseded and job_id is not null")
            .bind(run.0)
            .fetch_one(conn)
            .await
            .doing("counting jobs")?;
    Ok(all.saturating_sub(listed as i64).max(0).cast_unsigned())
}

/// The workflow with a number; `None` if this reader may see none.
pub async fn find(conn: &mut Conn, audience: Audience, id: i64, stale: Option<i32>) -> Result<Option<Workflow>, StoreError> {
    let (reader, reach) = asked_by(audience);
    let sql = format!(
        "select {COLUMNS} from workflow_runs
          where panoptes_id = $2 and {KEPT} and sees_run(workflow_runs, $3, $4)
          order by number desc limit 1"
    );
    let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(stale)
        .bind(id)
        .bind(reader)
        .bind(reach)
        .fetch_optional(conn)
        .await
        .doing("finding a workflow")?;
    row.map(TryInto::try_into).transpose()
}

/// The run that reports under a number refer to (the newest attempt), its owner, and its command line. Deleted runs are included.
pub async fn reported(conn: &mut Conn, id: i64) -> Result<Option<(RunId, Option<UserId>, Option<String>)>, StoreError> {
    type Found = (Uuid, Option<i64>, Option<String>);
    let query = "select id, user_id, command_line from workflow_runs where panoptes_id = $1 order by number desc limit 1";
    let found: Option<Found> = sqlx::query_as(query).bind(id).fetch_optional(conn).await.doing("finding a workflow")?;
    Ok(found.map(|(run, user, command)| (RunId(run), user.map(UserId), command)))
}

/// Every attempt with a number that this reader may change, or all attempts with any number.
pub async fn attempts(conn: &mut Conn, audience: Audience, id: Option<i64>) -> Result<Vec<RunId>, StoreError> {
    let (reader, reach) = asked_by(audience.to_change());
    let found: Vec<Uuid> = sqlx::query_scalar(
        "select id from workflow_runs
          where panoptes_id is not null and ($1::bigint is null or panoptes_id = $1) and deleted_at is null
            and sees_run(workflow_runs, $2, $3)
          limit 100000",
    )
    .bind(id)
    .bind(reader)
    .bind(reach)
    .fetch_all(conn)
    .await
    .doing("finding attempts")?;
    Ok(found.into_iter().map(RunId).collect())
}

#[derive(sqlx::FromRow)]
struct JobRow {
    id: i64,
    job_id: i64,
    rule: Option<String>,
    status: String,
    message: Option<String>,
    shell_command: Option<String>,
    wildcards: Option<Json<Value>>,
    checkpoint: bool,
    started_at: Option<i64>,
    ended_at: Option<i64>,
}

/// The jobs of a run in the order in which they were first reported, at most [`MOST_JOBS`]; with `only`, that one.
pub async fn jobs(conn: &mut Conn, run: RunId, only: Option<i64>) -> Result<Vec<Job>, StoreError> {
    let rows: Vec<JobRow> = sqlx::query_as(
        "select id, job_id, rule, status, message, shell_command, wildcards, checkpoint, ms(started_at) as started_at, ms(ended_at) as ended_at
           from job_executions
          where workflow_run_id = $1 and not superseded and job_id is not null and ($2::bigint is null or job_id = $2)
          order by id limit $3",
    )
    .bind(run.0)
    .bind(only)
    .bind(MOST_JOBS)
    .fetch_all(&mut *conn)
    .await
    .doing("listing jobs")?;
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let files: Vec<(i64, String, String)> = sqlx::query_as(
        "select f.job_execution_id, f.role, p.path
           from job_files f join paths p on p.id = f.path_id
          where f.job_execution_id = any($1)
          order by f.job_execution_id, f.role, f.position",
    )
    .bind(&ids)
    .fetch_all(conn)
    .await
    .doing("listing files")?;
    let mut by_job: BTreeMap<i64, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    for (job, role, path) in files {
        by_job.entry(job).or_default().entry(role).or_default().push(path);
    }
    rows.into_iter()
        .map(|row| {
            let status = status::of_job(row.id, &row.status)?;
            Ok(Job {
                job_id: row.job_id,
                rule: row.rule,
                status,
                message: row.message,
                shell_command: row.shell_command,
                wildcards: row.wildcards.map_or_else(|| Value::Object(serde_json::Map::new()), |held| held.0),
                checkpoint: row.checkpoint,
                started_at: row.started_at,
                ended_at: row.ended_at,
                files: by_job.remove(&row.id).unwrap_or_default(),
            })
        })
        .collect()
}

async fn lose_jobs(conn: &mut Conn, id: Uuid) -> Result<(), StoreError> {
    sqlx::query(
        "update job_executions set status = 'lost', ended_at = greatest(flowo_now(), started_at)
          where workflow_run_id = $1 and status = 'running' and not superseded",
    )
    .bind(id)
    .execute(conn)
    .await
    .doing("ending jobs")?;
    Ok(())
}

/// Renames all attempts with a number. Returns `false` if this audience has none.
pub async fn rename(conn: &mut Conn, audience: Audience, id: i64, name: &str, by: Option<UserId>) -> Result<bool, StoreError> {
    let (reader, reach) = asked_by(audience.to_change());
    let done = sqlx::query(
        "with renamed as (
            update workflow_runs set workflow_name = $2
             where panoptes_id = $1 and deleted_at is null and sees_run(workflow_runs, $3, $5) and acting($4)
            returning id
         ), noted as (
            insert into audit_log (user_id, action, target, detail)
            select $4, 'rename.run', id::text, jsonb_build_object('name', $2::text) from renamed
         )
         select id from renamed",
    )
    .bind(id)
    .bind(name)
    .bind(reader)
    .bind(by.map(|user| user.0))
    .bind(reach)
    .fetch_all(conn)
    .await
    .doing("renaming a workflow")?;
    Ok(!done.is_empty())
}

/// Marks a run as cancelled and its running jobs as lost, unless the run has ended. This stops nothing.
pub async fn cancel(conn: &mut Conn, run: RunId, by: Option<UserId>) -> Result<(), StoreError> {
    let done = sqlx::query(
        "with cancelled as (
            update workflow_runs set status = 'cancelled', ended_at = greatest(flowo_now(), started_at), closed_by_client = true
             where id = $1 and (status in ('running', 'waiting', 'suspended', 'lost') or status = 'failed' and not closed_by_client)
               and acting($2)
            returning id
         ), noted as (
            insert into audit_log (user_id, action, target) select $2, 'cancel.run', id::text from cancelled
         )
         select id from cancelled",
    )
    .bind(run.0)
    .bind(by.map(|user| user.0))
    .fetch_all(&mut *conn)
    .await
    .doing("cancelling a run")?;
    if !done.is_empty() {
        lose_jobs(conn, run.0).await?;
    }
    Ok(())
}
