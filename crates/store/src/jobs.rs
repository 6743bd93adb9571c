//! Jobs of a run: one page of them, those affected by changes, one with all its details, and those that failed.
//! [`order`] sorts and searches across all of them.
//!
//! Statements that read the first rows of a run in order write the run as a range and order by it, so that only an
//! index that begins with the run can give the order. With `= $1` the primary key could give it too. PostgreSQL would
//! choose the primary key if its statistics say that most rows belong to this run, even if the statistics are out of
//! date.

/// The columns from which a list row is made.
macro_rules! columns {
    () => {
        "j.id, j.job_id, j.attempt, j.superseded, j.rule, j.status, j.wildcards, j.threads, j.reason, j.message,
    ms(j.queued_at) as queued_at, case when jsonb_typeof(j.resources -> 'mem_mb') = 'number' then (j.resources ->> 'mem_mb')::float8 end as mem_mb, j.host,
    ms(j.started_at) as started_at, ms(j.ended_at) as ended_at, j.revision"
    };
}

mod critical;
mod detail;
pub mod edges;
mod failures;
pub mod files;
pub mod marks;
pub mod names;
pub mod order;
pub mod values;

pub use critical::critical;
pub use detail::{detail, files_of};
pub use failures::{failures, failures_then};

use crate::{Conn, Doing, StoreError, status};
use model::{
    Invalid, JobKey, JobStatus, RunId,
    job::JobRow,
    page::{Cursor, Direction, JobColumn, JobSort, Page, Total},
};
use sqlx::{
    Connection as _, Postgres, QueryBuilder,
    types::{Json, Uuid},
};
use std::collections::{BTreeMap, HashMap};

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
    queued_at: Option<i64>,
    mem_mb: Option<f64>,
    host: Option<String>,
    started_at: Option<i64>,
    ended_at: Option<i64>,
    revision: i64,
}

