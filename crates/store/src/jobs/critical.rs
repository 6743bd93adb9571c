//! The chain of jobs that determined when a run ended.

use crate::{Conn, Doing, StoreError};
use model::{JobKey, RunId};

/// The maximum length of a chain; of a longer chain, the last jobs.
const LONGEST: i32 = 2_000;

/// The chain from `last` backwards, `last` first: each next job is the maker of the previous job's latest input. It
/// follows only dependencies that files show: a job without files ends the chain. Empty if the run has no such job. The
/// flag says whether the chain has more jobs before the 2 000 that are returned.
///
/// The cost is proportional to the length of the chain and to the number of files that its jobs have.
pub async fn critical(conn: &mut Conn, run: RunId, last: JobKey) -> Result<(Vec<JobKey>, bool), StoreError> {
    let mut ids: Vec<i64> = sqlx::query_scalar(
        "with recursive chain (id, began, depth) as (
             (select id, started_at, 1
                from job_executions
               where id = $1 and workflow_run_id = $2)
             union all
             select maker.id, maker.started_at, chain.depth + 1
               from chain
              cross join lateral (
                    select m.id, m.started_at
                      from job_files i
                      join job_files o on o.path_id = i.path_id and o.role = 'output'
                      join job_executions m on m.id = o.job_execution_id
                     where i.job_execution_id = chain.id and i.role = 'input' and m.status = 'success'
                       and m.id <> chain.id and m.started_at < chain.began
                     order by m.ended_at desc, m.id
                     limit 1) maker
              where chain.depth < $3)
         select id from chain order by depth",
    )
    .bind(last.0)
    .bind(run.0)
    .bind(LONGEST + 1)
    .fetch_all(conn)
    .await
    .doing("following the critical path")?;
    let more = ids.len() > LONGEST as usize;
    ids.truncate(LONGEST as usize);
    Ok((ids.into_iter().map(JobKey).collect(), more))
}
