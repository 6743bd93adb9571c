//! Numbers for jobs that their source knows by name. A writer asks here first; then it reports the jobs like any others.

use crate::{Conn, Doing, StoreError};
use model::{
    Invalid, NameKey, RunId,
    name_key::{Held, KEYS},
};
use sqlx::types::Uuid;

/// The keys of jobs by their names, in the order of `names`: the job number to report, with the name beside it. A name
/// that cannot have a key has the reason in its place.
///
/// A name that has a job keeps its key. Names are compared, so two names never share a job: see [`Held::give`]. Locks
/// the run until the end of the caller's transaction, in which the caller also writes the jobs; another writer would
/// otherwise give the same key. One index lookup per key.
///
/// # Errors
/// The database cannot be queried, or there is no such run, which could not be locked.
pub async fn keys(conn: &mut Conn, run: RunId, names: &[&str]) -> Result<Vec<Result<NameKey, Invalid>>, StoreError> {
    let keys: Vec<Result<[NameKey; KEYS], Invalid>> = names.iter().map(|name| NameKey::of(name)).collect();
    let mut held = held(conn, run, keys.iter().flatten().flatten().copied()).await?;
    Ok(names.iter().zip(keys).map(|(name, keys)| held.give(name, keys?)).collect())
}

/// The jobs of the run that have one of `keys`.
async fn held(conn: &mut Conn, run: RunId, keys: impl Iterator<Item = NameKey>) -> Result<Held, StoreError> {
    let _: Uuid = sqlx::query_scalar("select id from workflow_runs where id = $1 for no key update")
        .bind(run.0)
        .fetch_one(&mut *conn)
        .await
        .doing("locking a run")?;
    let rows: Vec<(i64, Option<String>)> =
        sqlx::query_as("select job_id, name from job_executions where workflow_run_id = $1 and job_id = any($2) and not superseded")
            .bind(run.0)
            .bind(keys.map(NameKey::number).collect::<Vec<_>>())
            .fetch_all(conn)
            .await
            .doing("finding jobs by name")?;
    let mut held = Held::default();
    for (number, name) in rows {
        held.note(NameKey::of_number(number), name);
    }
    Ok(held)
}
