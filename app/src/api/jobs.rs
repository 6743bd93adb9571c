//! Jobs of a run for its page: a window of the list, one with all its details.

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::{
    api::tail::server::tail,
    state::{AppState, Reach, Viewer, state, viewer},
};
use leptos::prelude::*;
use model::{AsOf, JobKey, RunId, job::JobRow};
#[cfg(feature = "ssr")]
use model::{JobStatus, job::FileRole};
use server_fn::codec::Json;
use view::jobs::{FailuresView, JobAsk, JobList, OpenJob};
#[cfg(feature = "ssr")]
use view::logs::LogTail;

/// Words that are searched for (bytes).
#[cfg(feature = "ssr")]
const LONGEST: usize = 200;

#[cfg(feature = "ssr")]
fn query(ask: JobAsk) -> Result<store::jobs::Query, AppError> {
    let told = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let statuses = JobStatus::list(ask.status.as_deref().unwrap_or(""))?;
    let find = told(ask.find).map(|find| find.trim().to_owned());
    if find.as_ref().is_some_and(|find| find.len() > LONGEST) {
        return Err(model::Invalid::new("find", "a long text", "at most 200 bytes").into());
    }
    let sort = told(ask.sort).map(|text| text.parse()).transpose()?.unwrap_or_default();
    let after = told(ask.after).map(|text| text.parse()).transpose()?;
    Ok(store::jobs::Query { rule: ask.rule, statuses, find, sort, all_attempts: false, limit: 100, after })
}

/// The newest attempts of a run's jobs.
#[server(prefix = "/_fn", endpoint = "jobs/list", input = Json)]
pub async fn list_jobs(id: RunId, ask: JobAsk) -> Result<JobList, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(AppError::told)?);
    let cursor = state.hub.cursor(); // Taken first: a change during the read is sent again, not lost.
    let mut conn = state.store.conn().await?;
    viewer.sees(&mut conn, id).await.map_err(AppError::told)?;
    drop(conn); // All jobs may have to be read.
    let at = ask.at;
    let page = crate::job_lists::page(&state, id, query(ask).map_err(AppError::told)?, at).await.map_err(AppError::told)?;
    Ok(JobList { page, cursor })
}

/// Jobs that may be asked for by name.
#[cfg(feature = "ssr")]
const NAMED: usize = 300;

/// The present rows of some jobs of a run, at most 300, and which of them are gone.
#[server(prefix = "/_fn", endpoint = "jobs/named", input = Json)]
pub async fn read_jobs(id: RunId, jobs: Vec<JobKey>) -> Result<(Vec<JobRow>, Vec<JobKey>), AppError> {
    let (state, viewer) = (state()?, viewer().map_err(AppError::told)?);
    if jobs.len() > NAMED {
        return Err(AppError::from(model::Invalid::new("jobs", "many jobs", "at most 300 jobs")).told());
    }
    let mut conn = state.store.conn().await?;
    viewer.sees(&mut conn, id).await.map_err(AppError::told)?;
    Ok(store::jobs::changed(&mut conn, id, &jobs).await?)
}

/// Logs of a job whose ends are shown.
#[cfg(feature = "ssr")]
const TAILS: usize = 4;

/// The ends of the first of some logs of a run.
#[cfg(feature = "ssr")]
async fn tails(state: &AppState, reach: &Reach, paths: Vec<String>) -> Vec<LogTail> {
    let mut tails = Vec::new();
    for path in paths.into_iter().take(TAILS) {
        tails.extend(tail(state, reach, path).await);
    }
    tails
}

/// One job with everything that is known of it; of a moment of the past, what was known then.
#[server(prefix = "/_fn", endpoint = "jobs/read", input = Json)]
pub async fn read_job(id: RunId, job: JobKey, at: Option<AsOf>) -> Result<OpenJob, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(AppError::told)?);
    let mut conn = state.store.conn().await?;
    let reach = viewer.run(&mut conn, id).await.map_err(AppError::told)?.reach;
    let mut detail = store::jobs::detail(&mut conn, id, job).await?.ok_or(AppError::NotFound).map_err(AppError::told)?;
    drop(conn); // Highlighting takes its time.
    if let Some(at) = at {
        let then = state.marks.then(id, at).await.map_err(AppError::told)?;
        then.past.of_detail(&mut detail, &then.snapshot.marks);
    }
    let text = detail.shell_command.clone();
    let made =
        crate::work::shared("the highlighting", move |leash| Ok(text.map(|text| crate::highlight::html(text.trim(), "bash", leash))));
    let logs = detail.files.iter().filter(|file| file.role == FileRole::Log).map(|file| file.path.clone()).collect();
    let (command, logs) = futures::future::join(made, tails(&state, &reach, logs)).await;
    let command = command.map_err(AppError::told)?;
    let benchmark = match detail.files.iter().find(|file| file.role == FileRole::Benchmark) {
        Some(file) => super::benchmarks::read(&state, &reach, vec![file.path.clone()]).await.pop().flatten(),
        None => None,
    };
    Ok(OpenJob { detail, command, logs, benchmark })
}

/// What failed in a run, or had failed at a moment of the past, and what its client said about it.
#[server(prefix = "/_fn", endpoint = "jobs/failures", input = Json)]
pub async fn read_failures(id: RunId, at: Option<AsOf>) -> Result<FailuresView, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(AppError::told)?);
    failures(&state, &viewer, id, at).await.map_err(AppError::told)
}

/// [`read_failures`] for the server itself.
#[cfg(feature = "ssr")]
pub async fn failures(state: &AppState, viewer: &Viewer, id: RunId, at: Option<AsOf>) -> Result<FailuresView, AppError> {
    let mut conn = state.store.conn().await?;
    let reach = viewer.run(&mut conn, id).await?.reach;
    let failures = match at {
        None => store::jobs::failures(&mut conn, id).await?,
        Some(at) => {
            drop(conn);
            let then = state.marks.then(id, at).await?;
            let failed = then.snapshot.marks.rows.iter().filter(|mark| mark.status == JobStatus::Failed && !mark.superseded);
            let failed: Vec<JobKey> = failed.map(|mark| mark.id).collect();
            conn = state.store.conn().await?;
            store::jobs::failures_then(&mut conn, id, &failed, at.millis()).await?
        }
    };
    drop(conn); // A file may be slow.
    let logs = failures.groups.first().map(|first| first.logs.clone()).unwrap_or_default();
    let logs = tails(state, &reach, logs).await;
    Ok(FailuresView { failures, logs })
}
