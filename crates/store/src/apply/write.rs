//! Writes what a batch changed: raw events, runs, rules, attempts, files.
//!
//! Every statement names rows by key (`= any(…)`, or a lateral that finds one row), so that
//! a plan made while a table was small still uses an index when it is large.

use super::{Incoming, Loaded, Receipt, close, files};
use crate::{Conn, Doing, StoreError};
use model::{
    Epoch, Millis, RunId,
    fold::{JobState, RunFold, RunState, jobs_of},
    job::REPORTS_KEPT,
};
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::types::{Json, Uuid};
use std::collections::HashMap;

/// How often `last_seen_at` is written at most (ms): the timeouts that depend on it are seconds and more.
const SEEN_STEP: Millis = 1_000;
/// How many errors a run keeps; the raw events contain all of them.
const MAX_ERRORS: i32 = 100;

/// The numbers of the raw events about a job, by run and the client's job number.
pub(super) type Reports = HashMap<(RunId, i64), Vec<i64>>;

/// Stores every accepted report as it was received.
pub(super) async fn events(conn: &mut Conn, segment: &[Incoming], receipts: &[Receipt]) -> Result<Reports, StoreError> {
    let mut jobs_of_events = Vec::new();
    let (mut runs, mut users, mut sources, mut events, mut bodies, mut at, mut outcomes, mut details) =
        (vec![], vec![], vec![], vec![], vec![], vec![], vec![], vec![]);
    for (incoming, receipt) in segment.iter().zip(receipts) {
        let Receipt::Applied { run, .. } = receipt else { continue };
        if matches!(incoming.report.event, model::event::Event::Heartbeat | model::event::Event::Seen) {
            continue; // Thousands a day without content; `last_seen_at` records that they came.
        }
        jobs_of_events.push((*run, jobs_of(&incoming.report.event)));
        runs.push(run.0);
        users.push(incoming.sender.user.map(|user| user.0));
        sources.push(incoming.source);
        events.push(incoming.event.as_str());
        bodies.push(incoming.body.as_str());
        at.push(incoming.received_at);
        outcomes.push(match (&incoming.quarantine, &incoming.report.event) {
            (Some(_), _) => "quarantined",
            (None, model::event::Event::Other) => "ignored",
            (None, _) => "applied",
        });
        details.push(incoming.quarantine.as_deref());
    }
    if runs.is_empty() {
        return Ok(Reports::new());
    }
    let ids: Vec<i64> = sqlx::query_scalar(
        "insert into ingest_events (workflow_run_id, user_id, source, event, body, received_at, outcome, detail)
         select x.run, x.user_id, x.source, x.event, x.body::jsonb, at_ms(x.at), x.outcome, x.detail
           from unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[])
             with ordinality as x(run, user_id, source, event, body, at, outcome, detail, nth)
          order by x.nth
         returning id",
    )
    .bind(runs)
    .bind(users)
    .bind(sources)
    .bind(events)
    .bind(bodies)
    .bind(at)
    .bind(outcomes)
    .bind(details)
    .fetch_all(conn)
    .await
    .doing("keeping raw events")?;
    let mut reports = Reports::new();
    for (id, (run, jobs)) in ids.into_iter().zip(jobs_of_events) {
        for job in jobs {
            reports.entry((run, job)).or_default().push(id);
        }
    }
    Ok(reports)
}

