//! Workflows as Panoptes' clients and its API know them: by a small number that all attempts of one name share.
//!
//! Only runs that came this way have such a number; what is asked for here never touches others.

use crate::{Conn, Doing, StoreError, runs::Audience};
use model::{JobStatus, Millis, RunId, RunStatus, UserId, run::JobCounts};
use serde_json::Value;
use sqlx::types::{Json, Uuid};
use std::collections::BTreeMap;

/// Workflows in one answer, the newest; the API knows no pages.
pub const MOST_WORKFLOWS: i64 = 10_000;
/// Jobs in one answer.
pub const MOST_JOBS: i64 = 100_000;

/// A workflow: its newest attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Workflow {
    pub id: i64,
    pub run: RunId,
    /// Empty if its client gave none.
    pub name: String,
    /// A run that has been silent for too long is already lost here, whenever the sweep comes by.
    pub status: RunStatus,
    pub dry_run: bool,
    /// The newest report was an error.
    pub last_was_error: bool,
    pub jobs: JobCounts,
    /// Jobs that are done by the client's own count.
    pub done_told: Option<i32>,
    pub started_at: Millis,
    pub ended_at: Option<Millis>,
    pub last_seen_at: Millis,
}

/// A job of it: its newest attempt.
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

/// What a client tells of a workflow before it runs.
#[derive(Clone, Debug, Default)]
pub struct Creation {
    pub user: Option<UserId>,
    pub user_name: String,
    pub client_version: Option<String>,
    /// The name by which it is known again; `None` makes one that is nobody's attempt.
    pub name: Option<String>,
    /// An earlier one by its number, of which this is another attempt.
    pub id: Option<i64>,
    pub command_line: Option<String>,
    pub directory: Option<String>,
    pub snakefile: Option<String>,
    pub dry_run: bool,
    /// The request as it came, as JSON text without U+0000.
    pub body: String,
    pub received_at: Millis,
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
        let told = row.status.parse().map_err(|source| StoreError::Corrupt {
            table: "workflow_runs",
            column: "status",
            id: row.id.to_string(),
            source,
        })?;
        Ok(Self {
            id: row.panoptes_id,
            run: RunId(row.id),
            name: row.workflow_name,
            status: if row.stale { RunStatus::Lost } else { told },
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
            done_told: row.done_told,
            started_at: row.started_at,
            ended_at: row.ended_at,
            last_seen_at: row.last_seen_at,
        })
    }
}

/// `$1`: seconds of silence after which one is stale, or null.
const COLUMNS: &str = "panoptes_id, id, workflow_name, status, dry_run, last_was_error, done_told, jobs_planned as planned,
    jobs_waiting as waiting, jobs_running as running, jobs_success as success, jobs_failed as failed, jobs_lost as lost,
    jobs_skipped as skipped, ms(coalesce(started_at, created_at)) as started_at, ms(ended_at) as ended_at, ms(last_seen_at) as last_seen_at,
    coalesce(status = 'running' and last_seen_at < now() - $1 * interval '1 second', false) as stale";

const fn only(audience: Audience) -> Option<i64> {
    match audience {
        Audience::All => None,
        Audience::User(user) => Some(user.0),
    }
}

/// The workflows of a reader by their numbers, at most [`MOST_WORKFLOWS`].
pub async fn list(conn: &mut Conn, audience: Audience, stale: Option<i32>) -> Result<Vec<Workflow>, StoreError> {
    let sql = format!(
        "select * from (
            select distinct on (panoptes_id) {COLUMNS} from workflow_runs
             where panoptes_id is not null and deleted_at is null and ($2::bigint is null or user_id = $2)
             order by panoptes_id desc, number desc
             limit $3) newest
          order by panoptes_id"
    );
    let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(stale)
        .bind(only(audience))
        .bind(MOST_WORKFLOWS)
        .fetch_all(conn)
        .await
        .doing("listing workflows")?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The workflow behind a number; `None` if there is none this reader may see.
