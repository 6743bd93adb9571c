//! What must be true of the database after a story, whatever faults the story had.

use std::collections::HashMap;

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::client::Played;
use crate::script::LENGTH;

/// The violations, in words.
pub type Violations = Vec<String>;

const OPENING: usize = 3;
const PER_JOB: usize = 3;

/// The name of a report, and the job that it is about.
fn event(at: usize) -> (&'static str, Option<i64>) {
    match at {
        0 => ("workflow_started", None),
        1 => ("rulegraph", None),
        2 => ("run_info", None),
        _ if at + 1 == LENGTH => ("close", None),
        _ => {
            let job = ((at - OPENING) / PER_JOB + 1) as i64;
            (["job_started", "job_info", "job_finished"][(at - OPENING) % PER_JOB], Some(job))
        }
    }
}

/// Every acknowledged report is stored as often as it was acknowledged, no report that was sent once is stored twice,
/// the displayed state follows from the stored reports, and the counters match the rows.
pub async fn reports(conn: &mut PgConnection, played: &[Played]) -> Result<Violations> {
    let mut violations = Vec::new();
    for run in played {
        let Some(id) = run.id else {
            let taken = run.sent.iter().filter(|sent| sent.acknowledged > 0).count();
            if taken > 0 {
                violations.push(format!("{taken} reports were acknowledged without a run"));
            }
            continue;
        };
        one(conn, run, id, &mut violations).await?;
    }
    let wrong: Vec<String> = sqlx::query_scalar(
        "select r.id || ': the run counts ' || concat_ws(' ', r.jobs_waiting, r.jobs_running, r.jobs_success, r.jobs_failed, r.jobs_lost)
                || ', its rows are ' || concat_ws(' ', j.waiting, j.running, j.success, j.failed, j.lost)
           from workflow_runs r,
                lateral (select count(*) filter (where status = 'waiting') as waiting, count(*) filter (where status = 'running') as running,
                                count(*) filter (where status = 'success') as success, count(*) filter (where status = 'failed') as failed,
                                count(*) filter (where status = 'lost') as lost
                           from job_executions where workflow_run_id = r.id and not superseded) j
          where (r.jobs_waiting, r.jobs_running, r.jobs_success, r.jobs_failed, r.jobs_lost)
                <> (j.waiting, j.running, j.success, j.failed, j.lost)
         union all
         select c.workflow_run_id || ': rule ' || c.rule || ' counts ' || (c.waiting + c.running + c.success + c.failed + c.lost)
           from rule_counts c
          where (c.waiting, c.running, c.success, c.failed, c.lost) <>
                (select count(*) filter (where status = 'waiting'), count(*) filter (where status = 'running'),
                        count(*) filter (where status = 'success'), count(*) filter (where status = 'failed'),
                        count(*) filter (where status = 'lost')
                   from job_executions where workflow_run_id = c.workflow_run_id and coalesce(rule, '') = c.rule and not superseded)
         union all
         select j.workflow_run_id || ': job ' || j.job_id || ' is there ' || count(*) || ' times'
           from job_executions j where not superseded group by j.workflow_run_id, j.job_id having count(*) > 1",
    )
    .fetch_all(&mut *conn)
    .await?;
    violations.extend(wrong);
    Ok(violations)
}

async fn one(conn: &mut PgConnection, run: &Played, id: Uuid, violations: &mut Violations) -> Result<()> {
    let rows: Vec<(String, Option<i64>, i64)> = sqlx::query_as(
        "select event, coalesce((body #>> '{record,job_id}')::bigint, (body #>> '{record,job_ids,0}')::bigint), count(*)
           from ingest_events where workflow_run_id = $1 and outcome <> 'quarantined' group by 1, 2",
    )
    .bind(id)
    .fetch_all(&mut *conn)
    .await?;
    let stored: HashMap<(String, Option<i64>), i64> = rows.into_iter().map(|(event, job, n)| ((event, job), n)).collect();
    for sent in &run.sent {
        let (name, job) = event(sent.at);
        let n = stored.get(&(name.to_owned(), job)).copied().unwrap_or(0);
        if n < i64::from(sent.acknowledged) {
            violations.push(format!("{id}: {name} of job {job:?} was acknowledged {} times and is stored {n} times", sent.acknowledged));
        }
        if n > i64::from(sent.tries) {
            violations.push(format!("{id}: {name} of job {job:?} was sent {} times and is stored {n} times", sent.tries));
        }
    }
    let jobs: Vec<(i64, String)> =
        sqlx::query_as("select job_id, status from job_executions where workflow_run_id = $1 and not superseded and job_id is not null")
            .bind(id)
            .fetch_all(&mut *conn)
            .await?;
    let jobs: HashMap<i64, String> = jobs.into_iter().collect();
    for sent in run.sent.iter().filter(|sent| sent.acknowledged > 0) {
        let (name, Some(job)) = event(sent.at) else { continue };
        let shown = jobs.get(&job).map(String::as_str);
        let holds = match name {
            "job_finished" => shown == Some("success"),
            _ => shown.is_some(),
        };
        if !holds {
            violations.push(format!("{id}: {name} of job {job} was acknowledged, the job is {shown:?}"));
        }
    }
    let status: Option<String> =
        sqlx::query_scalar("select status from workflow_runs where id = $1").bind(id).fetch_optional(&mut *conn).await?;
    let closed = run.sent.last().is_some_and(|sent| sent.at + 1 == LENGTH && sent.acknowledged > 0);
    let whole = run.sent.iter().all(|sent| sent.acknowledged > 0);
    match status.as_deref() {
        None => violations.push(format!("{id}: the run was acknowledged and is gone")),
        Some("running") if closed => violations.push(format!("{id}: the run was closed and runs")),
        Some(other) if whole && other != "success" => violations.push(format!("{id}: everything was acknowledged, the run is {other}")),
        Some(_) => {}
    }
    if run.repeats && !whole {
        violations.push(format!("{id}: a client that repeats its reports did not get them all taken"));
    }
    if jobs.len() > run.jobs {
        violations.push(format!("{id}: {} jobs are shown, {} were reported", jobs.len(), run.jobs));
    }
    Ok(())
}
