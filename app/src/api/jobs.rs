//! Jobs of a run for its page: a window of the list, one with all its details.

use crate::{api::tail::LogTail, error::AppError, paths::RunPlace};
#[cfg(feature = "ssr")]
use crate::{
    api::tail::server::tail,
    state::{AppState, Viewer, state, viewer},
};
use leptos::prelude::*;
use model::{
    JobKey, Millis, RunId,
    job::{Failures, JobDetail, JobRow},
    live::LiveCursor,
    page::Page,
};
#[cfg(feature = "ssr")]
use model::{JobStatus, job::FileRole};
use serde::{Deserialize, Serialize};
use server_fn::codec::Json;

/// A window of a run's jobs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobList {
    pub page: Page<JobRow>,
    /// The point at which it was read.
    pub cursor: LiveCursor,
}

/// Which jobs of a run, as the address says it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobAsk {
    pub rule: Option<String>,
    /// Words joined by commas.
    pub status: Option<String>,
    /// Words in a wildcard's value.
    pub find: Option<String>,
    pub sort: Option<String>,
    /// The place after which the list goes on.
    pub after: Option<String>,
    /// As they were at a moment of the past.
    pub at: Option<Millis>,
}

impl JobAsk {
    /// What a place in the job list asks for.
    pub fn of(place: &RunPlace) -> Self {
        let RunPlace { rule, status, find, sort, after, .. } = place.clone();
        Self { rule, status, find, sort, after, at: place.moment() }
    }
}

#[cfg(feature = "ssr")]
impl JobAsk {
    /// Words that are searched for (bytes).
    const LONGEST: usize = 200;

    fn query(self) -> Result<store::jobs::Query, AppError> {
        let told = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let words = self.status.as_deref().unwrap_or("").split(',').filter(|word| !word.is_empty());
        let statuses = words.map(str::parse).collect::<Result<_, _>>()?;
        let find = told(self.find).map(|find| find.trim().to_owned());
        if find.as_ref().is_some_and(|find| find.len() > Self::LONGEST) {
            return Err(model::Invalid::new("find", "a long text", "at most 200 bytes").into());
        }
        let sort = told(self.sort).map(|text| text.parse()).transpose()?.unwrap_or_default();
        let after = told(self.after).map(|text| text.parse()).transpose()?;
        Ok(store::jobs::Query { rule: self.rule, statuses, find, sort, all_attempts: false, limit: 100, after })
    }
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
    let page = crate::job_lists::page(&state, id, ask.query().map_err(AppError::told)?, at).await.map_err(AppError::told)?;
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

/// A job with its command as HTML with classes, where it has one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenJob {
    pub detail: JobDetail,
    pub command: Option<String>,
    /// The end of its first log.
    pub log: Option<LogTail>,
    /// What it took, by its benchmark file.
    pub benchmark: Option<model::preview::Benchmark>,
}

/// What failed, with the end of the log of the job that stands for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailuresView {
    pub failures: Failures,
    pub log: Option<LogTail>,
}

/// One job with everything that is known of it; of a moment of the past, what was known then.
#[server(prefix = "/_fn", endpoint = "jobs/read", input = Json)]
pub async fn read_job(id: RunId, job: JobKey, at: Option<Millis>) -> Result<OpenJob, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(AppError::told)?);
    let mut conn = state.store.conn().await?;
    let run = viewer.run(&mut conn, id).await.map_err(AppError::told)?;
    let mut detail = store::jobs::detail(&mut conn, id, job).await?.ok_or(AppError::NotFound).map_err(AppError::told)?;
    drop(conn); // Highlighting takes its time.
    if let Some(at) = at {
        let then = state.marks.then(id, at).await.map_err(AppError::told)?;
        then.past.of_detail(&mut detail, &then.snapshot.marks);
    }
    let text = detail.shell_command.clone();
    let made = tokio::task::spawn_blocking(move || text.map(|text| crate::highlight::html(text.trim(), "bash")));
    let log = match detail.files.iter().find(|file| file.role == FileRole::Log) {
        Some(file) => tail(&state, &viewer, run.directory.as_deref(), file.path.clone()).await,
        None => None,
    };
    let command = made.await.map_err(|_| AppError::internal("the highlighting broke"))?;
    let benchmark = match detail.files.iter().find(|file| file.role == FileRole::Benchmark) {
        Some(file) => {
            let reach = crate::state::Reach::of(&viewer, run.directory.as_deref());
            super::benchmarks::read(&state, &reach, vec![file.path.clone()]).await.pop().flatten()
        }
        None => None,
    };
    Ok(OpenJob { detail, command, log, benchmark })
}

/// What failed in a run, or had failed at a moment of the past, and what its client said about it.
#[server(prefix = "/_fn", endpoint = "jobs/failures", input = Json)]
pub async fn read_failures(id: RunId, at: Option<Millis>) -> Result<FailuresView, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(AppError::told)?);
    failures(&state, &viewer, id, at).await.map_err(AppError::told)
}

/// [`read_failures`] for the server itself.
#[cfg(feature = "ssr")]
pub async fn failures(state: &AppState, viewer: &Viewer, id: RunId, at: Option<Millis>) -> Result<FailuresView, AppError> {
    let mut conn = state.store.conn().await?;
    let run = viewer.run(&mut conn, id).await?;
    let failures = match at {
        None => store::jobs::failures(&mut conn, id).await?,
        Some(at) => {
            drop(conn);
            let then = state.marks.then(id, at).await?;
            let failed = then.snapshot.marks.rows.iter().filter(|mark| mark.status == JobStatus::Failed && !mark.superseded);
            let failed: Vec<JobKey> = failed.map(|mark| mark.id).collect();
            conn = state.store.conn().await?;
            store::jobs::failures_then(&mut conn, id, &failed, at).await?
        }
    };
    drop(conn); // A file may be slow.
    let log = match failures.groups.first().and_then(|first| first.log.clone()) {
        Some(path) => tail(state, viewer, run.directory.as_deref(), path).await,
        None => None,
    };
    Ok(FailuresView { failures, log })
}
