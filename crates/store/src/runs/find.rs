//! One run, and the runs affected by changes.

use super::{Audience, row};
use crate::{Conn, Doing, StoreError, audience::asked_by, status};
use model::{
    RunId, UserId,
    access::{Belonging, SharedWith},
    cut::{Cut, Part},
    event::RuleCode,
    run::{Attempt, FilledCounts, JobCounts, ReportedError, RuleRow, RunDetail, RunSummary},
};
use serde_json::Value;
use sqlx::{
    AssertSqlSafe,
    types::{Json, Uuid},
};

/// How many rules of a run are listed at once.
pub const MOST_RULES: u32 = 5_000;
/// How many attempts are listed, newest first.
const MOST_ATTEMPTS: i64 = 1_000;

/// The run as a row shows it; `None` if there is none this reader may see.
pub async fn summary(conn: &mut Conn, audience: Audience, id: RunId) -> Result<Option<RunSummary>, StoreError> {
    Ok(owned(conn, audience, id).await?.map(|(run, _)| run))
}

/// Like [`summary`], with whose the run is.
pub async fn owned(conn: &mut Conn, audience: Audience, id: RunId) -> Result<Option<(RunSummary, Belonging)>, StoreError> {
    let (rows, _) = changed(conn, &[id]).await?;
    Ok(rows.into_iter().find(|(_, belonging)| audience.sees(belonging)))
}

/// The current rows of `ids` with whose they are, and which of `ids` no longer exist or are deleted.
pub async fn changed(conn: &mut Conn, ids: &[RunId]) -> Result<(Vec<(RunSummary, Belonging)>, Vec<RunId>), StoreError> {
    #[derive(sqlx::FromRow)]
    struct Owned {
        user_id: Option<i64>,
        owner_id: Option<i64>,
        #[sqlx(try_from = "String")]
        audience: SharedWith,
        #[sqlx(flatten)]
        row: row::Row,
    }
    let wanted: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let sql = format!(
        "select r.user_id, r.owner_id, r.audience, {} from workflow_runs r where r.id = any($1) and r.deleted_at is null",
        row::COLUMNS
    );
    let rows: Vec<Owned> = sqlx::query_as(AssertSqlSafe(sql)).bind(&wanted).fetch_all(conn).await.doing("reading changed runs")?;
    let mut found = Vec::with_capacity(rows.len());
    for owned in rows {
        let [reported_by, given_to] = [owned.user_id, owned.owner_id].map(|id| id.map(UserId));
        found.push((RunSummary::try_from(owned.row)?, Belonging { reported_by, given_to, shared: owned.audience }));
    }
    let gone = ids.iter().copied().filter(|id| !found.iter().any(|(run, _)| run.id == *id)).collect();
    Ok((found, gone))
}

/// The log file of a run's client, as the client named it.
pub async fn logfile(conn: &mut Conn, run: RunId) -> Result<Option<String>, StoreError> {
    let found = sqlx::query_scalar("select logfile from workflow_runs where id = $1").bind(run.0).fetch_optional(conn);
    Ok(found.await.doing("reading the name of a log")?.flatten())
}

/// Everything that the run's page shows initially.
pub async fn detail(conn: &mut Conn, audience: Audience, id: RunId) -> Result<Option<RunDetail>, StoreError> {
    let Some(run) = summary(conn, audience, id).await? else { return Ok(None) };
    let Some(facts) = facts(conn, &[id]).await?.pop() else { return Ok(None) };
    let (attempts, attempts_in_all) = attempts(conn, audience, facts.lineage_id, &run).await?;
    let (rules, rules_in_all) = rules_from(conn, id, 0, MOST_RULES).await?;
    let filled = filled(conn, id).await?;
    let reported = facts.errors.0.len() + facts.errors_cut.and_then(|more| usize::try_from(more).ok()).unwrap_or(0);
    let cuts = facts
        .cuts
        .map(|held| held.0)
        .unwrap_or_default()
        .into_iter()
        .chain(Cut::new(Part::Errors, facts.errors.0.len(), reported))
        .chain(Cut::new(Part::Rules, rules.len(), rules_in_all))
        .chain(Cut::new(Part::Attempts, attempts.len(), attempts_in_all))
        .collect();
    Ok(Some(RunDetail {
        run,
        client_version: facts.client_version,
        snakefile: facts.snakefile,
        command_line: facts.command_line,
        host: facts.host,
        environment: facts.environment.map(|held| held.0).unwrap_or_default(),
        config_files: facts.config_files,
        catalog_slug: facts.catalog_slug,
        last_seen_at: facts.last_seen_at,
        heartbeats: facts.heartbeats,
        closed_by_client: facts.closed_by_client,
        errors: facts.errors.0,
        attempts,
        rules,
        cuts,
        filled,
    }))
}

