//! Jobs of a run: a page of them, the ones behind changes, one with all its details, and what failed.

mod critical;
mod detail;
pub mod edges;
mod failures;
pub mod files;
pub mod marks;

pub use critical::critical;
pub use detail::detail;
pub use failures::failures;

use crate::{Conn, Doing, StoreError};
use model::{
    Invalid, JobKey, JobStatus, RunId,
    job::JobRow,
    page::{Cursor, Direction, JobColumn, JobSort, Page},
};
use sqlx::{
    AssertSqlSafe, Postgres, QueryBuilder, Row as _,
    types::{Json, Uuid},
};
use std::collections::BTreeMap;

const COLUMNS: &str = "j.id, j.job_id, j.attempt, j.superseded, j.rule, j.status, j.wildcards, j.threads, j.reason, j.message,
    ms(j.started_at) as started_at, ms(j.ended_at) as ended_at, j.revision";

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    job_id: Option<i64>,
    attempt: i32,
    superseded: bool,
    rule: Option<String>,
    status: String,
    wildcards: Option<Json<BTreeMap<String, serde_json::Value>>>,
    threads: Option<i32>,
    reason: Option<String>,
    message: Option<String>,
    started_at: Option<i64>,
    ended_at: Option<i64>,
    revision: i64,
}

impl TryFrom<Row> for JobRow {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let status = row.status.parse().map_err(|source| StoreError::Corrupt {
            table: "job_executions",
            column: "status",
            id: row.id.to_string(),
            source,
        })?;
        Ok(Self {
            id: JobKey(row.id),
            job_id: row.job_id,
            attempt: row.attempt,
            superseded: row.superseded,
            rule: row.rule,
            status,
            wildcards: row.wildcards.map(|w| w.0.into_iter().map(|(key, value)| (key, plain(value))).collect()).unwrap_or_default(),
            threads: row.threads,
            reason: row.reason,
            message: row.message,
            started_at: row.started_at,
            ended_at: row.ended_at,
            revision: row.revision,
        })
    }
}

/// A value as people read it.
fn plain(value: serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    }
}

/// Which jobs of a run to list.
#[derive(Clone, Debug, Default)]
pub struct Query<'a> {
    /// The empty name asks for jobs whose rule was never told.
    pub rule: Option<&'a str>,
    /// Empty: every status.
    pub statuses: &'a [JobStatus],
    /// Only jobs with these words in a wildcard's value, whatever their case.
    pub find: Option<&'a str>,
    pub sort: JobSort,
    /// Older attempts too.
    pub all_attempts: bool,
    /// Rows a page, 1 to 500.
    pub limit: u32,
    pub after: Option<&'a Cursor>,
}

fn conditions(sql: &mut QueryBuilder<Postgres>, run: RunId, query: &Query<'_>) {
    sql.push(" from job_executions j where j.workflow_run_id = ").push_bind(run.0);
    if !query.all_attempts {
        sql.push(" and not j.superseded");
    }
    match query.rule {
        Some("") => {
            sql.push(" and j.rule is null");
        }
        Some(rule) => {
            // The index holds the start of a name only.
            sql.push(" and left(j.rule, 100) = left(").push_bind(rule.to_owned()).push(", 100) and j.rule = ").push_bind(rule.to_owned());
        }
        None => {}
    }
    if let [status] = query.statuses {
        // So written an index gives them in order.
        sql.push(" and j.status = ").push_bind(status.as_str());
    } else if !query.statuses.is_empty() {
        sql.push(" and j.status = any(").push_bind(query.statuses.iter().map(|status| status.as_str()).collect::<Vec<_>>()).push(")");
    }
    if let Some(words) = query.find {
        sql.push(" and position(lower(").push_bind(words.to_owned()).push(") in lower(j.wildcards::text)) > 0");
    }
}

/// What jobs are ordered by, never null: what is not there comes last in either direction. And its type.
fn key(sql: &mut QueryBuilder<Postgres>, sort: &JobSort) -> &'static str {
    let up = sort.direction == Direction::Asc;
    let (text, of) = match &sort.column {
        JobColumn::Reported => ("j.id", "bigint"),
        JobColumn::Job if up => ("coalesce(j.job_id, 9223372036854775807)", "bigint"),
        JobColumn::Job => ("coalesce(j.job_id, -9223372036854775808)", "bigint"),
        JobColumn::Status => {
            ("array_position(array['failed', 'lost', 'running', 'waiting', 'success', 'cancelled', 'skipped'], j.status)", "integer")
        }
        JobColumn::Rule => ("coalesce(j.rule, '') collate \"C\"", "text"),
        JobColumn::Started if up => ("coalesce(j.started_at, 'infinity')", "timestamptz"),
        JobColumn::Started => ("coalesce(j.started_at, '-infinity')", "timestamptz"),
        JobColumn::Duration if up => ("coalesce(j.ended_at - j.started_at, interval '100000 years')", "interval"),
        JobColumn::Duration => ("coalesce(j.ended_at - j.started_at, interval '-1 second')", "interval"),
        JobColumn::Threads if up => ("coalesce(j.threads, 2147483647)", "integer"),
        JobColumn::Threads => ("coalesce(j.threads, -1)", "integer"),
        JobColumn::Attempt => ("j.attempt", "integer"),
        JobColumn::Wildcard(name) => {
            sql.push("coalesce(j.wildcards ->> ").push_bind(name.clone()).push(", '') collate \"C\"");
            return "text";
        }
    };
    sql.push(text);
    of
}

