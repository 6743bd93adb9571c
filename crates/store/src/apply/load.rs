//! Loads what a batch refers to: ids for log files, runs (created if new), newest attempts.

use super::{Incoming, Loaded, logfile_of, needs_run};
use crate::{Conn, Doing, StoreError, status};
use model::{
    JobStatus, RunId, UserId,
    event::RunKey,
    fold::{JobState, RunFold, RunState},
    job::{Filled, StartReported},
};
use serde_json::json;
use sqlx::types::{Json, Uuid};
use std::collections::{HashMap, HashSet};

/// The run that each report is about; `None` if the run does not exist and may not be created.
///
/// A report without an id is matched by its log file: to the run that has this file, or to a new run.
pub(super) async fn resolve(conn: &mut Conn, segment: &[Incoming]) -> Result<Vec<Option<RunId>>, StoreError> {
    let mut known = by_logfile(conn, segment).await?;
    let mut ids = Vec::with_capacity(segment.len());
    for incoming in segment {
        let logfile = logfile_of(incoming).map(|(user, logfile)| (user, logfile.to_owned()));
        let held = logfile.as_ref().and_then(|key| known.get(key)).copied();
        let id = match (&incoming.report.run, held) {
            (_, Some(id)) => Some(id),
            (RunKey::Id(id), None) => Some(*id),
            (RunKey::Logfile(_), None) if needs_run(&incoming.report) => None,
            (RunKey::Logfile(_), None) => Some(new_id(conn).await?),
        };
        if let (Some(key), Some(id)) = (logfile, id) {
            known.insert(key, id);
        }
        ids.push(id);
    }
    Ok(ids)
}

async fn new_id(conn: &mut Conn) -> Result<RunId, StoreError> {
    sqlx::query_scalar("select uuid_v7()").fetch_one(conn).await.map(RunId).doing("making a run id")
}

async fn by_logfile(conn: &mut Conn, segment: &[Incoming]) -> Result<HashMap<(Option<UserId>, String), RunId>, StoreError> {
    let keys: HashSet<_> = segment.iter().filter_map(logfile_of).collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let (users, files): (Vec<Option<i64>>, Vec<&str>) = keys.into_iter().map(|(user, file)| (user.map(|user| user.0), file)).unzip();
    let rows: Vec<(Option<i64>, String, Uuid)> = sqlx::query_as(
        "select distinct on (r.user_id, r.logfile) r.user_id, r.logfile, r.id
           from unnest($1::bigint[], $2::text[]) as k(user_id, logfile)
           join workflow_runs r on r.logfile = k.logfile and r.user_id is not distinct from k.user_id
          order by r.user_id, r.logfile, r.number desc",
    )
    .bind(users)
    .bind(files)
    .fetch_all(conn)
    .await
    .doing("finding runs by log file")?;
    Ok(rows.into_iter().map(|(user, file, id)| ((user.map(UserId), file), RunId(id))).collect())
}

#[derive(sqlx::FromRow)]
struct RunRow {
    id: Uuid,
    user_id: Option<i64>,
    epoch: i32,
    status: String,
    ended_at: Option<i64>,
    last_seen_at: i64,
    closed_by_client: bool,
    dry_run: bool,
    heartbeats: bool,
    last_was_error: bool,
    last_error: Option<String>,
    jobs_failed: i32,
    jobs_running: i32,
}

/// Locks and loads the runs; creates those that a report may create.
pub(super) async fn runs(conn: &mut Conn, segment: &[Incoming], ids: &[Option<RunId>]) -> Result<Loaded, StoreError> {
    let mut all: Vec<Uuid> = ids.iter().flatten().map(|id| id.0).collect();
    all.sort_unstable();
    all.dedup();
    let mut rows = locked(conn, &all).await?;
    let mut deleted = HashSet::new();
    if rows.len() < all.len() {
        let present: HashSet<Uuid> = rows.iter().map(|row| row.id).collect();
        let missing: Vec<Uuid> = all.iter().copied().filter(|id| !present.contains(id)).collect();
        deleted = gone(conn, &missing).await?;
        let made = make(conn, segment, ids, &present, &deleted).await?;
        if !made.is_empty() {
            rows.append(&mut locked(conn, &made).await?);
        }
    }
    let mut loaded = Loaded { folds: HashMap::new(), owners: HashMap::new(), seen: HashMap::new(), deleted, quarantined: HashMap::new() };
    for row in rows {
        let id = RunId(row.id);
        loaded.owners.insert(id, row.user_id.map(UserId));
        loaded.seen.insert(id, row.last_seen_at);
        loaded.folds.insert(id, row.fold()?);
    }
    Ok(loaded)
}

/// Locks and loads existing runs.
pub(super) async fn folds(conn: &mut Conn, ids: &[Uuid]) -> Result<HashMap<RunId, RunFold>, StoreError> {
    locked(conn, ids).await?.into_iter().map(|row| Ok((RunId(row.id), row.fold()?))).collect()
}

impl RunRow {
    fn fold(self) -> Result<RunFold, StoreError> {
        let status = status::of_run(self.id, &self.status)?;
        Ok(RunFold::new(RunState {
            epoch: status::epoch("workflow_runs", self.id, self.epoch)?,
            status,
            ended_at: self.ended_at,
            last_seen_at: self.last_seen_at,
            closed: self.closed_by_client,
            dry_run: self.dry_run,
            heartbeats: self.heartbeats,
            last_was_error: self.last_was_error,
            last_error: self.last_error,
            failed: self.jobs_failed,
            were_running: self.jobs_running,
            touched: false,
            ..RunState::unknown(RunId(self.id), self.last_seen_at)
        }))
    }
}

