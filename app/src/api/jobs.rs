//! Jobs of a run for its page: a window of the list, or one job with all its details.

use super::prelude::*;
use model::{AsOf, JobKey, RunId, job::JobRow};
use view::jobs::{FailuresView, JobAsk, JobList, OpenJob};

/// The newest attempts of a run's jobs.
#[server(prefix = "/_fn", endpoint = "jobs/list", input = Json)]
pub async fn list_jobs(id: RunId, ask: JobAsk) -> Result<JobList, AppError> {
    let state = of_run(id).await?;
    let cursor = state.reader.hub.cursor(); // Taken first: a change during the read is sent again, not lost.
    let at = ask.at;
    let page = read::job_pages::page(&state.reader, id, read::job_pages::query(ask).map_err(fail)?, at).await.map_err(fail)?;
    Ok(JobList { page, cursor })
}

/// Most jobs that may be requested by key.
#[cfg(feature = "ssr")]
const NAMED: usize = 300;

/// The current rows of some jobs of a run, at most 300, and the keys of jobs that no longer exist.
#[server(prefix = "/_fn", endpoint = "jobs/named", input = Json)]
pub async fn read_jobs(id: RunId, jobs: Vec<JobKey>) -> Result<(Vec<JobRow>, Vec<JobKey>), AppError> {
    let (state, viewer) = (state()?, viewer().map_err(fail)?);
    if jobs.len() > NAMED {
        return Err(AppError::from(model::Invalid::new("jobs", "many jobs", "at most 300 jobs")).failed());
    }
    let mut conn = state.reader.store.conn().await?;
    read::check(&mut conn, &viewer, id).await.map_err(fail)?;
    Ok(store::jobs::changed(&mut conn, id, &jobs).await?)
}

/// One job with everything known about it; at a past moment, with what was known then.
#[server(prefix = "/_fn", endpoint = "jobs/read", input = Json)]
pub async fn read_job(id: RunId, job: JobKey, at: Option<AsOf>) -> Result<OpenJob, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(fail)?);
    read::job_pages::open(&state.reader, &viewer, id, job, at).await.map_err(fail)
}

/// What has failed in a run, now or at a past moment, and what its client reported about it.
#[server(prefix = "/_fn", endpoint = "jobs/failures", input = Json)]
pub async fn read_failures(id: RunId, at: Option<AsOf>) -> Result<FailuresView, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(fail)?);
    read::failures::view(&state.reader, &viewer, id, at).await.map_err(fail)
}