/// One page of jobs.
///
/// In the default order this reads an index, also for one status or one rule, and costs O(limit); other
/// orders and words look through what passes the rest of the filter.
///
/// # Errors
/// [`StoreError::Unfit`] for a cursor that is not one of this order.
pub async fn list(conn: &mut Conn, run: RunId, query: &Query<'_>) -> Result<Page<JobRow>, StoreError> {
    let limit = query.limit.clamp(1, 500);
    let sorted = query.sort.column != JobColumn::Reported;
    let (than, direction) = match query.sort.direction {
        Direction::Asc => (" > (", " asc"),
        Direction::Desc => (" < (", " desc"),
    };
    // First which rows, then what is shown of them: else that is made of every row that is sorted.
    let mut sql = QueryBuilder::new(format!("select {COLUMNS}, found.sort_key::text as sort_key from (select j.id, "));
    key(&mut sql, &query.sort);
    sql.push(" as sort_key");
    conditions(&mut sql, run, query);
    if let Some(cursor) = query.after {
        let wrong = || StoreError::Unfit(Invalid::new("after", cursor.to_string(), "a cursor of this list").to_string());
        let id: i64 = cursor.id.parse().map_err(|_| wrong())?;
        if cursor.value.is_some() != sorted {
            return Err(wrong());
        }
        sql.push(" and (");
        if let Some(value) = &cursor.value {
            let of = key(&mut sql, &query.sort);
            sql.push(", j.id)").push(than).push_bind(value.clone()).push("::").push(of).push(", ").push_bind(id).push(")");
        } else {
            sql.push("j.id").push(than).push_bind(id).push("))");
        }
    }
    sql.push(" order by ");
    if sorted {
        sql.push("sort_key").push(direction).push(", ");
    }
    sql.push("j.id").push(direction).push(" limit ").push_bind(i64::from(limit) + 1);
    sql.push(") found join job_executions j on j.id = found.id order by ");
    if sorted {
        sql.push("found.sort_key").push(direction).push(", ");
    }
    sql.push("found.id").push(direction);
    // Planned anew for what is asked: one plan for a rare state and for a common one suits neither.
    let rows = sql.build().persistent(false).fetch_all(conn).await;
    let rows = match (rows, query.after) {
        // Data of the wrong kind can only be the cursor's.
        (Err(sqlx::Error::Database(error)), Some(cursor)) if error.code().is_some_and(|code| code.starts_with("22")) => {
            return Err(StoreError::Unfit(Invalid::new("after", cursor.to_string(), "a cursor of this list").to_string()));
        }
        (rows, _) => rows.doing("listing jobs")?,
    };
    let mut items = Vec::with_capacity(rows.len());
    let mut keys = Vec::with_capacity(rows.len());
    for row in &rows {
        keys.push(row.try_get::<String, _>("sort_key").doing("reading a sort key")?);
        items.push(JobRow::try_from(<Row as sqlx::FromRow<_>>::from_row(row).doing("reading a job")?)?);
    }
    let limit = limit as usize;
    let next =
        (items.len() > limit).then(|| Cursor { value: sorted.then(|| keys.swap_remove(limit - 1)), id: items[limit - 1].id.to_string() });
    items.truncate(limit);
    Ok(Page { items, next })
}

/// The present rows of `ids` that belong to `run`, and which are gone.
pub async fn changed(conn: &mut Conn, run: RunId, ids: &[JobKey]) -> Result<(Vec<JobRow>, Vec<JobKey>), StoreError> {
    let wanted: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let sql = format!("select {COLUMNS} from job_executions j where j.id = any($1) and j.workflow_run_id = $2 order by j.id");
    let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(sql)).bind(wanted).bind(run.0).fetch_all(conn).await.doing("reading changed jobs")?;
    let rows = rows.into_iter().map(JobRow::try_from).collect::<Result<Vec<_>, _>>()?;
    let gone = ids.iter().copied().filter(|id| !rows.iter().any(|row| row.id == *id)).collect();
    Ok((rows, gone))
}

/// What a program asks of a job besides its row.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct Extras {
    pub id: i64,
    pub workflow_run_id: Uuid,
    pub priority: Option<i32>,
    pub resources: Option<serde_json::Value>,
    pub shell_command: Option<String>,
    pub group_name: Option<String>,
    pub external_id: Option<String>,
    pub queued_at: Option<i64>,
    pub exit_code: Option<i32>,
    pub error: Option<String>,
    /// Files by role.
    pub input: i64,
    pub output: i64,
    pub log: i64,
    pub benchmark: i64,
}

/// [`Extras`] of the jobs of one page.
pub async fn extras(conn: &mut Conn, ids: &[JobKey]) -> Result<Vec<Extras>, StoreError> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    sqlx::query_as(
        "select j.id, j.workflow_run_id, j.priority, j.resources, j.shell_command, j.group_name, j.external_id,
                ms(j.queued_at) as queued_at, j.exit_code, j.error, f.input, f.output, f.log, f.benchmark
           from job_executions j,
                lateral (select count(*) filter (where role = 'input') as input, count(*) filter (where role = 'output') as output,
                                count(*) filter (where role = 'log') as log, count(*) filter (where role = 'benchmark') as benchmark
                           from job_files where job_execution_id = j.id) f
          where j.id = any($1)",
    )
    .bind(ids)
    .fetch_all(conn)
    .await
    .doing("reading jobs")
}
