//! Begins a workflow: a new one, or another attempt of the one with the same name or number.

use super::lose_jobs;
use crate::{Conn, Doing, StoreError};
use model::{Millis, RunId, UserId, cut::Cut};
use sqlx::types::{Json, Uuid};

/// What a client reports of a workflow before it runs.
#[derive(Clone, Debug, Default)]
pub struct Creation {
    pub user: Option<UserId>,
    pub user_name: String,
    pub client_version: Option<String>,
    /// The name that links attempts; `None` creates a run that is nobody's attempt.
    pub name: Option<String>,
    /// Parts that were too long to be kept whole.
    pub cuts: Vec<Cut>,
    /// The number of an earlier workflow, of which this is another attempt.
    pub id: Option<i64>,
    pub command_line: Option<String>,
    pub directory: Option<String>,
    pub snakefile: Option<String>,
    /// The request as it was received, as JSON text without U+0000.
    pub body: String,
    pub received_at: Millis,
    /// The client only queries the workflow: the run is already over, and is nobody's attempt, unless its jobs are reported.
    pub asks: bool,
}

#[derive(sqlx::FromRow)]
struct Earlier {
    id: Uuid,
    panoptes_id: i64,
    workflow_name: String,
    lineage_id: Option<Uuid>,
    attempt: i32,
    busy: bool,
}

/// Creates a run for a client that is about to report one. Returns its number and the run.
///
/// A name or number that was used before creates another attempt under the same number. While the previous attempt is
/// still running and none of its jobs has failed, this instead creates a separate run, whose name gets a suffix of
/// eight letters. The caller owns the transaction.
pub async fn create(conn: &mut Conn, new: &Creation, stale: Option<i32>) -> Result<(i64, RunId), StoreError> {
    let earlier = if new.asks { None } else { earlier(conn, new, stale).await? };
    let (name, after) = match earlier {
        None => (new.name.clone().unwrap_or_default(), None),
        Some(earlier) if earlier.busy => {
            let distinct: String = sqlx::query_scalar("select $1 || '-' || left(replace(gen_random_uuid()::text, '-', ''), 8)")
                .bind(if earlier.workflow_name.is_empty() { earlier.id.to_string() } else { earlier.workflow_name })
                .fetch_one(&mut *conn)
                .await
                .doing("telling names apart")?;
            (distinct, None)
        }
        Some(earlier) => (earlier.workflow_name.clone(), Some(earlier)),
    };
    if let Some(earlier) = &after {
        retire(conn, earlier.id).await?;
    }
    let (id, number): (Uuid, i64) = sqlx::query_as(
        "insert into workflow_runs (user_id, user_name, source, client_version, workflow_name, command_line, directory, snakefile,
                started_at, created_at, last_seen_at, lineage_id, attempt, cuts, status, ended_at)
         values ($1, $2, 'panoptes', $3, $4, $5, $6, $7, at_ms($8), at_ms($8), at_ms($8), $9, $10, $11,
                case when $12 then 'skipped' else 'running' end, case when $12 then at_ms($8) end)
         returning id, number",
    )
    .bind(new.user.map(|user| user.0))
    .bind(&new.user_name)
    .bind(&new.client_version)
    .bind(&name)
    .bind(&new.command_line)
    .bind(&new.directory)
    .bind(&new.snakefile)
    .bind(new.received_at)
    .bind(after.as_ref().map(|earlier| earlier.lineage_id.unwrap_or(earlier.id)))
    .bind(after.as_ref().map_or(1, |earlier| earlier.attempt + 1))
    .bind((!new.cuts.is_empty()).then_some(Json(&new.cuts)))
    .bind(new.asks)
    .fetch_one(&mut *conn)
    .await
    .doing("making a run")?;
    let known_as = after.map_or(number, |earlier| earlier.panoptes_id);
    sqlx::query("update workflow_runs set panoptes_id = $2 where id = $1")
        .bind(id)
        .bind(known_as)
        .execute(&mut *conn)
        .await
        .doing("numbering a run")?;
    sqlx::query(
        "insert into ingest_events (workflow_run_id, user_id, source, event, body, received_at, outcome)
         values ($1, $2, 'panoptes', 'create_workflow', $3::jsonb, at_ms($4), 'applied')",
    )
    .bind(id)
    .bind(new.user.map(|user| user.0))
    .bind(&new.body)
    .bind(new.received_at)
    .execute(conn)
    .await
    .doing("keeping raw events")?;
    Ok((known_as, RunId(id)))
}

/// The newest attempt with the same sender and the same name or number. Two calls that begin at once wait for each other.
async fn earlier(conn: &mut Conn, new: &Creation, stale: Option<i32>) -> Result<Option<Earlier>, StoreError> {
    if new.name.is_none() && new.id.is_none() {
        return Ok(None);
    }
    sqlx::query("select pg_advisory_xact_lock(hashtextextended(concat_ws('/', 'panoptes', $1::bigint, $2::text, $3::bigint), 0))")
        .bind(new.user.map(|user| user.0))
        .bind(&new.name)
        .bind(new.id)
        .execute(&mut *conn)
        .await
        .doing("waiting for others of that name")?;
    // A single condition for name or number would be planned as a scan of all runs. So would ordering by number alone:
    // the runs of one name are few and are sorted after they are found.
    let which = if new.name.is_some() { "md5(workflow_name) = md5($2) and workflow_name = $2" } else { "panoptes_id = $3" };
    let sql = format!(
        "with known as materialized (
            select id, number, panoptes_id, workflow_name, lineage_id, attempt,
                   status in ('running', 'waiting', 'suspended') and jobs_failed = 0 and not last_was_error
                   and not coalesce(last_seen_at < flowo_now() - $4 * interval '1 second', false) as busy
              from workflow_runs
             where panoptes_id is not null and deleted_at is null and status <> 'skipped' and user_id is not distinct from $1
               and ($2::text is not null or $3::bigint is not null) and {which}
         )
         select * from known order by number desc limit 1"
    );
    sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(new.user.map(|user| user.0))
        .bind(&new.name)
        .bind(new.id)
        .bind(stale)
        .fetch_optional(conn)
        .await
        .doing("finding earlier attempts")
}

/// Ends an attempt that is followed by another one, whether or not its client reported the end.
async fn retire(conn: &mut Conn, id: Uuid) -> Result<(), StoreError> {
    sqlx::query("update workflow_runs set status = 'failed', ended_at = greatest(last_seen_at, started_at) where id = $1 and status in ('running', 'waiting', 'suspended')")
        .bind(id)
        .execute(&mut *conn)
        .await
        .doing("ending an earlier attempt")?;
    lose_jobs(conn, id).await
}