/// Writes the runs that changed, and those whose `last_seen_at` is due.
pub(super) async fn runs(conn: &mut Conn, loaded: &Loaded) -> Result<(), StoreError> {
    let changed: Vec<Value> = loaded
        .folds
        .values()
        .filter(|fold| fold.run.touched || loaded.quarantined.contains_key(&fold.run.id))
        .map(|fold| row(&fold.run, loaded.quarantined.get(&fold.run.id).copied().unwrap_or(0)))
        .collect();
    if !changed.is_empty() {
        sqlx::query(
            "update workflow_runs r
                set epoch = x.epoch, status = x.status, ended_at = at_ms(x.ended_at), closed_by_client = x.closed, dry_run = x.dry_run,
                    last_seen_at = greatest(r.last_seen_at, at_ms(x.last_seen_at)), heartbeats = x.heartbeats,
                    last_was_error = x.last_was_error, rule_graph = coalesce(x.rule_graph, r.rule_graph),
                    planned = coalesce(x.planned, r.planned), jobs_planned = coalesce(x.jobs_planned, r.jobs_planned),
                    errors = case when jsonb_array_length(r.errors) < $2 then r.errors || coalesce(x.errors, '[]') else r.errors end,
                    errors_cut = case when x.errors is null or jsonb_array_length(r.errors) < $2 then r.errors_cut
                                      else coalesce(r.errors_cut, 0) + jsonb_array_length(x.errors) end,
                    quarantined = r.quarantined + x.quarantined, done_told = coalesce(x.done_told, r.done_told),
                    logfile = coalesce(r.logfile, x.logfile)
               from jsonb_to_recordset($1) as x(id uuid, epoch integer, status text, ended_at bigint, last_seen_at bigint, closed boolean,
                    dry_run boolean, heartbeats boolean, last_was_error boolean, rule_graph jsonb, planned jsonb,
                    jobs_planned integer, errors jsonb, quarantined integer, done_told integer, logfile text)
              where r.id = x.id and r.id = any($3)",
        )
        .bind(Json(&changed))
        .bind(MAX_ERRORS)
        .bind(loaded.folds.keys().map(|id| id.0).collect::<Vec<_>>())
        .execute(&mut *conn)
        .await
        .doing("writing runs")?;
    }
    let is_due = |run: &RunState| loaded.seen.get(&run.id).is_none_or(|stored| stored + SEEN_STEP < run.last_seen_at);
    let quiet: Vec<&RunFold> = loaded.folds.values().filter(|fold| !fold.run.touched && is_due(&fold.run)).collect();
    if !quiet.is_empty() {
        let (ids, seen): (Vec<Uuid>, Vec<Millis>) = quiet.iter().map(|fold| (fold.run.id.0, fold.run.last_seen_at)).unzip();
        sqlx::query(
            "update workflow_runs r set last_seen_at = at_ms(x.at)
               from unnest($1::uuid[], $2::bigint[]) as x(id, at)
              where r.id = x.id and r.id = any($1)",
        )
        .bind(ids)
        .bind(seen)
        .execute(&mut *conn)
        .await
        .doing("marking runs as seen")?;
    }
    for fold in loaded.folds.values().filter(|fold| fold.run.start.is_some()) {
        started(conn, &fold.run).await?;
    }
    Ok(())
}

fn row(run: &RunState, quarantined: i32) -> Value {
    json!({
        "id": run.id, "epoch": run.epoch, "status": run.status, "ended_at": run.ended_at, "last_seen_at": run.last_seen_at, "closed": run.closed,
        "dry_run": run.dry_run, "heartbeats": run.heartbeats, "last_was_error": run.last_was_error,
        "rule_graph": run.rule_graph.as_deref(),
        "planned": run.planned.as_ref().map(|(per_rule, _)| per_rule),
        "jobs_planned": run.progress.map(|(_, total)| total).or_else(|| run.planned.as_ref().map(|(_, total)| *total)),
        "done_told": run.progress.map(|(done, _)| done),
        "logfile": run.logfile,
        "errors": (!run.new_errors.is_empty()).then_some(&run.new_errors),
        "quarantined": quarantined,
    })
}