/// What is stored of a run besides its row.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Facts {
    pub id: Uuid,
    pub client_version: Option<String>,
    pub snakefile: Option<String>,
    pub command_line: Option<String>,
    pub host: Option<String>,
    pub environment: Option<Json<std::collections::BTreeMap<String, String>>>,
    pub config_files: Vec<String>,
    pub catalog_slug: Option<String>,
    pub last_seen_at: i64,
    pub heartbeats: bool,
    pub closed_by_client: bool,
    pub errors: Json<Vec<ReportedError>>,
    pub errors_cut: Option<i32>,
    pub cuts: Option<Json<Vec<Cut>>>,
    pub lineage_id: Option<Uuid>,
}

/// [`Facts`] of the runs of one page, in no particular order.
pub async fn facts(conn: &mut Conn, ids: &[RunId]) -> Result<Vec<Facts>, StoreError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    sqlx::query_as(
        "select id, client_version, snakefile, command_line, host, environment, config_files, catalog_slug, ms(last_seen_at) as last_seen_at,
                heartbeats, closed_by_client, errors, errors_cut, cuts, lineage_id
           from workflow_runs where id = any($1)",
    )
    .bind(ids)
    .fetch_all(conn)
    .await
    .doing("reading runs")
}

/// By index: most runs have none.
async fn filled(conn: &mut Conn, id: RunId) -> Result<FilledCounts, StoreError> {
    let (close, log) = sqlx::query_as(
        "select count(*) filter (where filled_from = 'close'), count(*) filter (where filled_from = 'log')
           from job_executions where workflow_run_id = $1 and filled_from is not null and not superseded",
    )
    .bind(id.0)
    .fetch_one(conn)
    .await
    .doing("counting what was not reported")?;
    Ok(FilledCounts { close, log })
}

/// The newest attempts of the same thing that this reader may see, in order, and how many of them there are.
async fn attempts(
    conn: &mut Conn,
    audience: Audience,
    lineage: Option<Uuid>,
    run: &RunSummary,
) -> Result<(Vec<Attempt>, usize), StoreError> {
    let (reader, reach) = asked_by(audience);
    let rows: Vec<(Uuid, i32, String, i64)> = sqlx::query_as(
        "select id, attempt, status, count(*) over () from workflow_runs
          where lineage_id = $1 and deleted_at is null and sees_run(workflow_runs, $3, $4) order by attempt desc limit $2",
    )
    .bind(lineage)
    .bind(MOST_ATTEMPTS)
    .bind(reader)
    .bind(reach)
    .fetch_all(conn)
    .await
    .doing("reading attempts")?;
    let all = rows.first().map_or(1, |(.., all)| usize::try_from(*all).unwrap_or(usize::MAX));
    let attempts = rows
        .into_iter()
        .rev()
        .map(|(id, attempt, status, _)| Ok(Attempt { id: RunId(id), attempt, status: status::of_run(id, &status)? }))
        .collect::<Result<Vec<Attempt>, StoreError>>()?;
    Ok((if attempts.is_empty() { vec![Attempt { id: run.id, attempt: run.attempt, status: run.status }] } else { attempts }, all))
}

/// The rules of a run in order with the counts of their jobs; the nameless rule comes last. At most [`MOST_RULES`].
pub async fn rules(conn: &mut Conn, id: RunId) -> Result<Vec<RuleRow>, StoreError> {
    Ok(rules_from(conn, id, 0, MOST_RULES).await?.0)
}

