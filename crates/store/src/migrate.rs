//! Brings the schema up to date: tables by migrations, functions and triggers by scripts.
//!
//! Migrations run once each and are never changed. The scripts of `init-db/` may be changed;
//! they run again, all in one transaction, whenever their checksum differs.

use crate::{Doing, Store, StoreError};
use sha2::{Digest, Sha256};
use sqlx::Executor;

/// The tables.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations");

/// The scripts, in order.
const SCRIPTS: [&str; 6] = [
    include_str!("../../../init-db/01-partitions.sql"),
    include_str!("../../../init-db/02-rows.sql"),
    include_str!("../../../init-db/03-changes.sql"),
    include_str!("../../../init-db/04-direct-writers.sql"),
    include_str!("../../../init-db/05-people.sql"),
    include_str!("../../../init-db/06-audience.sql"),
];

/// An arbitrary number, the same for every Flowo process, so that only one migrates at a time.
const LOCK: i64 = 0x0066_6c6f_776f;
/// How many days ahead partitions are created.
pub const DAYS_AHEAD: i32 = 7;

/// Migrates, installs functions and triggers, creates the coming partitions. Safe to repeat.
pub async fn migrate(store: &Store) -> Result<(), StoreError> {
    let mut conn = store.conn().await?;
    MIGRATOR.run(&mut *conn).await.map_err(|error| match error {
        sqlx::migrate::MigrateError::Execute(source) => StoreError::Query { doing: "migrating the schema", source },
        other => StoreError::Unfit(format!("the schema could not be migrated: {other}")),
    })?;
    drop(conn);
    install(store).await
}

async fn install(store: &Store) -> Result<(), StoreError> {
    let checksum = SCRIPTS.iter().fold(Sha256::new(), sha2::Digest::chain_update).finalize();
    let checksum = format!("{checksum:x}");
    let mut tx = store.begin().await?;
    sqlx::query("select pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *tx).await.doing("waiting to install functions")?;
    let installed: Option<String> = sqlx::query_scalar("select value #>> '{}' from settings where name = 'init_db'")
        .fetch_optional(&mut *tx)
        .await
        .doing("reading the scripts' checksum")?;
    if installed.as_deref() != Some(checksum.as_str()) {
        for script in SCRIPTS {
            (&mut *tx).execute(script).await.doing("installing functions and triggers")?;
        }
        sqlx::query(
            "insert into settings (name, value) values ('init_db', to_jsonb($1::text))
                     on conflict (name) do update set value = excluded.value, updated_at = flowo_now()",
        )
        .bind(&checksum)
        .execute(&mut *tx)
        .await
        .doing("keeping the scripts' checksum")?;
    }
    sqlx::query("select ensure_daily_partitions($1)").bind(DAYS_AHEAD).execute(&mut *tx).await.doing("making partitions")?;
    tx.commit().await.doing("installing functions and triggers")
}
