//! One run, and the runs behind changes.

use super::{Audience, row};
use crate::{Conn, Doing, StoreError};
use model::{
    RunId,
    event::RuleCode,
    run::{Attempt, JobCounts, ReportedError, RuleRow, RunDetail, RunSummary},
};
use serde_json::Value;
use sqlx::{
    AssertSqlSafe,
    types::{Json, Uuid},
};

/// The run as a row shows it; `None` if there is none this reader may see.
pub async fn summary(conn: &mut Conn, audience: Audience, id: RunId) -> Result<Option<RunSummary>, StoreError> {
    let (rows, _) = changed(conn, &[id]).await?;
    Ok(rows
        .into_iter()
        .find(|(_, owner)| audience == Audience::All || audience == owner.map_or(Audience::All, Audience::User))
        .map(|(run, _)| run))
}

/// The present rows of `ids` with their owners, and which of `ids` are gone or deleted.
pub async fn changed(conn: &mut Conn, ids: &[RunId]) -> Result<(Vec<(RunSummary, Option<model::UserId>)>, Vec<RunId>), StoreError> {
    #[derive(sqlx::FromRow)]
    struct Owned {
        user_id: Option<i64>,
        #[sqlx(flatten)]
        row: row::Row,
    }
    let wanted: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let sql = format!("select r.user_id, {} from workflow_runs r where r.id = any($1) and r.deleted_at is null", row::COLUMNS);
    let rows: Vec<Owned> = sqlx::query_as(AssertSqlSafe(sql)).bind(&wanted).fetch_all(conn).await.doing("reading changed runs")?;
    let mut found = Vec::with_capacity(rows.len());
    for owned in rows {
        found.push((RunSummary::try_from(owned.row)?, owned.user_id.map(model::UserId)));
    }
    let gone = ids.iter().copied().filter(|id| !found.iter().any(|(run, _)| run.id == *id)).collect();
    Ok((found, gone))
}

/// The file that the client itself writes about a run, as it named it.
pub async fn logfile(conn: &mut Conn, run: RunId) -> Result<Option<String>, StoreError> {
    let found = sqlx::query_scalar("select logfile from workflow_runs where id = $1").bind(run.0).fetch_optional(conn);
    Ok(found.await.doing("reading the name of a log")?.flatten())
}

/// Everything the run's page shows at first sight.
pub async fn detail(conn: &mut Conn, audience: Audience, id: RunId) -> Result<Option<RunDetail>, StoreError> {
    let Some(run) = summary(conn, audience, id).await? else { return Ok(None) };
    let Some(facts) = facts(conn, &[id]).await?.pop() else { return Ok(None) };
    let attempts = attempts(conn, facts.lineage_id, &run).await?;
    let rules = rules(conn, id).await?;
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
    }))
}

/// What is kept of a run besides its row.
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
    pub lineage_id: Option<Uuid>,
}

/// [`Facts`] of the runs of one page, in no order.
pub async fn facts(conn: &mut Conn, ids: &[RunId]) -> Result<Vec<Facts>, StoreError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    sqlx::query_as(
        "select id, client_version, snakefile, command_line, host, environment, config_files, catalog_slug, ms(last_seen_at) as last_seen_at,
                heartbeats, closed_by_client, errors, lineage_id
           from workflow_runs where id = any($1)",
    )
    .bind(ids)
    .fetch_all(conn)
    .await
    .doing("reading runs")
}

async fn attempts(conn: &mut Conn, lineage: Option<Uuid>, run: &RunSummary) -> Result<Vec<Attempt>, StoreError> {
    let rows: Vec<(Uuid, i32, String)> = sqlx::query_as(
        "select id, attempt, status from workflow_runs
          where lineage_id = $1 and deleted_at is null order by attempt limit 1000",
    )
    .bind(lineage)
    .fetch_all(conn)
    .await
    .doing("reading attempts")?;
    let attempts: Vec<Attempt> = rows
        .into_iter()
        .filter_map(|(id, attempt, status)| Some(Attempt { id: RunId(id), attempt, status: status.parse().ok()? }))
        .collect();
    Ok(if attempts.is_empty() { vec![Attempt { id: run.id, attempt: run.attempt, status: run.status }] } else { attempts })
}

/// The rules of a run in their order with the counts of their jobs; the nameless one last.
pub async fn rules(conn: &mut Conn, id: RunId) -> Result<Vec<RuleRow>, StoreError> {
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
    }
    let rows: Vec<Row> = sqlx::query_as(
        "select coalesce(r.name, c.rule) as name, r.language, (w.planned ->> coalesce(r.name, c.rule))::integer as planned,
                coalesce(c.waiting, 0) as waiting, coalesce(c.running, 0) as running, coalesce(c.success, 0) as success,
                coalesce(c.failed, 0) as failed, coalesce(c.lost, 0) as lost, coalesce(c.skipped, 0) as skipped
           from (select * from rules where workflow_run_id = $1) r
           full join (select * from rule_counts where workflow_run_id = $1) c on c.rule_key = r.name_key
           join workflow_runs w on w.id = $1
          order by coalesce(r.name, c.rule) = '', r.position nulls last, 1
          limit 5000",
    )
    .bind(id.0)
    .fetch_all(conn)
    .await
    .doing("reading rules")?;
    Ok(rows
        .into_iter()
        .filter(|row| !(row.name.is_empty() && row.waiting + row.running + row.success + row.failed + row.lost + row.skipped == 0))
        .map(|row| RuleRow {
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
        })
        .collect())
}

/// The parts of a run that only programs ask for: graph, plan, configuration, lineage.
#[derive(Clone, Debug, Default, PartialEq, sqlx::FromRow)]
pub struct Extras {
    pub lineage_id: Option<Uuid>,
    pub rule_graph: Option<Value>,
    pub planned: Option<Value>,
    pub config: Option<Value>,
}

/// See [`Extras`]; of a run that [`detail`] found.
pub async fn extras(conn: &mut Conn, id: RunId) -> Result<Extras, StoreError> {
    let extras = sqlx::query_as("select lineage_id, rule_graph, planned, config from workflow_runs where id = $1")
        .bind(id.0)
        .fetch_optional(conn)
        .await
        .doing("reading a run's graph")?;
    Ok(extras.unwrap_or_default())
}

/// The source of each rule, in their order.
pub async fn codes(conn: &mut Conn, id: RunId) -> Result<Vec<RuleCode>, StoreError> {
    let rows: Vec<(String, Option<String>, Option<String>)> =
        sqlx::query_as("select name, code, language from rules where workflow_run_id = $1 order by position limit 5000")
            .bind(id.0)
            .fetch_all(conn)
            .await
            .doing("reading rule code")?;
    Ok(rows.into_iter().map(|(name, code, language)| RuleCode { name, code, language }).collect())
}
