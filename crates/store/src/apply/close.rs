//! What must be written when runs are over.

use crate::{Conn, Doing, StoreError};
use model::{JobStatus, Millis, job::Filled};
use sqlx::types::Uuid;

/// Ends the unfinished jobs of closed runs with the status that the fold chose: no report will say how they ended.
pub(super) async fn end(conn: &mut Conn, runs: &[Uuid], at: &[Millis], statuses: &[JobStatus]) -> Result<(), StoreError> {
    sqlx::query(
        "update job_executions j
            set status = x.status, ended_at = greatest(at_ms(x.at), j.started_at), filled_from = case when x.status <> 'lost' then $4 end
           from unnest($1::uuid[], $2::bigint[], $3::text[]) as x(run, at, status)
          where j.workflow_run_id = x.run and j.status in ('waiting', 'suspended', 'running') and not j.superseded",
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

/// For clients whose own total may include more jobs than were requested: once such a run has succeeded, the jobs it
/// ran become the plan.
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
