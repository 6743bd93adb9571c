//! What happens to rows as time passes: silent runs become lost, deleted runs are purged, partitions for coming days are created.

use crate::{Conn, Doing, StoreError};
use model::{Millis, RunId};
use sqlx::types::Uuid;

/// How long the clients of one source may be silent, in seconds; `None` means without a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    pub source: &'static str,
    /// Only runs that name their client become lost; people wrote the others by hand.
    pub is_named: bool,
    /// The limit for clients that send heartbeats.
    pub beating: Option<i32>,
    /// The limit if the last report was an error and no job runs.
    pub failing: Option<i32>,
    /// The limit for all other runs.
    pub quiet: Option<i32>,
}

/// Marks runs whose clients fell silent as lost, together with their unfinished jobs. Runs of sources that `silences`
/// does not name never become lost.
///
/// Silence counts from `heard_since` at the earliest, by the database's clock, because the server could not receive
/// reports before that. Returns the runs that this call marked, at most 1 000.
pub async fn lose_silent(conn: &mut Conn, silences: &[Silence], heard_since: Millis) -> Result<Vec<RunId>, StoreError> {
    let seconds = |of: fn(&Silence) -> Option<i32>| silences.iter().map(of).collect::<Vec<_>>();
    let lost: Vec<Uuid> = sqlx::query_scalar(
        "with silent as (
            select r.id, r.last_seen_at
              from workflow_runs r
              join unnest($1::text[], $2::bool[], $3::int[], $4::int[], $5::int[]) s (source, is_named, beating, failing, quiet)
                on s.source = r.source
             where r.status = 'running' and (r.client_version is not null or not s.is_named)
               and greatest(r.last_seen_at, at_ms($6)) < flowo_now() - interval '1 second'
                   * case when r.heartbeats then s.beating when r.last_was_error and r.jobs_running = 0 then s.failing else s.quiet end
             order by r.id
             limit 1000
               for no key update of r skip locked
         ), jobs as (
            update job_executions j set status = 'lost', ended_at = greatest(s.last_seen_at, j.started_at)
              from silent s
             where j.workflow_run_id = s.id and j.status = 'running' and not j.superseded
         )
         select id from silent",
    )
    .bind(silences.iter().map(|silence| silence.source).collect::<Vec<_>>())
    .bind(silences.iter().map(|silence| silence.is_named).collect::<Vec<_>>())
    .bind(seconds(|silence| silence.beating))
    .bind(seconds(|silence| silence.failing))
    .bind(seconds(|silence| silence.quiet))
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

/// The time by which SQL decides; an answer also shows that the database responds.
pub async fn clock(conn: &mut Conn) -> Result<Millis, StoreError> {
    sqlx::query_scalar("select ms(flowo_now())").fetch_one(conn).await.doing("asking for the time")
}

/// Creates the partitions of the coming days and deletes data of temporary use.
pub async fn housekeep(conn: &mut Conn) -> Result<(), StoreError> {
    sqlx::query("select ensure_daily_partitions($1)")
        .bind(crate::migrate::DAYS_AHEAD)
        .execute(&mut *conn)
        .await
        .doing("making partitions")?;
    for (what, statement) in [
        ("forgetting sessions", "delete from sessions where expires_at < flowo_now()"),
        ("forgetting sign-in keys", "delete from sign_in_keys where expires_at < flowo_now() - interval '1 day'"),
        ("forgetting deleted runs", "delete from deleted_runs where deleted_at < flowo_now() - interval '30 days'"),
        ("forgetting layouts", "delete from graph_layouts where made_at < flowo_now() - interval '90 days'"),
        ("forgetting monitors", "delete from settings where name like 'monitor.%' and updated_at < flowo_now() - interval '90 days'"),
        (
            "forgetting old reads and refusals",
            "delete from audit_log where action in ('read.file', 'refuse.sign_in') and at < flowo_now() - interval '90 days'",
        ),
        ("forgetting activity", "delete from job_activity where minute < flowo_now() - interval '60 days'"),
    ] {
        sqlx::query(statement).execute(&mut *conn).await.doing(what)?;
    }
    Ok(())
}