/// Fills in what a start contains, keeps what was reported before, and finds the previous attempt.
async fn started(conn: &mut Conn, run: &RunState) -> Result<(), StoreError> {
    let Some(start) = &run.start else { return Ok(()) };
    sqlx::query(
        "with previous as (
            select p.lineage_id, p.attempt, p.status
              from workflow_runs p, workflow_runs me
             where me.id = $1 and me.fingerprint is null
               and p.user_id is not distinct from me.user_id and p.fingerprint = $2 and p.id <> $1
             order by p.number desc
             limit 1                                        -- only the newest counts: a success ends a lineage
         ), retried as (
            select lineage_id, attempt from previous where status in ('failed', 'lost', 'cancelled')
         )
         update workflow_runs r
            set fingerprint = coalesce(r.fingerprint, $2),
                lineage_id = coalesce((select lineage_id from retried), r.lineage_id),
                attempt = coalesce((select attempt + 1 from retried), r.attempt),
                workflow_name = case when r.workflow_name = '' then coalesce($3, '') else r.workflow_name end,
                tags = case when r.tags = '{}' then $4 else r.tags end,
                directory = coalesce(r.directory, $5), snakefile = coalesce(r.snakefile, $6),
                config_files = case when r.config_files = '{}' then $7 else r.config_files end,
                catalog_slug = coalesce(r.catalog_slug, $8), logfile = coalesce(r.logfile, $9),
                command_line = coalesce(r.command_line, $10), cuts = coalesce(r.cuts, $11)
          where r.id = $1",
    )
    .bind(run.id.0)
    .bind(&start.fingerprint)
    .bind(&start.name)
    .bind(&start.tags)
    .bind(&start.directory)
    .bind(&start.snakefile)
    .bind(&start.config_files)
    .bind(&start.catalog_slug)
    .bind(&start.logfile)
    .bind(&start.command_line)
    .bind((!start.cuts.is_empty()).then_some(Json(&start.cuts)))
    .execute(&mut *conn)
    .await
    .doing("writing the start of a run")?;
    if start.rules.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = start.rules.iter().map(|rule| rule.name.as_str()).collect();
    let codes: Vec<Option<&str>> = start.rules.iter().map(|rule| rule.code.as_deref()).collect();
    let languages: Vec<Option<&str>> = start.rules.iter().map(|rule| rule.language.as_deref()).collect();
    sqlx::query(
        "insert into rules (workflow_run_id, name, code, language, position)
         select $1, x.name, x.code, x.language, x.position
           from unnest($2::text[], $3::text[], $4::text[]) with ordinality as x(name, code, language, position)
         on conflict do nothing",
    )
    .bind(run.id.0)
    .bind(names)
    .bind(codes)
    .bind(languages)
    .execute(conn)
    .await
    .doing("writing rules")?;
    Ok(())
}

/// One attempt in the form that the statements below read.
#[derive(Serialize)]
struct JobRow<'a> {
    key: Option<i64>,
    run: Uuid,
    job_id: i64,
    attempt: i32,
    epoch: Epoch,
    superseded: bool,
    rule: Option<&'a str>,
    status: &'static str,
    informed: bool,
    start_told: &'static str,
    filled_from: Option<&'static str>,
    described: bool,
    started_at: Option<Millis>,
    ended_at: Option<Millis>,
    reports: Option<&'a [i64]>,
    external_id: Option<&'a str>,
    conda_env: Option<&'a str>,
    error: Option<&'a str>,
    exit_code: Option<i32>,
    command: Option<&'a str>,
    #[serde(flatten)]
    info: Option<InfoRow<'a>>,
}

#[derive(Serialize)]
struct InfoRow<'a> {
    name: Option<&'a str>,
    wildcards: &'a std::collections::BTreeMap<String, Value>,
    resources: &'a std::collections::BTreeMap<String, Value>,
    threads: Option<i32>,
    priority: Option<i32>,
    reason: Option<&'a str>,
    message: Option<&'a str>,
    shell_command: Option<&'a str>,
    checkpoint: bool,
}

