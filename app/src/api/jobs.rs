//! Jobs of a run for its page: a window of the list, one with all its details.

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::state::{state, viewer};
use leptos::prelude::*;
use model::{
    JobKey, RunId,
    job::{Failures, JobDetail, JobRow},
    live::LiveCursor,
    page::Page,
};
use serde::{Deserialize, Serialize};
use server_fn::codec::Json;

/// A window of a run's jobs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobList {
    pub page: Page<JobRow>,
    /// The point at which it was read.
    pub cursor: LiveCursor,
}

/// The newest attempts of a run's jobs, by rule and status words, from a place on.
#[server(prefix = "/_fn", endpoint = "jobs/list", input = Json)]
pub async fn list_jobs(id: RunId, rule: Option<String>, status: Option<String>, after: Option<String>) -> Result<JobList, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(AppError::told)?);
    let cursor = state.hub.cursor(); // Taken first: a change during the read is sent again, not lost.
    let mut conn = state.store.conn().await?;
    viewer.sees(&mut conn, id).await.map_err(AppError::told)?;
    let page = server::page(&mut conn, id, rule.as_deref(), status.as_deref(), after.as_deref()).await.map_err(AppError::told)?;
    Ok(JobList { page, cursor })
}

/// One job with everything that is known of it.
#[server(prefix = "/_fn", endpoint = "jobs/read", input = Json)]
pub async fn read_job(id: RunId, job: JobKey) -> Result<JobDetail, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(AppError::told)?);
    let mut conn = state.store.conn().await?;
    viewer.sees(&mut conn, id).await.map_err(AppError::told)?;
    store::jobs::detail(&mut conn, id, job).await?.ok_or(AppError::NotFound).map_err(AppError::told)
}

/// What failed in a run, and what its client said about it.
#[server(prefix = "/_fn", endpoint = "jobs/failures", input = Json)]
pub async fn read_failures(id: RunId) -> Result<Failures, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(AppError::told)?);
    let mut conn = state.store.conn().await?;
    viewer.sees(&mut conn, id).await.map_err(AppError::told)?;
    Ok(store::jobs::failures(&mut conn, id).await?)
}

#[cfg(feature = "ssr")]
mod server {
    use crate::error::AppError;
    use model::{JobStatus, RunId, job::JobRow, page::Page};
    use store::{Conn, jobs};

    /// Jobs a page.
    const JOBS: u32 = 100;

    pub async fn page(
        conn: &mut Conn,
        run: RunId,
        rule: Option<&str>,
        status: Option<&str>,
        after: Option<&str>,
    ) -> Result<Page<JobRow>, AppError> {
        let words = status.unwrap_or("").split(',').filter(|word| !word.is_empty());
        let statuses = words.map(str::parse).collect::<Result<Vec<JobStatus>, _>>()?;
        let after = after.filter(|text| !text.is_empty()).map(str::parse).transpose()?;
        let query = jobs::Query { rule, statuses: &statuses, all_attempts: false, limit: JOBS, after: after.as_ref() };
        Ok(jobs::list(conn, run, &query).await?)
    }
}
