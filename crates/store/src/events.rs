//! Reports as they came, of one run.

use crate::{Conn, Doing, StoreError};
use model::{RunId, event::RawEvent};

/// Bytes of a body that are shown; larger ones are cut.
const BODY: i32 = 20_000;

/// Reports of a run, the oldest first, from after one on; and whether there are more.
pub async fn of_run(conn: &mut Conn, run: RunId, after: i64, limit: u32) -> Result<(Vec<RawEvent>, bool), StoreError> {
    let limit = i64::from(limit.clamp(1, 200));
    let rows: Vec<(i64, String, i64, String, Option<String>, String)> = sqlx::query_as(
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
    let events = rows.into_iter().take(limit as usize).map(|(id, event, received_at, outcome, detail, body)| {
        let cut = body.len() >= BODY as usize;
        RawEvent { id, event, received_at, outcome, detail, body, cut }
    });
    Ok((events.collect(), more))
}
