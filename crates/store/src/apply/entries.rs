//! The messages of a batch: messages of jobs, and errors, for people to search.

use super::Receipt;
use crate::{Conn, Doing, StoreError, logs::KEPT};
use model::{JobStatus, Millis, RunId, cut::letters, event::Event, fold::RunFold};

/// A message about a run or about an attempt of a job.
#[derive(Debug)]
pub(super) struct Said {
    run: RunId,
    /// The client's number of the job, and the attempt.
    job: Option<(i64, i32)>,
    level: &'static str,
    message: String,
    at: Millis,
}

/// The message in `event`, unless it repeats one. `fold` is the state before the event.
pub(super) fn said(fold: &RunFold, event: &Event, at: Millis) -> Option<Said> {
    let newest = |id: &i64| fold.jobs.get(id).and_then(|attempts| attempts.last());
    let (job, level, message) = match event {
        Event::Said { level, message, .. } if !message.trim().is_empty() => (None, *level, message.clone()),
        Event::Error(error) | Event::Fatal { error, .. } => {
            let place = error.location.iter().map(|location| format!(" in {location}"));
            let trace = error.traceback.iter().map(|trace| format!("\n{trace}"));
            (None, "error", std::iter::once(error.exception.clone()).chain(place).chain(trace).collect::<String>())
        }
        Event::JobInfo(info) => {
            let before = newest(&info.job_id);
            if before.is_some_and(|job| job.informed) {
                return None; // A repetition.
            }
            (Some((info.job_id, before.map_or(1, |job| job.attempt))), "info", info.message.clone()?)
        }
        Event::JobEnded { job_id, status: JobStatus::Failed } | Event::JobFailed { job_id, .. } => {
            let before = newest(job_id);
            if before.is_some_and(|job| job.status == JobStatus::Failed) {
                return None; // A repetition.
            }
            let rule = before.and_then(|job| job.rule.clone());
            let message = rule.map_or_else(|| format!("Job {job_id} failed"), |rule| format!("Job {job_id} of {rule} failed"));
            (Some((*job_id, before.map_or(1, |job| job.attempt))), "error", message)
        }
        _ => return None,
    };
    Some(Said { run: fold.run.id, job, level, message: letters(&message, KEPT), at })
}

/// Writes the messages. Must run after the jobs are written.
pub(super) async fn write(conn: &mut Conn, all: Vec<Said>, receipts: &[Receipt]) -> Result<(), StoreError> {
    if all.is_empty() || receipts.is_empty() {
        return Ok(());
    }
    let (mut runs, mut jobs, mut attempts, mut levels, mut messages, mut times) = (vec![], vec![], vec![], vec![], vec![], vec![]);
    for Said { run, job, level, message, at } in all {
        runs.push(run.0);
        jobs.push(job.map(|(id, _)| id));
        attempts.push(job.map(|(_, attempt)| attempt));
        levels.push(level);
        messages.push(message);
        times.push(at);
    }
    sqlx::query(
        "insert into log_entries (workflow_run_id, job_execution_id, level, message, logged_at)
         select x.run, j.id, x.level, x.message, at_ms(x.at)
           from unnest($1::uuid[], $2::bigint[], $3::integer[], $4::text[], $5::text[], $6::bigint[])
             with ordinality as x(run, job, attempt, level, message, at, nth)
           left join lateral (
                select id from job_executions
                 where workflow_run_id = x.run and job_id = x.job and attempt = x.attempt) j on true
          order by x.nth",
    )
    .bind(runs)
    .bind(jobs)
    .bind(attempts)
    .bind(levels)
    .bind(messages)
    .bind(times)
    .execute(conn)
    .await
    .doing("writing what clients said")?;
    Ok(())
}
