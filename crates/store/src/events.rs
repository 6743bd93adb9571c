//! The reports of one run as they were received.

use crate::{Conn, Doing, StoreError};
use model::{RunId, event::RawEvent};

/// How many letters of a body a list shows; longer bodies are cut.
const BODY: i32 = 20_000;
/// The same limit for a report among the details of a job.
const SHORT: i32 = 4_000;

/// The last column is the length of the whole body in letters.
type Row = (i64, String, i64, String, Option<String>, String, i32);

/// Reports of a run after the one numbered `after`, oldest first, and whether there are more.
pub async fn of_run(conn: &mut Conn, run: RunId, after: i64, limit: u32) -> Result<(Vec<RawEvent>, bool), StoreError> {
    let limit = i64::from(limit.clamp(1, 200));
    // Each body is converted to text once, and only for the rows of this page.
    let rows: Vec<Row> = sqlx::query_as(
        "select id, event, ms(received_at), outcome, detail, left(whole, $4), length(whole)
           from (select id, event, received_at, outcome, detail, body::text as whole
                   from ingest_events
                  where workflow_run_id between $1 and $1 and id > $2
                  order by workflow_run_id, id limit $3
                 offset 0) page",
    )
    .bind(run.0)
    .bind(after)
    .bind(limit + 1)
    .bind(BODY)
    .fetch_all(conn)
    .await
    .doing("reading raw reports")?;
    let more = rows.len() as i64 > limit;
    Ok((rows.into_iter().take(limit as usize).map(event).collect(), more))
}

/// The reports with these numbers that are still stored, oldest first.
pub async fn named(conn: &mut Conn, ids: &[i64]) -> Result<Vec<RawEvent>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Row> = sqlx::query_as(
        "select id, event, ms(received_at), outcome, detail, left(whole, $2), length(whole)
           from (select id, event, received_at, outcome, detail, body::text as whole
                   from ingest_events where id = any($1) order by id
                 offset 0) page",
    )
    .bind(ids)
    .bind(SHORT)
    .fetch_all(conn)
    .await
    .doing("reading a job's reports")?;
    Ok(rows.into_iter().map(event).collect())
}

/// The whole body of a report of a run, as JSON text; `None` if the run has no such report, or it is no longer stored.
pub async fn body(conn: &mut Conn, run: RunId, id: i64) -> Result<Option<String>, StoreError> {
    sqlx::query_scalar("select body::text from ingest_events where workflow_run_id = $1 and id = $2")
        .bind(run.0)
        .bind(id)
        .fetch_optional(conn)
        .await
        .doing("reading a raw report")
}

fn event((id, event, received_at, outcome, detail, body, whole): Row) -> RawEvent {
    let kept = body.chars().count() as u64;
    RawEvent { id, event, received_at, outcome, detail, body, missing: u64::try_from(whole).unwrap_or(0).saturating_sub(kept) }
}
