//! How far the journals of updates, which are files beside their servers, have been applied.

use crate::{Conn, Doing, StoreError};
use uuid::Uuid;

/// Records that a journal is applied up to a line. Returns `false` if that was already recorded: then an earlier commit
/// succeeded although its answer was lost.
///
/// Must be the first statement of the transaction that applies the lines, so that no line counts twice: it waits for an
/// earlier transaction that is still committing.
pub async fn mark(conn: &mut Conn, journal: Uuid, line: i64) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "insert into journals (id, applied) values ($1, $2)
         on conflict (id) do update set applied = excluded.applied, changed_at = flowo_now() where journals.applied < excluded.applied",
    )
    .bind(journal)
    .bind(line)
    .execute(conn)
    .await
    .doing("noting how far a journal is applied")?;
    Ok(done.rows_affected() > 0)
}

/// The last line of a journal that was applied; 0 if none was.
pub async fn applied(conn: &mut Conn, journal: Uuid) -> Result<i64, StoreError> {
    let found: Option<i64> = sqlx::query_scalar("select applied from journals where id = $1")
        .bind(journal)
        .fetch_optional(conn)
        .await
        .doing("reading how far a journal is applied")?;
    Ok(found.unwrap_or(0))
}

/// Forgets a journal that no longer exists.
pub async fn forget(conn: &mut Conn, journal: Uuid) -> Result<(), StoreError> {
    sqlx::query("delete from journals where id = $1").bind(journal).execute(conn).await.doing("forgetting a journal")?;
    Ok(())
}
