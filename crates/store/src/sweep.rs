//! What happens to rows as time passes: silent runs become lost, deleted runs are purged, partitions for coming days are created.

use crate::{Conn, Doing, StoreError};
use model::{Millis, RunId};
use sqlx::types::Uuid;

/// Marks runs whose clients fell silent as lost, together with their unfinished jobs. Rows written by hand have no
/// client and never become lost.
///
/// The allowed silence is `heartbeat` seconds for a client that sends heartbeats, and for a Panoptes client whose last
/// report was an error and which has no running job; `stale` seconds for other Panoptes clients (`None`: they never
/// become lost); `quiet` seconds for the rest. Silence counts from `heard_since` at the earliest, by the database's
/// clock, because the server could not receive reports before that. Returns the runs that this call marked.
pub async fn lose_silent(
    conn: &mut Conn,
    heartbeat: i32,
    quiet: i32,
    stale: Option<i32>,
    heard_since: Millis,
) -> Result<Vec<RunId>, StoreError> {
    let lost: Vec<Uuid> = sqlx::query_scalar(
        "with silent as (
            select id, last_seen_at from workflow_runs
             where status = 'running' and (source in ('flowo', 'panoptes') or source = 'sql' and client_version is not null)
               and greatest(last_seen_at, at_ms($4)) < now() - interval '1 second'
                   * case when heartbeats or source = 'panoptes' and last_was_error and jobs_running = 0 then $1 when source = 'panoptes' then $3 else $2 end
             order by id
             limit 1000
               for no key update skip locked
         ), jobs as (
            update job_executions j set status = 'lost', ended_at = greatest(s.last_seen_at, j.started_at)
              from silent s
             where j.workflow_run_id = s.id and j.status = 'running' and not j.superseded
         )
         select id from silent",
    )
    .bind(heartbeat)
    .bind(quiet)
    .bind(stale)
    .bind(heard_since)
    .fetch_all(&mut *conn)
    .await
    .doing("looking for silent runs")?;
    if !lost.is_empty() {
        // A separate statement: one statement may not change a run twice, and the change of its jobs already did.
        sqlx::query("update workflow_runs set status = 'lost', ended_at = greatest(last_seen_at, started_at) where id = any($1) and status = 'running'")
            .bind(&lost)
            .execute(conn)
            .await
            .doing("losing silent runs")?;
    }
    Ok(lost.into_iter().map(RunId).collect())
}

/// The database's clock; an answer also shows that the database responds.
pub async fn clock(conn: &mut Conn) -> Result<Millis, StoreError> {
    sqlx::query_scalar("select ms(clock_timestamp())").fetch_one(conn).await.doing("asking for the time")
}

/// Creates the partitions of the coming days and deletes data of temporary use.
pub async fn housekeep(conn: &mut Conn) -> Result<(), StoreError> {
    sqlx::query("select ensure_daily_partitions($1)")
        .bind(crate::migrate::DAYS_AHEAD)
        .execute(&mut *conn)
        .await
        .doing("making partitions")?;
    for (what, statement) in [
        ("forgetting sessions", "delete from sessions where expires_at < now()"),
        ("forgetting sign-in keys", "delete from sign_in_keys where expires_at < now() - interval '1 day'"),
        ("forgetting deleted runs", "delete from deleted_runs where deleted_at < now() - interval '30 days'"),
        ("forgetting layouts", "delete from graph_layouts where made_at < now() - interval '90 days'"),
        ("forgetting monitors", "delete from settings where name like 'monitor.%' and updated_at < now() - interval '90 days'"),
        (
            "forgetting old reads and refusals",
            "delete from audit_log where action in ('read.file', 'refuse.sign_in') and at < now() - interval '90 days'",
        ),
        ("forgetting activity", "delete from job_activity where minute < now() - interval '60 days'"),
    ] {
        sqlx::query(statement).execute(&mut *conn).await.doing(what)?;
    }
    Ok(())
}
