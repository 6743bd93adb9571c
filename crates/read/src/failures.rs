//! What failed in a run, grouped by cause.

use crate::{ReadError, Reader, tail::tails};
use model::{AsOf, JobKey, JobStatus, RunId, access::Viewer};
use view::jobs::FailuresView;

/// What failed in a run, or had failed at a past moment, and the errors that its client reported.
///
/// # Errors
/// The viewer may not see the run, or the database does not respond.
pub async fn view(reader: &Reader, viewer: &Viewer, id: RunId, at: Option<AsOf>) -> Result<FailuresView, ReadError> {
    let mut conn = reader.store.conn().await?;
    let reach = crate::run(&mut conn, viewer, id).await?.reach;
    let failures = match at {
        None => store::jobs::failures(&mut conn, id).await?,
        Some(at) => {
            drop(conn);
            let then = reader.jobs.then(id, at).await?;
            let failed = then.snapshot.marks.rows.iter().filter(|mark| mark.status == JobStatus::Failed && !mark.superseded);
            let failed: Vec<JobKey> = failed.map(|mark| mark.id).collect();
            conn = reader.store.conn().await?;
            store::jobs::failures_then(&mut conn, id, &failed, at.millis()).await?
        }
    };
    drop(conn); // A file may be slow.
    let logs = failures.groups.first().map(|first| first.logs.clone()).unwrap_or_default();
    let logs = tails(reader, &reach, logs).await;
    Ok(FailuresView { failures, logs })
}