impl<'a> JobRow<'a> {
    fn new(run: RunId, job: &'a JobState, superseded: bool, reports: &'a Reports) -> Self {
        Self {
            key: job.key,
            run: run.0,
            reports: reports.get(&(run, job.job_id)).map(Vec::as_slice),
            job_id: job.job_id,
            attempt: job.attempt,
            epoch: job.epoch,
            superseded,
            rule: job.rule.as_deref(),
            status: job.status.as_str(),
            informed: job.informed,
            start_told: job.start_reported.as_str(),
            filled_from: job.filled.map(model::job::Filled::as_str),
            described: job.info.is_some(),
            started_at: job.started_at,
            ended_at: job.ended_at,
            external_id: job.update.external_id.as_deref(),
            conda_env: job.update.conda_env.as_deref(),
            error: job.update.error.as_deref(),
            exit_code: job.update.exit_code,
            command: job.update.shell_command.as_deref(),
            info: job.info.as_deref().map(|info| InfoRow {
                name: info.name.as_deref(),
                wildcards: &info.wildcards,
                resources: &info.resources,
                threads: info.threads,
                priority: info.priority,
                reason: info.reason.as_deref(),
                message: info.message.as_deref(),
                shell_command: info.shell_command.as_deref(),
                checkpoint: info.checkpoint,
            }),
        }
    }
}

/// Writes the attempts that changed, their files, and the jobs that a close ended.
pub(super) async fn jobs(conn: &mut Conn, folds: impl Iterator<Item = &RunFold>, reports: &Reports) -> Result<(), StoreError> {
    let (mut old, mut new, mut infos, mut logs) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut closed, mut closed_at, mut closed_as) = (Vec::new(), Vec::new(), Vec::new());
    for fold in folds {
        let (id, run) = (fold.run.id, fold.run.id.0);
        for attempts in fold.jobs.values() {
            for (at, job) in attempts.iter().enumerate() {
                let superseded = at + 1 < attempts.len();
                match job.key {
                    Some(_) if job.touched || superseded => old.push(JobRow::new(id, job, superseded, reports)),
                    Some(_) => {}
                    None => new.push(JobRow::new(id, job, superseded, reports)),
                }
                if let Some(info) = &job.info {
                    infos.push((run, job.job_id, job.attempt, job.key, &**info));
                }
                if !job.update.logs.is_empty() {
                    logs.push((run, job.job_id, job.attempt, job.key, job.update.logs.as_slice()));
                }
            }
        }
        if let Some((at, status)) = fold.closed_jobs {
            closed.push(run);
            closed_at.push(at);
            closed_as.push(status);
        }
    }
    if !old.is_empty() {
        update(conn, &old).await?;
    }
    let made = if new.is_empty() { HashMap::new() } else { insert(conn, &new).await? };
    if !infos.is_empty() {
        let files = infos.into_iter().filter_map(|(run, job_id, attempt, key, info)| {
            Some((run, key.or_else(|| made.get(&(run, job_id, attempt)).copied())?, key.is_some(), info))
        });
        files::write(conn, files).await?;
    }
    if !logs.is_empty() {
        let logs = logs
            .into_iter()
            .filter_map(|(run, job_id, attempt, key, logs)| Some((run, key.or_else(|| made.get(&(run, job_id, attempt)).copied())?, logs)));
        files::add_logs(conn, logs).await?;
    }
    if !closed.is_empty() {
        close::end(conn, &closed, &closed_at, &closed_as).await?;
        close::settle_plans(conn, &closed).await?;
    }
    Ok(())
}