pub async fn find(conn: &mut Conn, audience: Audience, id: i64, stale: Option<i32>) -> Result<Option<Workflow>, StoreError> {
    let sql = format!(
        "select {COLUMNS} from workflow_runs
          where panoptes_id = $2 and deleted_at is null and ($3::bigint is null or user_id = $3)
          order by number desc limit 1"
    );
    let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(stale)
        .bind(id)
        .bind(only(audience))
        .fetch_optional(conn)
        .await
        .doing("finding a workflow")?;
    row.map(TryInto::try_into).transpose()
}

/// The run that reports under a number are about: the newest attempt, and whose it is; deleted ones count, too.
pub async fn reported(conn: &mut Conn, id: i64) -> Result<Option<RunId>, StoreError> {
    let found: Option<Uuid> = sqlx::query_scalar("select id from workflow_runs where panoptes_id = $1 order by number desc limit 1")
        .bind(id)
        .fetch_optional(conn)
        .await
        .doing("finding a workflow")?;
    Ok(found.map(RunId))
}

/// Every attempt behind a number that this reader may change, or all of them behind any.
pub async fn attempts(conn: &mut Conn, audience: Audience, id: Option<i64>) -> Result<Vec<RunId>, StoreError> {
    let found: Vec<Uuid> = sqlx::query_scalar(
        "select id from workflow_runs
          where panoptes_id is not null and ($1::bigint is null or panoptes_id = $1) and deleted_at is null
            and ($2::bigint is null or user_id = $2)
          limit 100000",
    )
    .bind(id)
    .bind(only(audience))
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

/// The jobs of a run in the order in which they were first heard of, at most [`MOST_JOBS`]; with `only`, that one.
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
            let status = row.status.parse().map_err(|source| StoreError::Corrupt {
                table: "job_executions",
                column: "status",
                id: row.id.to_string(),
                source,
            })?;
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

#[derive(sqlx::FromRow)]
struct Earlier {
    id: Uuid,
    panoptes_id: i64,
    workflow_name: String,
    lineage_id: Option<Uuid>,
    attempt: i32,
    busy: bool,
}

/// Makes a run for a client that is about to report one. Returns its number and the run.
///
/// A name, or a number, that was used before makes another attempt under the same number; while that one is still
/// running and nothing of it failed, a run of its own whose name is told apart by eight letters.
/// The caller owns the transaction.
pub async fn create(conn: &mut Conn, new: &Creation, stale: Option<i32>) -> Result<(i64, RunId), StoreError> {
    let earlier = earlier(conn, new, stale).await?;
    let (name, after) = match earlier {
        None => (new.name.clone().unwrap_or_default(), None),
        Some(earlier) if earlier.busy => {
            let told_apart: String = sqlx::query_scalar("select $1 || '-' || left(replace(gen_random_uuid()::text, '-', ''), 8)")
                .bind(if earlier.workflow_name.is_empty() { earlier.id.to_string() } else { earlier.workflow_name })
                .fetch_one(&mut *conn)
                .await
                .doing("telling names apart")?;
            (told_apart, None)
        }
        Some(earlier) => (earlier.workflow_name.clone(), Some(earlier)),
    };
    if let Some(earlier) = &after {
        retire(conn, earlier.id).await?;
    }
    let (id, number): (Uuid, i64) = sqlx::query_as(
        "insert into workflow_runs (user_id, user_name, source, client_version, workflow_name, command_line, directory, snakefile, dry_run,
                started_at, created_at, last_seen_at, lineage_id, attempt)
         values ($1, $2, 'panoptes', $3, $4, $5, $6, $7, $8, at_ms($9), at_ms($9), at_ms($9), $10, $11)
         returning id, number",
    )
    .bind(new.user.map(|user| user.0))
    .bind(&new.user_name)
    .bind(&new.client_version)
    .bind(&name)
    .bind(&new.command_line)
    .bind(&new.directory)
    .bind(&new.snakefile)
    .bind(new.dry_run)
    .bind(new.received_at)
    .bind(after.as_ref().map(|earlier| earlier.lineage_id.unwrap_or(earlier.id)))
    .bind(after.as_ref().map_or(1, |earlier| earlier.attempt + 1))
    .fetch_one(&mut *conn)
    .await
    .doing("making a run")?;
    let known_as = after.map_or(number, |earlier| earlier.panoptes_id);
    sqlx::query("update workflow_runs set panoptes_id = $2 where id = $1")
        .bind(id)
        .bind(known_as)
        .execute(&mut *conn)
        .await
        .doing("numbering a run")?;
    sqlx::query(
        "insert into ingest_events (workflow_run_id, user_id, source, event, body, received_at, outcome)
         values ($1, $2, 'panoptes', 'create_workflow', $3::jsonb, at_ms($4), 'applied')",
    )
    .bind(id)
    .bind(new.user.map(|user| user.0))
    .bind(&new.body)
    .bind(new.received_at)
    .execute(conn)
    .await
    .doing("keeping raw events")?;
    Ok((known_as, RunId(id)))
}