/// Locks in the order of ids, so that two writers never deadlock.
async fn locked(conn: &mut Conn, ids: &[Uuid]) -> Result<Vec<RunRow>, StoreError> {
    sqlx::query_as(
        "select id, user_id, epoch, status, ms(ended_at) as ended_at, ms(last_seen_at) as last_seen_at, closed_by_client, dry_run,
                heartbeats, last_was_error, jobs_failed, jobs_running,
                nullif(concat_ws(E'\n', errors -> -1 ->> 'exception', errors -> -1 ->> 'traceback'), '') as last_error
           from workflow_runs
          where id = any($1)
          order by id
            for no key update",
    )
    .bind(ids)
    .fetch_all(conn)
    .await
    .doing("loading runs")
}

async fn gone(conn: &mut Conn, ids: &[Uuid]) -> Result<HashSet<RunId>, StoreError> {
    let ids: Vec<Uuid> = sqlx::query_scalar("select id from deleted_runs where id = any($1)")
        .bind(ids)
        .fetch_all(conn)
        .await
        .doing("looking for deleted runs")?;
    Ok(ids.into_iter().map(RunId).collect())
}

/// Creates a row for each new run. The first report about the run determines its owner and, through its context, its data.
async fn make(
    conn: &mut Conn,
    segment: &[Incoming],
    ids: &[Option<RunId>],
    present: &HashSet<Uuid>,
    deleted: &HashSet<RunId>,
) -> Result<Vec<Uuid>, StoreError> {
    let mut made = Vec::new();
    let mut seen = HashSet::new();
    let mut rows = Vec::new();
    for (incoming, id) in segment.iter().zip(ids) {
        let Some(id) = id else { continue };
        if present.contains(&id.0) || deleted.contains(id) || needs_run(&incoming.report) || !seen.insert(*id) {
            continue;
        }
        made.push(id.0);
        let context = &incoming.report.context;
        rows.push(json!({
            "id": id, "user_id": incoming.sender.user, "user_name": incoming.sender.name, "source": incoming.source,
            "version": incoming.client_version, "at": incoming.report.at, "name": context.name.as_deref().unwrap_or(""),
            "tags": context.tags, "directory": context.directory, "config_files": context.config_files,
            "catalog_slug": context.catalog_slug, "logfile": context.logfile, "dry_run": context.dry_run,
            "cuts": (!context.cuts.is_empty()).then_some(&context.cuts),
        }));
    }
    if made.is_empty() {
        return Ok(made);
    }
    sqlx::query(
        "insert into workflow_runs (id, user_id, user_name, source, client_version, started_at, created_at, last_seen_at,
                workflow_name, tags, directory, config_files, catalog_slug, logfile, dry_run, cuts)
         select x.id, x.user_id, x.user_name, x.source, x.version, at_ms(x.at), at_ms(x.at), at_ms(x.at),
                x.name, x.tags, x.directory, x.config_files, x.catalog_slug, x.logfile, x.dry_run, x.cuts
           from jsonb_to_recordset($1) as x(id uuid, user_id bigint, user_name text, source text, version text, at bigint,
                name text, tags text[], directory text, config_files text[], catalog_slug text, logfile text, dry_run boolean,
                cuts jsonb)
         on conflict (id) do nothing",
    )
    .bind(Json(rows))
    .execute(conn)
    .await
    .doing("making runs")?;
    Ok(made)
}

#[derive(sqlx::FromRow)]
struct JobRow {
    id: i64,
    workflow_run_id: Uuid,
    job_id: i64,
    attempt: i32,
    epoch: i32,
    status: String,
    rule: Option<String>,
    informed: bool,
    start_told: String,
    filled_from: Option<String>,
    started_at: Option<i64>,
    ended_at: Option<i64>,
}

/// Loads the newest attempt of each wanted job, if it exists, into the folds.
pub(super) async fn jobs(conn: &mut Conn, wanted: &HashSet<(RunId, i64)>, folds: &mut HashMap<RunId, RunFold>) -> Result<(), StoreError> {
    if wanted.is_empty() {
        return Ok(());
    }
    let (runs, jobs): (Vec<Uuid>, Vec<i64>) = wanted.iter().map(|(run, job)| (run.0, *job)).unzip();
    let rows: Vec<JobRow> = sqlx::query_as(
        "select j.id, j.workflow_run_id, j.job_id, j.attempt, coalesce(j.epoch, 1) as epoch, j.status, j.rule, j.informed, j.start_told, j.filled_from,
                ms(j.started_at) as started_at, ms(j.ended_at) as ended_at
           from unnest($1::uuid[], $2::bigint[]) as k(run, job)
           cross join lateral (
                select * from job_executions
                 where workflow_run_id = k.run and job_id = k.job and not superseded
                 limit 1) j",
    )
    .bind(runs)
    .bind(jobs)
    .fetch_all(conn)
    .await
    .doing("loading jobs")?;
    for row in rows {
        let status = status::of_job(row.id, &row.status)?;
        let job = JobState {
            key: Some(row.id),
            job_id: row.job_id,
            attempt: row.attempt,
            epoch: status::epoch("job_executions", row.id, row.epoch)?,
            status,
            rule: row.rule,
            informed: row.informed,
            start_reported: StartReported::of(&row.start_told).unwrap_or(StartReported::Before),
            filled: row.filled_from.as_deref().and_then(Filled::of),
            started_at: row.started_at,
            ended_at: row.ended_at,
            info: None,
            update: Box::default(),
            was_running: status == JobStatus::Running,
            touched: false,
        };
        if let Some(fold) = folds.get_mut(&RunId(row.workflow_run_id)) {
            fold.jobs.insert(row.job_id, vec![job]);
        }
    }
    Ok(())
}
