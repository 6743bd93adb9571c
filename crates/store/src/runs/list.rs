//! Pages of runs: filtered, sorted, and continued from one keyset to the next.

use super::{Audience, filter, row};
use crate::{Conn, Doing, StoreError};
use model::{
    Invalid, Millis,
    filter::RunFilter,
    page::{Cursor, Direction, Page, RunColumn, RunSort, Total},
    run::RunSummary,
};
use sqlx::{Postgres, QueryBuilder, Row as _, types::Uuid};

/// Counting stops here; beyond it the total is "at least".
pub const COUNT_LIMIT: i64 = 10_000;

/// What to list.
#[derive(Clone, Debug)]
pub struct Query<'a> {
    pub audience: Audience,
    pub filter: &'a RunFilter,
    pub sort: RunSort,
    /// Rows per page, 1 to 200.
    pub limit: u32,
    pub after: Option<&'a Cursor>,
    /// The current time, for relative times and for the durations of running runs.
    pub now: Millis,
}

/// One page, and the cursor of the next.
///
/// In the default order this reads an index and costs O(limit), however many runs are stored;
/// other orders sort all runs that pass the filter.
///
/// # Errors
/// [`StoreError::Unfit`] for a cursor that does not fit the order.
pub async fn list(conn: &mut Conn, query: &Query<'_>) -> Result<Page<RunSummary>, StoreError> {
    let limit = query.limit.clamp(1, 200);
    let mut sql = statement(query, limit)?;
    // Planned for each query: one plan for both a rare and a common word suits neither.
    let rows = sql.build().persistent(false).fetch_all(conn).await.doing("listing runs")?;
    let mut items = Vec::with_capacity(rows.len());
    let mut keys = Vec::with_capacity(rows.len());
    for row in &rows {
        keys.push(row.try_get::<Option<String>, _>("sort_key").doing("reading a sort key")?);
        items.push(RunSummary::try_from(<row::Row as sqlx::FromRow<_>>::from_row(row).doing("reading a run")?)?);
    }
    let limit = limit as usize;
    let next = (items.len() > limit).then(|| Cursor { value: keys[limit - 1].take(), id: items[limit - 1].id.to_string() });
    items.truncate(limit);
    Ok(Page { items, next })
}

fn statement(query: &Query<'_>, limit: u32) -> Result<QueryBuilder<Postgres>, StoreError> {
    let mut sql = QueryBuilder::new(format!("select {}, (", row::COLUMNS));
    match column(query.sort.column) {
        // Exact to the microsecond, and the same text in every session time zone.
        Kind::Time => sql.push("(extract(epoch from r.sort_at) * 1000000)::bigint"),
        _ => key(&mut sql, query),
    };
    sql.push(")::text as sort_key from workflow_runs r");
    filter::push(&mut sql, query.audience, query.filter, query.now);
    if let Some(cursor) = query.after {
        let wrong = || StoreError::Unfit(Invalid::new("after", cursor.to_string(), "a cursor of this list").to_string());
        let id: Uuid = cursor.id.parse().map_err(|_| wrong())?;
        let value = cursor.value.as_deref().ok_or_else(wrong)?;
        sql.push(" and (");
        key(&mut sql, query);
        sql.push(match query.sort.direction {
            Direction::Asc => ", r.id) > (",
            Direction::Desc => ", r.id) < (",
        });
        let kind = column(query.sort.column);
        match kind {
            Kind::Time => {
                let micros: i64 = value.parse().map_err(|_| wrong())?;
                sql.push("timestamptz 'epoch' + ").push_bind(micros).push(" * interval '1 microsecond'");
            }
            Kind::Number => {
                value.parse::<i64>().map_err(|_| wrong()).map(|n| sql.push_bind(n))?;
            }
            Kind::Text => {
                sql.push_bind(value.to_owned());
            }
        }
        sql.push(", ").push_bind(id).push(")");
    }
    let direction = match query.sort.direction {
        Direction::Asc => " asc",
        Direction::Desc => " desc",
    };
    sql.push(" order by ");
    key(&mut sql, query);
    sql.push(direction).push(", r.id").push(direction).push(" limit ").push_bind(i64::from(limit) + 1);
    Ok(sql)
}

#[derive(Clone, Copy)]
enum Kind {
    Time,
    Number,
    Text,
}

const fn column(column: RunColumn) -> Kind {
    match column {
        RunColumn::Started => Kind::Time,
        RunColumn::Duration | RunColumn::Progress => Kind::Number,
        _ => Kind::Text,
    }
}

/// The sort key of runs; never null, so that a row comparison can page through it.
fn key<'a>(sql: &'a mut QueryBuilder<Postgres>, query: &Query<'_>) -> &'a mut QueryBuilder<Postgres> {
    match query.sort.column {
        RunColumn::Started => sql.push("r.sort_at"),
        RunColumn::Name => sql.push("fold(r.workflow_name)"),
        RunColumn::Status => sql.push("r.status collate \"C\""),
        RunColumn::User => sql.push("fold(r.user_name)"),
        RunColumn::Source => sql.push("r.source collate \"C\""),
        RunColumn::Directory => sql.push("coalesce(r.directory, '') collate \"C\""),
        RunColumn::Progress => sql.push(
            "(r.jobs_success * 10000::bigint / greatest(r.jobs_planned, r.jobs_waiting + r.jobs_running + r.jobs_success
              + r.jobs_failed + r.jobs_lost + r.jobs_skipped, 1))",
        ),
        RunColumn::Duration => {
            sql.push("coalesce(");
            filter::duration(sql, query.now);
            sql.push(", -1)")
        }
    }
}

/// How many runs pass the filter, exact up to [`COUNT_LIMIT`].
pub async fn total(conn: &mut Conn, audience: Audience, filter: &RunFilter, now: Millis) -> Result<Total, StoreError> {
    let mut sql = QueryBuilder::new("select count(*) from (select from workflow_runs r");
    filter::push(&mut sql, audience, filter, now);
    sql.push(" limit ").push_bind(COUNT_LIMIT + 1).push(") as capped");
    let count: i64 = sql.build_query_scalar().persistent(false).fetch_one(conn).await.doing("counting runs")?;
    Ok(Total { count: count.min(COUNT_LIMIT), is_exact: count <= COUNT_LIMIT })
}