/// The newest attempt of the same sender's name or number. Two that begin at once wait for each other.
async fn earlier(conn: &mut Conn, new: &Creation, stale: Option<i32>) -> Result<Option<Earlier>, StoreError> {
    if new.name.is_none() && new.id.is_none() {
        return Ok(None);
    }
    sqlx::query("select pg_advisory_xact_lock(hashtextextended(concat_ws('/', 'panoptes', $1::bigint, $2::text, $3::bigint), 0))")
        .bind(new.user.map(|user| user.0))
        .bind(&new.name)
        .bind(new.id)
        .execute(&mut *conn)
        .await
        .doing("waiting for others of that name")?;
    sqlx::query_as(
        "select id, panoptes_id, workflow_name, lineage_id, attempt,
                status in ('running', 'waiting', 'suspended') and jobs_failed = 0 and not last_was_error
                and not coalesce(last_seen_at < now() - $4 * interval '1 second', false) as busy
           from workflow_runs
          where panoptes_id is not null and deleted_at is null and user_id is not distinct from $1
            and case when $2::text is not null then md5(workflow_name) = md5($2) and workflow_name = $2 else panoptes_id = $3 end
          order by number desc
          limit 1",
    )
    .bind(new.user.map(|user| user.0))
    .bind(&new.name)
    .bind(new.id)
    .bind(stale)
    .fetch_optional(conn)
    .await
    .doing("finding earlier attempts")
}

/// An attempt that another one follows is over, whether or not its client said so.
async fn retire(conn: &mut Conn, id: Uuid) -> Result<(), StoreError> {
    sqlx::query("update workflow_runs set status = 'failed', ended_at = greatest(last_seen_at, started_at) where id = $1 and status in ('running', 'waiting', 'suspended')")
        .bind(id)
        .execute(&mut *conn)
        .await
        .doing("ending an earlier attempt")?;
    lose_jobs(conn, id).await
}

async fn lose_jobs(conn: &mut Conn, id: Uuid) -> Result<(), StoreError> {
    sqlx::query(
        "update job_executions set status = 'lost', ended_at = greatest(now(), started_at)
          where workflow_run_id = $1 and status = 'running' and not superseded",
    )
    .bind(id)
    .execute(conn)
    .await
    .doing("ending jobs")?;
    Ok(())
}

/// Gives all attempts behind a number another name. `false` if there is none for this audience.
pub async fn rename(conn: &mut Conn, audience: Audience, id: i64, name: &str, by: Option<UserId>) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "with renamed as (
            update workflow_runs set workflow_name = $2
             where panoptes_id = $1 and deleted_at is null and ($3::bigint is null or user_id = $3) and acting($4)
            returning id
         ), noted as (
            insert into audit_log (user_id, action, target, detail)
            select $4, 'rename.run', id::text, jsonb_build_object('name', $2::text) from renamed
         )
         select id from renamed",
    )
    .bind(id)
    .bind(name)
    .bind(only(audience))
    .bind(by.map(|user| user.0))
    .fetch_all(conn)
    .await
    .doing("renaming a workflow")?;
    Ok(!done.is_empty())
}

/// Marks a run as cancelled, and what runs of it as lost, unless it has ended. Nothing is stopped by it.
pub async fn cancel(conn: &mut Conn, run: RunId, by: Option<UserId>) -> Result<(), StoreError> {
    let done = sqlx::query(
        "with cancelled as (
            update workflow_runs set status = 'cancelled', ended_at = greatest(now(), started_at), closed_by_client = true
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
