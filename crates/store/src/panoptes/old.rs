//! Reads a database file of Panoptes, and writes its content to Flowo's database.
//!
//! The file is only read, so it may be in use. Its times are local times of its machine, without a zone.

use crate::{Conn, Doing, StoreError, apply::write_files};
use model::{
    JobStatus, RunId, RunStatus, UserId,
    event::{JobFiles, JobInfo},
};
use serde_json::{Value, json};
use sqlx::{
    ConnectOptions, Row, SqliteConnection,
    sqlite::SqliteConnectOptions,
    types::{Json, Uuid},
};
use std::{collections::BTreeMap, path::Path};

/// A file of Panoptes.
pub struct Old {
    conn: SqliteConnection,
    /// Newer versions store when they last received a report.
    has_updated: bool,
}

/// A workflow, as the file contains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldWorkflow {
    pub id: i64,
    pub name: String,
    pub status: String,
    pub done: i64,
    pub total: i64,
    /// `2026-11-21 06:41:04.123456`, local; empty if there is none.
    pub started_at: String,
    pub completed_at: String,
    pub updated_at: String,
}

/// A job, as the file contains it. Lists and wildcards are Python literals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldJob {
    pub jobid: i64,
    pub name: String,
    pub msg: Option<String>,
    pub input: String,
    pub output: String,
    pub log: String,
    pub wildcards: String,
    pub is_checkpoint: bool,
    pub shell_command: Option<String>,
    pub status: String,
    pub started_at: String,
    pub completed_at: String,
}

impl Old {
    /// Opens a file read-only.
    ///
    /// # Errors
    /// The file does not exist, or it is not a Panoptes database.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new().filename(path).read_only(true).create_if_missing(false);
        let mut conn = options.connect().await.doing("opening the database of Panoptes")?;
        let columns = sqlx::query("select name from pragma_table_info('workflows')").fetch_all(&mut conn).await;
        let columns: Vec<String> = columns.doing("reading the database of Panoptes")?.iter().map(|row| row.get(0)).collect();
        if columns.is_empty() {
            return Err(StoreError::Unfit(format!("{} holds no workflows: it is no database of Panoptes", path.display())));
        }
        Ok(Self { conn, has_updated: columns.iter().any(|name| name == "updated_at") })
    }

    /// All workflows, oldest first. Values that are damaged or of the wrong type count as missing.
    pub async fn workflows(&mut self) -> Result<Vec<OldWorkflow>, StoreError> {
        let updated = if self.has_updated { "updated_at" } else { "null" };
        let sql = format!(
            "select id, name, status, done, total, cast(started_at as text), cast(completed_at as text), cast({updated} as text)
               from workflows order by id"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&mut self.conn).await.doing("reading workflows of Panoptes")?;
        let text = |row: &sqlx::sqlite::SqliteRow, at: usize| row.try_get::<Option<String>, _>(at).ok().flatten().unwrap_or_default();
        Ok(rows
            .iter()
            .map(|row| OldWorkflow {
                id: row.get(0),
                name: text(row, 1),
                status: text(row, 2),
                done: row.try_get(3).unwrap_or(0),
                total: row.try_get(4).unwrap_or(0),
                started_at: text(row, 5),
                completed_at: text(row, 6),
                updated_at: text(row, 7),
            })
            .collect())
    }

    /// The jobs of a workflow, in the order in which they were reported.
    pub async fn jobs(&mut self, workflow: i64) -> Result<Vec<OldJob>, StoreError> {
        let rows = sqlx::query(
            "select jobid, name, msg, input, output, log, wildcards, is_checkpoint, shell_command, status,
                    cast(started_at as text), cast(completed_at as text)
               from workflow_jobs where wf_id = $1 order by id",
        )
        .bind(workflow)
        .fetch_all(&mut self.conn)
        .await
        .doing("reading jobs of Panoptes")?;
        let text = |row: &sqlx::sqlite::SqliteRow, at: usize| row.try_get::<Option<String>, _>(at).ok().flatten().unwrap_or_default();
        Ok(rows
            .iter()
            .map(|row| OldJob {
                jobid: row.try_get(0).unwrap_or(0),
                name: text(row, 1),
                msg: row.try_get(2).ok().flatten(),
                input: text(row, 3),
                output: text(row, 4),
                log: text(row, 5),
                wildcards: text(row, 6),
                is_checkpoint: row.try_get(7).unwrap_or(false),
                shell_command: row.try_get(8).ok().flatten(),
                status: text(row, 9),
                started_at: text(row, 10),
                completed_at: text(row, 11),
            })
            .collect())
    }
}

/// A job to be imported.
#[derive(Clone, Debug, PartialEq)]
pub struct TakenJob {
    pub job_id: i64,
    pub rule: Option<String>,
    pub status: JobStatus,
    pub message: Option<String>,
    pub shell_command: Option<String>,
    pub wildcards: BTreeMap<String, Value>,
    pub checkpoint: bool,
    pub started_at: String,
    pub ended_at: String,
    pub files: JobFiles,
}

