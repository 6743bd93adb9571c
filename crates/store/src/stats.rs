//! Figures across all runs: the status tiles and the activity strip. Each statement reads a bounded amount.

use crate::{Conn, Doing, StoreError, audience::asked_by, runs::Audience};
use model::{Millis, RunStatus, page::Total};
use serde::{Deserialize, Serialize};

/// Counting stops here; beyond it the total is "at least".
const LIMIT: i64 = 10_000;

/// How many runs are in each status, exact up to [`LIMIT`].
///
/// A run whose status this build does not know is in none of the counts: finding such runs would mean reading all runs.
pub async fn by_status(conn: &mut Conn, audience: Audience) -> Result<Vec<(RunStatus, Total)>, StoreError> {
    let (reader, reach) = asked_by(audience);
    let words: Vec<&str> = RunStatus::ALL.iter().map(|status| status.as_str()).collect();
    let counts: Vec<i64> = sqlx::query_scalar(
        "select c.n
           from unnest($1::text[]) with ordinality as s(word, place),
                lateral (select count(*) as n from (
                    select from workflow_runs r
                     where r.status = s.word and r.deleted_at is null and sees_run(r, $2, $4)
                     limit $3) as capped) c
          order by s.place",
    )
    .bind(words)
    .bind(reader)
    .bind(LIMIT + 1)
    .bind(reach)
    .fetch_all(conn)
    .await
    .doing("counting runs by status")?;
    let totals = counts.into_iter().map(|n| Total { count: n.min(LIMIT), is_exact: n <= LIMIT });
    Ok(RunStatus::ALL.iter().copied().zip(totals).collect())
}

/// Whether any run is stored and not deleted; if not, the page shows the first-run card.
pub async fn any_run(conn: &mut Conn) -> Result<bool, StoreError> {
    sqlx::query_scalar("select exists (select from workflow_runs where deleted_at is null)")
        .fetch_one(conn)
        .await
        .doing("looking for a first run")
}

/// One step of the activity strip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// Jobs that were running at the end of the step.
    pub running: i64,
    pub finished: i64,
    pub failed: i64,
}

/// `steps` steps of `step_ms` each, the last ending now, oldest first.
///
/// Reads at most one row per minute of the span, never jobs.
pub async fn activity(conn: &mut Conn, now: Millis, step_ms: Millis, steps: usize) -> Result<Vec<Activity>, StoreError> {
    let since = now - step_ms * steps as i64;
    let running: i64 = sqlx::query_scalar("select coalesce(sum(jobs_running), 0)::bigint from workflow_runs where status = 'running'")
        .fetch_one(&mut *conn)
        .await
        .doing("counting running jobs")?;
    let rows: Vec<(i64, i64, i64, i64)> =
        sqlx::query_as("select ms(minute), started, ended, failed from job_activity where minute > at_ms($1) and minute <= at_ms($2)")
            .bind(since)
            .bind(now)
            .fetch_all(conn)
            .await
            .doing("reading activity")?;
    let mut list = vec![Activity::default(); steps];
    let mut change = vec![0i64; steps];
    for (minute, started, ended, failed) in rows {
        let at = ((minute - since) / step_ms).clamp(0, steps as i64 - 1) as usize;
        list[at].finished += ended - failed;
        list[at].failed += failed;
        change[at] += started - ended;
    }
    let mut level = running;
    for (step, change) in list.iter_mut().zip(&change).rev() {
        step.running = level.max(0);
        level -= change;
    }
    Ok(list)
}