async fn update(conn: &mut Conn, rows: &[JobRow<'_>]) -> Result<(), StoreError> {
    sqlx::query(
        "update job_executions j
            set status = x.status, superseded = x.superseded, name = coalesce(j.name, x.name), rule = x.rule, informed = x.informed,
                start_told = x.start_told, filled_from = x.filled_from,
                started_at = at_ms(x.started_at), ended_at = at_ms(x.ended_at),
                wildcards = case when x.described then x.wildcards else j.wildcards end,
                resources = case when x.described then x.resources else j.resources end,
                threads = case when x.described then x.threads else j.threads end,
                priority = case when x.described then x.priority else j.priority end,
                reason = case when x.described then x.reason else j.reason end,
                message = case when x.described then x.message else j.message end,
                shell_command = coalesce(x.command, case when x.described then x.shell_command else j.shell_command end),
                external_id = coalesce(x.external_id, j.external_id), conda_env = coalesce(x.conda_env, j.conda_env),
                error = coalesce(x.error, j.error), exit_code = coalesce(x.exit_code, j.exit_code),
                checkpoint = case when x.described then x.checkpoint else j.checkpoint end,
                reports = case when x.reports is null then j.reports
                               else (j.reports || x.reports)[greatest(1, cardinality(j.reports || x.reports) - $3 + 1):] end
           from jsonb_to_recordset($1) as x(key bigint, status text, superseded boolean, name text, rule text, informed boolean, start_told text,
                filled_from text, described boolean, started_at bigint, ended_at bigint, wildcards jsonb, resources jsonb, threads integer, priority integer,
                reason text, message text, shell_command text, reports bigint[], external_id text, conda_env text,
                error text, exit_code integer, command text, checkpoint boolean)
          where j.id = x.key and j.id = any($2)",
    )
    .bind(Json(rows))
    .bind(rows.iter().filter_map(|row| row.key).collect::<Vec<_>>())
    .bind(REPORTS_KEPT as i32)
    .execute(conn)
    .await
    .doing("writing jobs")?;
    Ok(())
}

/// Inserts new attempts. A retry starts with the data reported for the previous attempt.
async fn insert(conn: &mut Conn, rows: &[JobRow<'_>]) -> Result<HashMap<(Uuid, i64, i32), i64>, StoreError> {
    let made: Vec<(i64, Uuid, i64, i32)> = sqlx::query_as(
        "insert into job_executions (workflow_run_id, job_id, attempt, epoch, superseded, name, rule, status, informed, start_told, filled_from,
                started_at, ended_at, wildcards, resources, threads, priority, reason, message, shell_command, reports,
                external_id, conda_env, error, exit_code, checkpoint)
         select x.run, x.job_id, x.attempt, x.epoch, x.superseded, coalesce(p.name, x.name), x.rule, x.status, x.informed, x.start_told,
                x.filled_from, at_ms(x.started_at), at_ms(x.ended_at), coalesce(x.wildcards, p.wildcards), coalesce(x.resources, p.resources),
                coalesce(x.threads, p.threads), coalesce(x.priority, p.priority), x.reason, coalesce(x.message, p.message),
                coalesce(x.command, x.shell_command, p.shell_command), x.reports[greatest(1, cardinality(x.reports) - $2 + 1):],
                x.external_id, coalesce(x.conda_env, p.conda_env), x.error, x.exit_code, coalesce(x.checkpoint, p.checkpoint, false)
           from jsonb_to_recordset($1) as x(run uuid, job_id bigint, attempt integer, epoch integer, superseded boolean, name text, rule text, status text,
                informed boolean, start_told text, filled_from text, started_at bigint, ended_at bigint, wildcards jsonb,
                resources jsonb, threads integer, priority integer, reason text, message text, shell_command text, reports bigint[], external_id text,
                conda_env text, error text, exit_code integer, command text, checkpoint boolean)
           left join lateral (
                select * from job_executions p
                 where x.attempt > 1 and p.workflow_run_id = x.run and p.job_id = x.job_id and p.attempt = x.attempt - 1
                 limit 1) p on true
          order by x.run, x.job_id, x.attempt
         returning id, workflow_run_id, job_id, attempt",
    )
    .bind(Json(rows))
    .bind(REPORTS_KEPT as i32)
    .fetch_all(conn)
    .await
    .doing("writing new jobs")?;
    Ok(made.into_iter().map(|(id, run, job, attempt)| ((run, job, attempt), id)).collect())
}
