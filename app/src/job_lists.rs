//! Pages of a run's jobs: as they were reported from the database, in other orders and by words from
//! the jobs in memory. Server only.

use crate::{error::AppError, state::AppState};
use model::{
    RunId,
    job::JobRow,
    page::{JobColumn, Page},
};
use store::jobs::{self, Query, order};

/// One page; the caller has checked that the reader may see the run.
pub async fn page(state: &AppState, run: RunId, query: Query) -> Result<Page<JobRow>, AppError> {
    if !query.is_over_all() {
        let mut conn = state.store.conn().await?;
        return Ok(jobs::list(&mut conn, run, &query).await?);
    }
    let now = state.marks.of_run(run).await?;
    let found = tokio::task::spawn_blocking(move || {
        let values = match &query.sort.column {
            JobColumn::Wildcard(name) => Some(now.values(name)),
            _ => None,
        };
        let texts = query.find.is_some().then(|| now.texts());
        order::window(&now.marks, values.as_deref(), texts.as_deref(), &query)
    });
    let (ids, next) = found.await.map_err(|_| AppError::internal("an order broke"))??;
    let mut conn = state.store.conn().await?;
    Ok(Page { items: jobs::named(&mut conn, run, &ids).await?, next })
}
