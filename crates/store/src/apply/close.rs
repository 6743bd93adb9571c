//! What is left to say of runs that are over.

use crate::{Conn, Doing, StoreError};
use model::Millis;
use sqlx::types::Uuid;

/// The unfinished jobs of closed runs are lost: nobody will say what became of them.
pub(super) async fn lose(conn: &mut Conn, runs: &[Uuid], at: &[Millis]) -> Result<(), StoreError> {
    sqlx::query(
        "update job_executions j set status = 'lost', ended_at = greatest(at_ms(x.at), j.started_at)
           from unnest($1::uuid[], $2::bigint[]) as x(run, at)
          where j.workflow_run_id = x.run and j.status in ('waiting', 'running') and not j.superseded",
    )
    .bind(runs)
    .bind(at)
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