/// Like [`rules`], from a position in that order, at most `limit`; and how many rules there are, or 0 past the end.
pub async fn rules_from(conn: &mut Conn, id: RunId, from: u32, limit: u32) -> Result<(Vec<RuleRow>, usize), StoreError> {
    #[derive(sqlx::FromRow)]
    struct Row {
        name: String,
        language: Option<String>,
        planned: Option<i32>,
        waiting: i32,
        running: i32,
        success: i32,
        failed: i32,
        lost: i32,
        skipped: i32,
        all_of_them: i64,
    }
    let rows: Vec<Row> = sqlx::query_as(
        "select coalesce(r.name, c.rule) as name, r.language, (w.planned ->> coalesce(r.name, c.rule))::integer as planned,
                coalesce(c.waiting, 0) as waiting, coalesce(c.running, 0) as running, coalesce(c.success, 0) as success,
                coalesce(c.failed, 0) as failed, coalesce(c.lost, 0) as lost, coalesce(c.skipped, 0) as skipped,
                count(*) over () as all_of_them
           from (select * from rules where workflow_run_id = $1) r
           full join (select * from rule_counts where workflow_run_id = $1) c on c.rule_key = r.name_key
           join workflow_runs w on w.id = $1
          where coalesce(r.name, c.rule) <> '' or c.waiting + c.running + c.success + c.failed + c.lost + c.skipped > 0
          order by coalesce(r.name, c.rule) = '', r.position nulls last, 1
         offset $2 limit $3",
    )
    .bind(id.0)
    .bind(i64::from(from))
    .bind(i64::from(limit))
    .fetch_all(conn)
    .await
    .doing("reading rules")?;
    let all = rows.first().map_or(0, |row| usize::try_from(row.all_of_them).unwrap_or(usize::MAX));
    let rules = rows.into_iter().map(|row| RuleRow {
        name: row.name,
        language: row.language,
        jobs: JobCounts {
            planned: row.planned,
            waiting: row.waiting,
            running: row.running,
            success: row.success,
            failed: row.failed,
            lost: row.lost,
            skipped: row.skipped,
        },
    });
    Ok((rules.collect(), all))
}

/// The parts of a run that only the API returns: graph, plan, configuration, lineage.
#[derive(Clone, Debug, Default, PartialEq, sqlx::FromRow)]
pub struct Extras {
    pub lineage_id: Option<Uuid>,
    pub rule_graph: Option<Value>,
    pub planned: Option<Value>,
    pub config: Option<Value>,
}

/// [`Extras`] of a run that [`detail`] found.
pub async fn extras(conn: &mut Conn, id: RunId) -> Result<Extras, StoreError> {
    let extras = sqlx::query_as("select lineage_id, rule_graph, planned, config from workflow_runs where id = $1")
        .bind(id.0)
        .fetch_optional(conn)
        .await
        .doing("reading a run's graph")?;
    Ok(extras.unwrap_or_default())
}

/// The source code of the first rules in their order.
pub async fn codes(conn: &mut Conn, id: RunId, limit: u32) -> Result<Vec<RuleCode>, StoreError> {
    let rows = sqlx::query_as("select name, code, language from rules where workflow_run_id = $1 order by position, name_key limit $2")
        .bind(id.0)
        .bind(i64::from(limit))
        .fetch_all(conn)
        .await
        .doing("reading rule code")?;
    Ok(coded(rows))
}

/// The source code of some rules, in their order.
pub async fn codes_of(conn: &mut Conn, id: RunId, names: &[String]) -> Result<Vec<RuleCode>, StoreError> {
    let rows = sqlx::query_as(
        "select name, code, language from rules
          where workflow_run_id = $1 and name_key = any(select md5(name)::uuid from unnest($2::text[]) as wanted(name))
          order by position, name_key",
    )
    .bind(id.0)
    .bind(names)
    .fetch_all(conn)
    .await
    .doing("reading rule code")?;
    Ok(coded(rows))
}

fn coded(rows: Vec<(String, Option<String>, Option<String>)>) -> Vec<RuleCode> {
    rows.into_iter().map(|(name, code, language)| RuleCode { name, code, language }).collect()
}

/// Names of the rules after the first `first`, at most [`MOST_RULES`]; and how many rules that is in total.
pub async fn names_after(conn: &mut Conn, id: RunId, first: u32) -> Result<(Vec<String>, u64), StoreError> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "select name, count(*) over () from rules where workflow_run_id = $1 order by position, name_key offset $2 limit $3",
    )
    .bind(id.0)
    .bind(i64::from(first))
    .bind(i64::from(MOST_RULES))
    .fetch_all(conn)
    .await
    .doing("reading names of rules")?;
    let more = rows.first().map_or(0, |(_, all)| u64::try_from(*all).unwrap_or(0).saturating_sub(u64::from(first)));
    Ok((rows.into_iter().map(|(name, _)| name).collect(), more))
}