impl TryFrom<Row> for JobRow {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let status = status::of_job(row.id, &row.status)?;
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
            queued_at: row.queued_at,
            mem_mb: row.mem_mb.map(|mb| mb as i64),
            host: row.host,
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
pub struct Query {
    /// The empty name selects jobs whose rule was never reported.
    pub rule: Option<String>,
    /// Empty selects every status.
    pub statuses: Vec<JobStatus>,
    /// Only jobs with this text in a wildcard, ignoring case.
    pub find: Option<String>,
    pub sort: JobSort,
    /// Include older attempts.
    pub all_attempts: bool,
    /// Rows per page, 1 to 500.
    pub limit: u32,
    pub after: Option<Cursor>,
}

impl Query {
    /// Whether no index can answer this query: then [`order::window`] must examine all jobs.
    pub fn is_over_all(&self) -> bool {
        let filters = usize::from(self.rule.is_some()) + self.statuses.len();
        self.sort.column != JobColumn::Reported || self.find.is_some() || filters > 1
    }
}

/// Leaves the planner no choice but an index that has the order.
pub(crate) const IN_ORDER: &str = "set local enable_bitmapscan = off; set local enable_sort = off; set local enable_incremental_sort = off";

/// One page of jobs in the order in which they were reported: all of them, or those of one rule, or those in one state.
///
/// Reads an index: O(limit). Not for a query that [is over all](Query::is_over_all).
///
/// # Errors
/// [`StoreError::Unfit`] for a cursor that is not one of this order.
pub async fn list(conn: &mut Conn, run: RunId, query: &Query) -> Result<Page<JobRow>, StoreError> {
    debug_assert!(!query.is_over_all(), "{query:?} has no index");
    let limit = query.limit.clamp(1, 500);
    let mut sql = QueryBuilder::new(concat!("select ", columns!(), " from job_executions j where j.workflow_run_id between "));
    sql.push_bind(run.0).push(" and ").push_bind(run.0);
    if !query.all_attempts {
        sql.push(" and not j.superseded");
    }
    if let Some(rule) = query.rule.as_deref() {
        of_rule(&mut sql, rule);
    }
    if let Some(status) = query.statuses.first() {
        sql.push(" and j.status = ").push_bind(status.as_str());
    }
    let (than, order) = match query.sort.direction {
        Direction::Asc => (" > ", "j.workflow_run_id desc, j.id"),
        Direction::Desc => (" < ", "j.workflow_run_id, j.id desc"),
    };
    if let Some(cursor) = &query.after {
        let id = cursor.id.parse::<i64>().ok().filter(|_| cursor.value.is_none());
        let id = id.ok_or_else(|| StoreError::Unfit(Invalid::new("after", cursor.to_string(), "a cursor of this list").to_string()))?;
        sql.push(" and j.id").push(than).push_bind(id);
    }
    sql.push(" order by ").push(order).push(" limit ").push_bind(i64::from(limit) + 1);
    // The indexes have this order. PostgreSQL assumes that a new run is small, and would otherwise read all of it and sort.
    let mut tx = conn.begin().await.doing("listing jobs")?;
    sqlx::raw_sql(IN_ORDER).execute(&mut *tx).await.doing("listing jobs")?;
    // Planned for each query: one plan for both a rare and a common state suits neither.
    let rows: Vec<Row> = sql.build_query_as().persistent(false).fetch_all(&mut *tx).await.doing("listing jobs")?;
    tx.commit().await.doing("listing jobs")?;
    let mut items = rows.into_iter().map(JobRow::try_from).collect::<Result<Vec<_>, _>>()?;
    let limit = limit as usize;
    let next = (items.len() > limit).then(|| Cursor { value: None, id: items[limit - 1].id.to_string() });
    items.truncate(limit);
    Ok(Page { items, next })
}

/// Restricts jobs `j` to those of a rule; the empty name selects jobs whose rule was never reported.
fn of_rule(sql: &mut QueryBuilder<Postgres>, rule: &str) {
    if rule.is_empty() {
        sql.push(" and j.rule is null");
    } else {
        // The index contains only the start of a name.
        sql.push(" and left(j.rule, 100) = left(").push_bind(rule).push(", 100) and j.rule = ").push_bind(rule);
    }
}

/// How many earlier jobs of a rule are counted at most.
const EARLIER: i64 = 10_000;

/// How many newest attempts of a rule were reported before a job: exact up to 10 000.
///
/// Reads an index and the jobs that it counts.
pub async fn earlier(conn: &mut Conn, run: RunId, rule: &str, than: JobKey) -> Result<Total, StoreError> {
    let mut sql = QueryBuilder::new("select count(*) from (select from job_executions j where not j.superseded and j.workflow_run_id = ");
    sql.push_bind(run.0).push(" and j.id < ").push_bind(than.0);
    of_rule(&mut sql, rule);
    sql.push(" limit ").push_bind(EARLIER + 1).push(") as earlier");
    let count: i64 = sql.build_query_scalar().persistent(false).fetch_one(conn).await.doing("counting earlier jobs")?;
    Ok(Total { count: count.min(EARLIER), is_exact: count <= EARLIER })
}

/// The rows of `ids` that belong to `run`, in the order of `ids`; those that no longer exist are left out.
pub async fn named(conn: &mut Conn, run: RunId, ids: &[JobKey]) -> Result<Vec<JobRow>, StoreError> {
    let (mut rows, _) = changed(conn, run, ids).await?;
    let place: HashMap<JobKey, usize> = ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    rows.sort_unstable_by_key(|row| place.get(&row.id).copied());
    Ok(rows)
}

/// The current rows of `ids` that belong to `run`, and which ids no longer exist.
pub async fn changed(conn: &mut Conn, run: RunId, ids: &[JobKey]) -> Result<(Vec<JobRow>, Vec<JobKey>), StoreError> {
    let wanted: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let sql = concat!("select ", columns!(), " from job_executions j where j.id = any($1) and j.workflow_run_id = $2 order by j.id");
    let rows: Vec<Row> = sqlx::query_as(sql).bind(wanted).bind(run.0).fetch_all(conn).await.doing("reading changed jobs")?;
    let rows = rows.into_iter().map(JobRow::try_from).collect::<Result<Vec<_>, _>>()?;
    let gone = ids.iter().copied().filter(|id| !rows.iter().any(|row| row.id == *id)).collect();
    Ok((rows, gone))
}

/// What the API needs of a job besides its row.
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
    /// Where its data comes from, if not all of it was reported.
    pub filled_from: Option<String>,
    /// Number of files by role.
    pub input: i64,
    pub output: i64,
    pub log: i64,
    pub benchmark: i64,
}

/// How many jobs a run or one of its rules has; only newest attempts count.
pub async fn count(conn: &mut Conn, run: RunId, rule: Option<&str>) -> Result<u64, StoreError> {
    let count: i64 = sqlx::query_scalar(
        "select coalesce(sum(waiting + running + success + failed + lost + skipped), 0)::bigint
           from rule_counts where workflow_run_id = $1 and ($2::text is null or rule_key = md5($2)::uuid)",
    )
    .bind(run.0)
    .bind(rule)
    .fetch_one(conn)
    .await
    .doing("counting jobs")?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// [`Extras`] of the jobs of one page.
pub async fn extras(conn: &mut Conn, ids: &[JobKey]) -> Result<Vec<Extras>, StoreError> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    sqlx::query_as(
        "select j.id, j.workflow_run_id, j.priority, j.resources, j.shell_command, j.group_name, j.external_id,
                ms(j.queued_at) as queued_at, j.exit_code, j.error, j.filled_from, f.input, f.output, f.log, f.benchmark
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
