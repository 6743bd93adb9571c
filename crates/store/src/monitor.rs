//! Reads the change log for consumers that process it: every line once, none skipped, however late it was committed.
//!
//! A consumer's position is a [`Kept`], stored under a name in `settings`, so that a monitor continues where the last one stopped.

use crate::{
    Conn, Doing, StoreError,
    changes::{self, Horizon},
};
use model::{Millis, RunId};
use serde::Serialize;
use serde_json::Value;
use sqlx::types::{Json, Uuid};

/// How many lines are read at a time.
pub const PAGE: i64 = 1_000;

/// Which lines are wanted; without any condition, all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub tables: Vec<String>,
    pub operations: Vec<String>,
    pub run: Option<RunId>,
    /// Only lines that no monitor has processed.
    pub unprocessed: bool,
}

/// A complete line of the change log.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    pub id: i64,
    /// Milliseconds since 1970, UTC.
    pub timestamp: Millis,
    #[serde(rename = "table")]
    pub table_name: String,
    pub operation: String,
    pub record_id: String,
    pub workflow_run_id: Option<RunId>,
    pub changed_fields: Vec<String>,
    pub old_values: Option<Value>,
    pub new_values: Option<Value>,
    pub actor: Option<String>,
    /// The transaction, which determines the order of the log.
    #[serde(skip)]
    pub xact: u64,
}

/// A position within the range being read: a transaction, and a line of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct After {
    xact: String,
    id: i64,
}

impl After {
    /// The position before everything that was not settled at a horizon.
    pub fn horizon(horizon: &Horizon) -> Self {
        Self { xact: horizon.xact(), id: i64::MIN }
    }

    pub fn line(line: &Line) -> Self {
        Self { xact: line.xact.to_string(), id: line.id }
    }
}

type Row = (
    i64,
    Millis,
    String,
    String,
    String,
    Option<Uuid>,
    Option<Vec<String>>,
    Option<Json<Value>>,
    Option<Json<Value>>,
    Option<String>,
    String,
);

/// At most [`PAGE`] lines after a position, in the order of their transactions.
pub async fn lines(conn: &mut Conn, wanted: &Wanted, after: &After) -> Result<Vec<Line>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(
        "select id, ms(\"timestamp\"), table_name, operation, record_id, workflow_run_id, changed_fields, old_values, new_values, actor,
                xact::text
           from change_notifications
          where xact >= $1::xid8 and (xact, id) > ($1::xid8, $2)
            and (cardinality($3::text[]) = 0 or table_name = any($3))
            and (cardinality($4::text[]) = 0 or operation = any($4))
            and ($5::uuid is null or workflow_run_id = $5)
            and not ($6 and processed)
          order by xact, id
          limit $7",
    )
    .bind(&after.xact)
    .bind(after.id)
    .bind(&wanted.tables)
    .bind(&wanted.operations)
    .bind(wanted.run.map(|run| run.0))
    .bind(wanted.unprocessed)
    .bind(PAGE)
    .fetch_all(conn)
    .await
    .doing("reading the change log")?;
    let line = |(id, timestamp, table_name, operation, record_id, run, fields, old, new, actor, xact): Row| Line {
        id,
        timestamp,
        table_name,
        operation,
        record_id,
        workflow_run_id: run.map(RunId),
        changed_fields: fields.unwrap_or_default(),
        old_values: old.map(|old| old.0),
        new_values: new.map(|new| new.0),
        actor,
        xact: xact.parse().unwrap_or_default(),
    };
    Ok(rows.into_iter().map(line).collect())
}

/// Marks lines as processed.
pub async fn processed(conn: &mut Conn, ids: &[i64]) -> Result<(), StoreError> {
    sqlx::query("update change_notifications set processed = true where id = any($1) and not processed")
        .bind(ids)
        .execute(conn)
        .await
        .doing("marking changes as processed")?;
    Ok(())
}

/// Where a monitor stopped: it delivered everything before the horizon, and some lines after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub horizon: Horizon,
    /// Numbers of lines that were delivered although an earlier transaction was still open.
    pub ahead: Vec<i64>,
}

/// Where the monitor of this name stopped; `None` if there was none.
pub async fn place(conn: &mut Conn, name: &str) -> Result<Option<Kept>, StoreError> {
    // Positions stored without the newest row are used as they are: they are on disk with everything that precedes them.
    let row: Option<(String, i64, Vec<i64>)> = sqlx::query_as(
        "select value ->> 'horizon', coalesce((value ->> 'newest')::bigint, 9223372036854775807), array(select jsonb_array_elements_text(value -> 'ahead')::bigint)
           from settings where name = 'monitor.' || $1 and value ? 'horizon'",
    )
    .bind(name)
    .fetch_optional(conn)
    .await
    .doing("reading the monitor's place")?;
    let kept = |(xact, newest, ahead): (String, i64, Vec<i64>)| {
        let xact = xact.parse().map_err(|_| StoreError::Unfit(format!("{xact} is no transaction")))?;
        Ok(Kept { horizon: Horizon::new(xact, newest), ahead })
    };
    row.map(kept).transpose()
}

/// The current position, for a monitor that starts now: existing lines count as delivered. Of the lines that an open
/// transaction keeps from being settled, at most the newest `most` count.
pub async fn present(conn: &mut Conn, most: i64) -> Result<Kept, StoreError> {
    let horizon = changes::horizon(conn).await?;
    let ahead = sqlx::query_scalar("select id from change_notifications where xact >= $1::xid8 order by xact desc, id desc limit $2")
        .bind(horizon.xact())
        .bind(most)
        .fetch_all(conn)
        .await
        .doing("looking for what is there")?;
    Ok(Kept { horizon, ahead })
}

/// Stores a monitor's position.
pub async fn keep_place(conn: &mut Conn, name: &str, place: &Kept) -> Result<(), StoreError> {
    sqlx::query(
        "insert into settings (name, value) values ('monitor.' || $1, jsonb_build_object('horizon', $2::text, 'newest', $3::bigint, 'ahead', $4::bigint[]))
             on conflict (name) do update set value = excluded.value, updated_at = flowo_now()",
    )
    .bind(name)
    .bind(place.horizon.xact())
    .bind(place.horizon.newest())
    .bind(&place.ahead)
    .execute(conn)
    .await
    .doing("keeping the monitor's place")?;
    Ok(())
}
