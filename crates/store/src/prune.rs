//! Retention: deletes history that is older than its policy allows, one day at a time.
//!
//! A day is a partition, so dropping it costs the same however much it contains. Rows in the default partition, whose
//! day had no partition of its own, are deleted in portions.

use crate::{Conn, Doing, Store, StoreError};
use sqlx::Connection as _;

/// How many days of each history table are kept; `None` for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The reports as they were received.
    pub reports: Option<i32>,
    /// The change log.
    pub changes: Option<i32>,
    /// The messages of clients.
    pub entries: Option<i32>,
}

impl Default for Policy {
    fn default() -> Self {
        Self { reports: Some(30), changes: Some(90), entries: Some(365) }
    }
}

/// One history table, with the column that contains the time.
#[derive(Clone, Copy, Debug)]
struct History {
    table: &'static str,
    at: &'static str,
}

const REPORTS: History = History { table: "ingest_events", at: "recorded_at" };
const CHANGES: History = History { table: "change_notifications", at: "timestamp" };
const ENTRIES: History = History { table: "log_entries", at: "logged_at" };

/// How many rows of the default partition are deleted in one transaction.
const PORTION: i64 = 10_000;
/// Nobody waits longer than this for a partition to be dropped; the next hourly pass tries again.
const LOCK: &str = "set local lock_timeout = '2s'";
/// An arbitrary number, the same for every process, so that only one prunes at a time.
pub const TURN: i64 = 0x0070_7275_6e65;

/// What was removed from one table, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    pub table: &'static str,
    /// Partitions that were dropped, oldest first.
    pub days: Vec<String>,
    /// Their size on disk in bytes, with indexes.
    pub bytes: i64,
    /// Rows deleted from the default partition.
    pub rows: u64,
}

/// The size of the history on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Size {
    pub table: String,
    pub bytes: i64,
    pub partitions: i64,
}

/// Drops and deletes what is older than `policy`; with `pretend`, only returns what would go.
///
/// `None` if another process is already pruning. Each day is removed in a transaction of its own, so an interruption
/// never leaves a day half deleted.
///
/// # Errors
/// The database's errors; also if an unfinished statement is reading a day. The remaining days are left for the next pass.
pub async fn prune(store: &Store, policy: Policy, pretend: bool) -> Result<Option<Vec<Pruned>>, StoreError> {
    // A session lock on a connection of its own: when the connection closes, the lock is released.
    let mut conn = store.keyed().await?;
    let turn: bool = sqlx::query_scalar("select pg_try_advisory_lock($1)")
        .bind(TURN)
        .fetch_one(&mut conn)
        .await
        .doing("waiting for the turn to prune")?;
    if !turn {
        return Ok(None);
    }
    let mut all = Vec::new();
    for (history, days) in [(REPORTS, policy.reports), (CHANGES, policy.changes), (ENTRIES, policy.entries)] {
        if let Some(days) = days {
            all.push(table(&mut conn, history, days, pretend).await?);
        }
    }
    conn.close().await.doing("ending the turn to prune")?;
    Ok(Some(all))
}

async fn table(conn: &mut Conn, history: History, days: i32, pretend: bool) -> Result<Pruned, StoreError> {
    let History { table, at } = history;
    let mut pruned = Pruned { table, ..Pruned::default() };
    // The name contains the day: ensure_daily_partitions() created it.
    let old: Vec<(String, i64)> = sqlx::query_as(
        "select c.relname::text, pg_total_relation_size(c.oid)
           from pg_inherits i join pg_class c on c.oid = i.inhrelid
          where i.inhparent = to_regclass($1)
            and c.relname ~ ('^' || $1 || '_[0-9]{8}$')
            and to_date(right(c.relname, 8), 'YYYYMMDD') < flowo_now()::date - $2
          order by c.relname",
    )
    .bind(table)
    .bind(days)
    .fetch_all(&mut *conn)
    .await
    .doing("looking for old days")?;
    for (name, bytes) in old {
        if !pretend {
            let mut tx = crate::begin(conn).await?;
            sqlx::raw_sql(LOCK).execute(&mut *tx).await.doing("dropping an old day")?;
            // The name consists of letters, digits and `_`, as the pattern above ensures.
            sqlx::raw_sql(sqlx::AssertSqlSafe(format!("drop table {name}"))).execute(&mut *tx).await.doing("dropping an old day")?;
            crate::commit(tx).await?;
        }
        pruned.days.push(name);
        pruned.bytes += bytes;
    }
    let rest = format!("{table}_rest");
    let old = format!("select ctid from {rest} where \"{at}\" < flowo_now()::date - $1 limit $2");
    if pretend {
        let count = format!("select count(*) from {rest} where \"{at}\" < flowo_now()::date - $1");
        let n: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(count)).bind(days).fetch_one(&mut *conn).await.doing("counting old rows")?;
        pruned.rows = n.unsigned_abs();
        return Ok(pruned);
    }
    loop {
        let statement = format!("delete from {rest} where ctid = any(array({old}))");
        let done =
            sqlx::query(sqlx::AssertSqlSafe(statement)).bind(days).bind(PORTION).execute(&mut *conn).await.doing("deleting old rows")?;
        pruned.rows += done.rows_affected();
        if (done.rows_affected() as i64) < PORTION {
            return Ok(pruned);
        }
    }
}

/// The current size on disk of each history table.
pub async fn sizes(conn: &mut Conn) -> Result<Vec<Size>, StoreError> {
    let rows: Vec<(String, i64, i64)> = sqlx::query_as(
        "select p.relname::text, sum(pg_total_relation_size(i.inhrelid))::bigint, count(*)
           from pg_inherits i join pg_class p on p.oid = i.inhparent
          where p.relname in ('ingest_events', 'change_notifications', 'log_entries') and p.relkind = 'p'
          group by p.relname order by p.relname",
    )
    .fetch_all(conn)
    .await
    .doing("measuring the history")?;
    Ok(rows.into_iter().map(|(table, bytes, partitions)| Size { table, bytes, partitions }).collect())
}
