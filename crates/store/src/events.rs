//! Reports as they came, of one run.

use crate::{Conn, Doing, StoreError};
use model::{RunId, event::RawEvent};

/// Bytes of a body that are shown; larger ones are cut.
const BODY: i32 = 20_000;
/// ... of one among the details of a job.
const SHORT: i32 = 4_000;

type Row = (i64, String, i64, String, Option<String>, String);

/// Reports of a run, the oldest first, from after one on; and whether there are more.
pub async fn of_run(conn: &mut Conn, run: RunId, after: i64, limit: u32) -> Result<(Vec<RawEvent>, bool), StoreError> {
    let limit = i64::from(limit.clamp(1, 200));
    let rows: Vec<Row> = sqlx::query_as(
        "select id, event, ms(received_at), outcome, detail, left(body::text, $4)
           from ingest_events where workflow_run_id between $1 and $1 and id > $2 order by workflow_run_id, id limit $3",
    )
    .bind(run.0)
    .bind(after)
    .bind(limit + 1)
    .bind(BODY)
    .fetch_all(conn)
    .await
    .doing("reading raw reports")?;
    let more = rows.len() as i64 > limit;
    Ok((rows.into_iter().take(limit as usize).map(|row| event(row, BODY)).collect(), more))
}

/// The reports with these numbers that are still kept, the oldest first.
pub async fn named(conn: &mut Conn, ids: &[i64]) -> Result<Vec<RawEvent>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Row> = sqlx::query_as(
        "select id, event, ms(received_at), outcome, detail, left(body::text, $2) from ingest_events where id = any($1) order by id",
    )
    .bind(ids)
    .bind(SHORT)
    .fetch_all(conn)
    .await
    .doing("reading a job's reports")?;
    Ok(rows.into_iter().map(|row| event(row, SHORT)).collect())
}

fn event((id, event, received_at, outcome, detail, body): Row, most: i32) -> RawEvent {
    let cut = body.len() >= most as usize;
    RawEvent { id, event, received_at, outcome, detail, body, cut }
}
