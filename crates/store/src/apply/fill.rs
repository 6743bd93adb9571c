//! Writes what a run's log contains and no report did, through the same fold and the same statements as reports.

use super::{Loaded, load, write};
use crate::{Conn, Doing, StoreError, status};
use futures::TryStreamExt as _;
use model::{JobStatus, Millis, RunId, RunStatus, fold::LogAttempt, job::Filled};
use std::collections::{HashMap, HashSet};

/// The newest attempt of a job, as far as it matters for filling in data from a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    pub job_id: i64,
    pub attempt: i32,
    pub informed: bool,
    pub status: JobStatus,
    /// No report contained its end.
    pub guessed: bool,
}

/// What must be known of a run to read its log the same way as its reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    pub status: RunStatus,
    pub started_at: Option<Millis>,
    /// Its start was reported, so its start time is the reported one.
    pub started: bool,
    /// Some of its jobs have no description.
    pub nameless: bool,
}

/// `None` if the run no longer exists, or if nobody executes it.
pub async fn run(conn: &mut Conn, run: RunId) -> Result<Option<Run>, StoreError> {
    let row: Option<(String, Option<i64>, bool, bool)> = sqlx::query_as(
        "select r.status, ms(r.started_at), r.snakefile is not null,
                exists (select from rule_counts c where c.workflow_run_id = r.id and c.rule_key = md5('')::uuid
                           and c.running + c.success + c.failed + c.lost + c.skipped > 0)
           from workflow_runs r where r.id = $1 and r.deleted_at is null and not r.dry_run",
    )
    .bind(run.0)
    .fetch_optional(conn)
    .await
    .doing("comparing a run with its log")?;
    let Some((status, started_at, started, nameless)) = row else { return Ok(None) };
    Ok(Some(Run { status: status::of_run(run, &status)?, started_at, started, nameless }))
}

/// The newest attempts of a run; while the run goes on, only those that have been without a description for ten seconds.
///
/// Reads all of them: a log is compared with every job.
pub async fn known(conn: &mut Conn, run: RunId, is_over: bool) -> Result<Vec<Known>, StoreError> {
    let mut rows = sqlx::query_as::<_, (i64, i64, i32, bool, String, Option<String>)>(
        "select id, job_id, attempt, informed, status, filled_from
           from job_executions
          where workflow_run_id = $1 and not superseded and job_id is not null
            and ($2 or rule is null and started_at < flowo_now() - interval '10 seconds')",
    )
    .bind(run.0)
    .bind(is_over)
    .fetch(conn);
    let mut known = Vec::new();
    while let Some((id, job_id, attempt, informed, status, filled)) = rows.try_next().await.doing("comparing jobs with a log")? {
        let status = status::of_job(id, &status)?;
        let guessed = status == JobStatus::Lost || filled.as_deref() == Some(Filled::Close.as_str());
        known.push(Known { job_id, attempt, informed, status, guessed });
    }
    Ok(known)
}

/// Fills in what a log says of attempts, oldest first, and how the run ended. Reported data stays.
///
/// The cost is proportional to the number of attempts. The caller owns the transaction.
pub async fn fill(conn: &mut Conn, run: RunId, end: Option<(RunStatus, Millis)>, attempts: Vec<LogAttempt>) -> Result<(), StoreError> {
    let mut folds = load::folds(conn, &[run.0]).await?;
    let wanted: HashSet<(RunId, i64)> = attempts.iter().map(|logged| (run, logged.job_id)).collect();
    load::jobs(conn, &wanted, &mut folds).await?;
    let Some(fold) = folds.get_mut(&run) else { return Ok(()) };
    if let Some((status, at)) = end {
        fold.fill_end(status, at);
    }
    let last = attempts.iter().map(|logged| logged.ended.map_or(logged.started_at, |(_, at)| at)).max();
    for logged in attempts {
        fold.fill(logged);
    }
    if let Some(at) = last.filter(|_| fold.run.status.is_end()) {
        fold.fill_rest(at);
    }
    let seen = folds.values().map(|fold| (fold.run.id, fold.run.last_seen_at)).collect();
    let loaded = Loaded { folds, owners: HashMap::new(), seen, deleted: HashSet::new(), quarantined: HashMap::new() };
    write::runs(conn, &loaded).await?;
    write::jobs(conn, loaded.folds.values(), &write::Reports::new()).await
}
