//! Pages of a run's jobs: in the reported order from the database, in other orders and for searches from the jobs in memory.

use crate::{ReadError, Reader, benchmarks, highlight, tail::tails, work};
use model::{
    AsOf, Invalid, JobKey, JobStatus, RunId,
    access::Viewer,
    job::{FileRole, JobRow},
    page::{JobColumn, Page},
};
use store::{
    jobs::{self, Query, order},
    past,
};
use view::jobs::{JobAsk, OpenJob};

/// How long a search text may be (bytes).
const LONGEST: usize = 200;

/// The query for what a page requests.
///
/// # Errors
/// The request contains an invalid value.
pub fn query(ask: JobAsk) -> Result<Query, ReadError> {
    let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let statuses = JobStatus::list(ask.status.as_deref().unwrap_or(""))?;
    let find = given(ask.find).map(|find| find.trim().to_owned());
    if find.as_ref().is_some_and(|find| find.len() > LONGEST) {
        return Err(Invalid::new("find", "a long text", "at most 200 bytes").into());
    }
    let sort = given(ask.sort).map(|text| text.parse()).transpose()?.unwrap_or_default();
    let after = given(ask.after).map(|text| text.parse()).transpose()?;
    Ok(Query { rule: ask.rule, statuses, find, sort, all_attempts: false, limit: 100, after })
}

/// One page, of now or of a past moment. The caller has checked that the reader may see the run.
pub async fn page(reader: &Reader, run: RunId, query: Query, at: Option<AsOf>) -> Result<Page<JobRow>, ReadError> {
    if !query.is_over_all() && at.is_none() {
        let mut conn = reader.store.conn().await?;
        return Ok(jobs::list(&mut conn, run, &query).await?);
    }
    let then = match at {
        Some(at) => Some(reader.jobs.then(run, at).await?),
        None => None,
    };
    let now = match &then {
        Some(then) => then.snapshot.clone(),
        None => reader.jobs.of_run(run).await?,
    };
    let found = work::shared(reader.store.clock(), "an order of jobs", move |leash| {
        let values = match &query.sort.column {
            JobColumn::Wildcard(name) => Some(now.values(name)),
            _ => None,
        };
        leash.check()?;
        let texts = query.find.is_some().then(|| now.texts());
        leash.check()?;
        Ok(order::window(&now.marks, values.as_deref(), texts.as_deref(), &query))
    });
    let (ids, next) = found.await??;
    let mut conn = reader.store.conn().await?;
    let mut items = jobs::named(&mut conn, run, &ids).await?;
    if let Some(then) = then {
        for row in &mut items {
            if let Some(mark) = past::find(&then.snapshot.marks, row.id) {
                then.past.of_row(row, mark);
            }
        }
    }
    Ok(Page { items, next })
}

/// One job with its details, its command highlighted, the ends of its logs and its benchmark.
///
/// # Errors
/// The viewer may not see the run, the run has no such job, or the database does not respond.
pub async fn open(reader: &Reader, viewer: &Viewer, id: RunId, job: JobKey, at: Option<AsOf>) -> Result<OpenJob, ReadError> {
    let mut conn = reader.store.conn().await?;
    let reach = crate::run(&mut conn, viewer, id).await?.reach;
    let mut detail = jobs::detail(&mut conn, id, job).await?.ok_or(ReadError::NotFound)?;
    drop(conn); // Highlighting takes time.
    if let Some(at) = at {
        let then = reader.jobs.then(id, at).await?;
        then.past.of_detail(&mut detail, &then.snapshot.marks);
    }
    let text = detail.shell_command.clone();
    let made = work::shared(reader.store.clock(), "the highlighting", move |leash| {
        Ok(text.map(|text| highlight::html(text.trim(), "bash", leash)))
    });
    let logs = detail.files.iter().filter(|file| file.role == FileRole::Log).map(|file| file.path.clone()).collect();
    let (command, logs) = futures::future::join(made, tails(reader, &reach, logs)).await;
    let benchmark = match detail.files.iter().find(|file| file.role == FileRole::Benchmark) {
        Some(file) => benchmarks::read(reader, &reach, vec![file.path.clone()]).await.pop().flatten(),
        None => None,
    };
    Ok(OpenJob { detail, command: command?, logs, benchmark })
}
