//! What is left to say of runs that are over.

use crate::{Conn, Doing, StoreError};
use model::{JobStatus, Millis, job::Filled};
use sqlx::types::Uuid;

/// The unfinished jobs of closed runs end with them, as what the fold says: nobody will say what became of them.
pub(super) async fn end(conn: &mut Conn, runs: &[Uuid], at: &[Millis], statuses: &[JobStatus]) -> Result<(), StoreError> {
    sqlx::query(
        "update job_executions j
            set status = x.status, ended_at = greatest(at_ms(x.at), j.started_at), filled_from = case when x.status <> 'lost' then $4 end
           from unnest($1::uuid[], $2::bigint[], $3::text[]) as x(run, at, status)
          where j.workflow_run_id = x.run and j.status in ('waiting', 'running') and not j.superseded",
    )
    .bind(runs)
    .bind(at)
    .bind(statuses.iter().map(|status| status.as_str()).collect::<Vec<_>>())
    .bind(Filled::Close.as_str())
    .execute(conn)
    .await
    .doing("closing jobs")?;
    Ok(())
}

/// Of clients whose own total may be of more than they were asked for: what they did was the whole.
pub(super) async fn settle_plans(conn: &mut Conn, runs: &[Uuid]) -> Result<(), StoreError> {
    sqlx::query(
        "update workflow_runs set jobs_planned = n.seen
           from (select id, jobs_waiting + jobs_running + jobs_success + jobs_failed + jobs_lost + jobs_skipped as seen
                   from workflow_runs where id = any($1) and source = 'panoptes' and status = 'success' and not dry_run) n
          where workflow_runs.id = n.id and n.seen > 0 and n.seen < jobs_planned and coalesce(done_told, 0) < jobs_planned",
    )
    .bind(runs)
    .execute(conn)
    .await
    .doing("settling plans")?;
    Ok(())
}
