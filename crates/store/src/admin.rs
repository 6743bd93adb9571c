//! Statements about the installation itself: its database and its key.

use crate::{Doing, Store, StoreError};
use sqlx::AssertSqlSafe;

/// Creates the database `name` in Flowo's own cluster if it is missing.
///
/// # Errors
/// [`StoreError::Unavailable`] while the cluster does not respond.
pub async fn ensure_database(admin: &Store, name: &'static str) -> Result<(), StoreError> {
    let mut conn = admin.conn().await?;
    let there: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(name)
        .fetch_one(&mut *conn)
        .await
        .doing("looking for the database")?;
    if !there {
        let statement = AssertSqlSafe(format!("create database \"{name}\""));
        sqlx::query(statement).execute(&mut *conn).await.doing("making the database")?;
    }
    Ok(())
}

/// The installation's key: stores `proposed` the first time, then returns the same key to every process.
pub async fn key(store: &Store, proposed: &str) -> Result<String, StoreError> {
    settled(store, "secret_key", proposed).await
}

/// What distinguishes this database from every other: stores `proposed` the first time, then always returns the same.
pub async fn identity(store: &Store, proposed: &str) -> Result<String, StoreError> {
    settled(store, "identity", proposed).await
}

/// Records the base URL of the server that started last.
pub async fn announce(store: &Store, base_url: &str) -> Result<(), StoreError> {
    let mut conn = store.conn().await?;
    sqlx::query(
        "insert into settings (name, value) values ('base_url', to_jsonb($1::text))
         on conflict (name) do update set value = excluded.value, updated_at = flowo_now()",
    )
    .bind(base_url)
    .execute(&mut *conn)
    .await
    .doing("recording the server's address")?;
    Ok(())
}

/// The base URL of the server that started last, whether or not it still runs; `None` before the first start.
pub async fn announced(store: &Store) -> Result<Option<String>, StoreError> {
    let mut conn = store.conn().await?;
    sqlx::query_scalar("select value #>> '{}' from settings where name = 'base_url'")
        .fetch_optional(&mut *conn)
        .await
        .doing("reading the server's address")
}

async fn settled(store: &Store, name: &str, proposed: &str) -> Result<String, StoreError> {
    let mut conn = store.conn().await?;
    sqlx::query_scalar(
        "with mine as (
            insert into settings (name, value) values ($2, to_jsonb($1::text)) on conflict do nothing returning value
         )
         select value #>> '{}' from mine union all select value #>> '{}' from settings where name = $2 limit 1",
    )
    .bind(proposed)
    .bind(name)
    .fetch_one(&mut *conn)
    .await
    .doing("reading a setting of the installation")
}
