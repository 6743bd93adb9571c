//! Pages of a run's jobs: as they were reported from the database, in other orders and by words from
//! the jobs in memory. Server only.

use crate::{error::AppError, state::AppState, work};
use model::{
    AsOf, RunId,
    job::JobRow,
    page::{JobColumn, Page},
};
use store::{
    jobs::{self, Query, order},
    past,
};

/// One page, of now or of a moment of the past; the caller has checked that the reader may see the run.
pub async fn page(state: &AppState, run: RunId, query: Query, at: Option<AsOf>) -> Result<Page<JobRow>, AppError> {
    if !query.is_over_all() && at.is_none() {
        let mut conn = state.store.conn().await?;
        return Ok(jobs::list(&mut conn, run, &query).await?);
    }
    let then = match at {
        Some(at) => Some(state.marks.then(run, at).await?),
        None => None,
    };
    let now = match &then {
        Some(then) => then.snapshot.clone(),
        None => state.marks.of_run(run).await?,
    };
    let found = work::shared("an order of jobs", move |leash| {
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
    let mut conn = state.store.conn().await?;
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