/// A workflow to be imported; times as in the file, in the zone `zone`.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    /// The same at each import.
    pub id: RunId,
    pub name: String,
    pub status: RunStatus,
    pub done: i32,
    pub total: i32,
    pub started_at: String,
    /// Empty: not ended.
    pub ended_at: String,
    pub seen_at: String,
    pub jobs: Vec<TakenJob>,
}

/// Whether PostgreSQL knows a time zone.
///
/// # Errors
/// It does not.
pub async fn zone(conn: &mut Conn, zone: &str) -> Result<(), StoreError> {
    sqlx::query("select flowo_now() at time zone $1").bind(zone).execute(conn).await.doing("looking for the time zone")?;
    Ok(())
}

/// Whether a time of the file lies within the last hour; a missing time does not.
pub async fn is_recent(conn: &mut Conn, at: &str, zone: &str) -> Result<bool, StoreError> {
    sqlx::query_scalar("select coalesce(nullif($1, '')::timestamp at time zone $2 > flowo_now() - interval '1 hour', false)")
        .bind(at)
        .bind(zone)
        .fetch_one(conn)
        .await
        .doing("comparing a time of Panoptes")
}

/// Whether a run exists, or existed and was deleted.
pub async fn is_known(conn: &mut Conn, id: RunId) -> Result<bool, StoreError> {
    sqlx::query_scalar("select exists (select from workflow_runs where id = $1) or exists (select from deleted_runs where id = $1)")
        .bind(id.0)
        .fetch_one(conn)
        .await
        .doing("looking for a run")
}

/// Writes a workflow with all its jobs. The caller owns the transaction.
pub async fn take(conn: &mut Conn, taken: &Taken, owner: UserId, owner_name: &str, zone: &str) -> Result<(), StoreError> {
    sqlx::query(
        "insert into workflow_runs (id, user_id, user_name, source, client_version, workflow_name, status, jobs_planned, done_told,
                created_at, started_at, ended_at, last_seen_at, closed_by_client)
         select $1, $2, $3, 'panoptes', 'imported', $4, $5, $6, $7, t.started, t.started,
                case when nullif($9, '') is not null then greatest(nullif($9, '')::timestamp at time zone $11, t.started) end,
                coalesce(nullif($10, '')::timestamp at time zone $11, t.started), true
           from (select coalesce(nullif($8, '')::timestamp at time zone $11, flowo_now()) as started) t",
    )
    .bind(taken.id.0)
    .bind(owner.0)
    .bind(owner_name)
    .bind(&taken.name)
    .bind(taken.status.as_str())
    .bind(taken.total)
    .bind(taken.done)
    .bind(&taken.started_at)
    .bind(&taken.ended_at)
    .bind(&taken.seen_at)
    .bind(zone)
    .execute(&mut *conn)
    .await
    .doing("taking over a workflow")?;
    sqlx::query("update workflow_runs set panoptes_id = number where id = $1")
        .bind(taken.id.0)
        .execute(&mut *conn)
        .await
        .doing("numbering a run")?;
    if taken.jobs.is_empty() {
        return Ok(());
    }
    let rows: Vec<Value> = taken
        .jobs
        .iter()
        .map(|job| {
            json!({
                "job_id": job.job_id, "rule": job.rule, "status": job.status, "message": job.message,
                "shell_command": job.shell_command, "wildcards": job.wildcards, "checkpoint": job.checkpoint,
                "started": job.started_at, "ended": job.ended_at,
            })
        })
        .collect();
    let made: Vec<(i64, i64)> = sqlx::query_as(
        "insert into job_executions (workflow_run_id, job_id, rule, status, informed, message, shell_command, wildcards, checkpoint,
                started_at, ended_at)
         select $1, x.job_id, x.rule, x.status, true, x.message, x.shell_command, x.wildcards, x.checkpoint,
                nullif(x.started, '')::timestamp at time zone $3, nullif(x.ended, '')::timestamp at time zone $3
           from jsonb_to_recordset($2) as x(job_id bigint, rule text, status text, message text, shell_command text, wildcards jsonb,
                checkpoint boolean, started text, ended text)
         on conflict do nothing
         returning id, job_id",
    )
    .bind(taken.id.0)
    .bind(Json(rows))
    .bind(zone)
    .fetch_all(&mut *conn)
    .await
    .doing("taking over jobs")?;
    let keys: BTreeMap<i64, i64> = made.into_iter().map(|(key, job)| (job, key)).collect();
    let infos: Vec<(Uuid, i64, JobInfo)> = taken
        .jobs
        .iter()
        .filter_map(|job| Some((taken.id.0, *keys.get(&job.job_id)?, JobInfo { files: job.files.clone(), ..JobInfo::default() })))
        .collect();
    write_files(conn, infos.iter().map(|(run, key, info)| (*run, *key, false, info))).await
}
