//! Runs jobs again through the same fold and the same statements as reports. Decides no rights.

use super::{Loaded, load, write};
use crate::{Conn, StoreError};
use model::{Epoch, Millis, RunId};
use std::collections::{HashMap, HashSet};

/// Lets a run go on and gives each of `jobs` that is over another attempt, which waits; see [`model::fold::RunFold::rerun`].
///
/// Returns the epoch in which the run goes on; `None` if there is no such run. The caller owns the transaction, and has
/// checked that the run is not deleted.
///
/// # Errors
/// On any error the caller must roll back.
pub async fn rerun(conn: &mut Conn, run: RunId, jobs: &[i64], at: Millis) -> Result<Option<Epoch>, StoreError> {
    let mut folds = load::folds(conn, &[run.0]).await?;
    let wanted: HashSet<(RunId, i64)> = jobs.iter().map(|job| (run, *job)).collect();
    load::jobs(conn, &wanted, &mut folds).await?;
    let Some(fold) = folds.get_mut(&run) else { return Ok(None) };
    fold.rerun(jobs, at);
    let epoch = fold.run.epoch;
    let seen = HashMap::from([(run, fold.run.last_seen_at)]);
    let loaded = Loaded { folds, owners: HashMap::new(), seen, deleted: HashSet::new(), quarantined: HashMap::new() };
    write::runs(conn, &loaded).await?;
    write::jobs(conn, loaded.folds.values(), &write::Reports::new()).await?;
    Ok(Some(epoch))
}
