//! Reads the change log so that no commit is skipped, however late it commits.
//!
//! A reader holds a [`Horizon`]: every earlier transaction has ended, and the reader has read it. A read may return
//! changes that the reader already knows (readers compare revisions) but never leaves a gap.
//!
//! After a crash, PostgreSQL reuses the numbers of transactions whose end was not on disk, for instance of a
//! transaction that only sent a notification. A row committed under a reused number looks older than the horizon.
//! Therefore the horizon also contains the newest row: numbers of rows that were visible are never reused, and a row
//! above it is new, whatever its transaction.

use crate::{Conn, Doing, StoreError};
use model::{JobKey, Millis, RunId};
use sqlx::types::Uuid;
use std::collections::{BTreeMap, BTreeSet};

/// The position of a reader of the change log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Horizon {
    /// The oldest transaction that was still open when the reader last looked.
    xact: u64,
    /// The newest row that was visible then.
    newest: i64,
}

impl Horizon {
    /// Before all transactions.
    pub const fn beginning() -> Self {
        Self { xact: 0, newest: i64::MAX }
    }

    /// Before the transaction `xact` and after all transactions that precede it. Rows that `self` saw are not new.
    #[must_use]
    pub const fn at(&self, xact: u64) -> Self {
        Self { xact, newest: self.newest }
    }

    /// Whether a transaction was settled at this horizon.
    pub const fn settled(&self, xact: u64) -> bool {
        xact < self.xact
    }

    pub(crate) const fn new(xact: u64, newest: i64) -> Self {
        Self { xact, newest }
    }

    /// The transaction as text, for the database.
    pub(crate) fn xact(&self) -> String {
        self.xact.to_string()
    }

    pub(crate) const fn newest(&self) -> i64 {
        self.newest
    }
}

/// The ids of changed rows, whatever the changes were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    pub runs: BTreeSet<RunId>,
    pub jobs: BTreeMap<RunId, BTreeSet<JobKey>>,
    /// Those of `runs` that may now be seen by other readers than before.
    pub moved: BTreeSet<RunId>,
    /// When the oldest of these changes was made.
    pub oldest_at: Option<Millis>,
}

impl Touched {
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.jobs.is_empty()
    }
}

/// If more changes than this are found at once, they are not listed; readers refetch instead.
pub const MAX_CHANGES: i64 = 50_000;

/// The current horizon, for a reader that starts now.
pub async fn horizon(conn: &mut Conn) -> Result<Horizon, StoreError> {
    let (xact, newest): (String, i64) =
        sqlx::query_as("select pg_snapshot_xmin(pg_current_snapshot())::text, coalesce((select max(id) from change_notifications), 0)")
            .fetch_one(conn)
            .await
            .doing("reading the horizon")?;
    Ok(Horizon { xact: number(&xact)?, newest })
}

/// A horizon before everything that was committed since under a reused transaction number; the same horizon if the
/// database did not crash.
///
/// Changes that were read before are not returned again: a reused number is greater than all numbers on disk. Reads
/// only the newest rows.
pub async fn rewound(conn: &mut Conn, horizon: Horizon) -> Result<Horizon, StoreError> {
    // `offset 0`: the newest rows are few; this makes PostgreSQL find them by row number, not by transaction.
    let again: Option<String> = sqlx::query_scalar(
        "select xact::text from (select xact from change_notifications where id > $1 offset 0) newer
          where xact < $2::xid8 order by xact limit 1",
    )
    .bind(horizon.newest)
    .bind(horizon.xact())
    .fetch_optional(conn)
    .await
    .doing("looking for numbers given again")?;
    Ok(match again {
        Some(xact) => horizon.at(number(&xact)?),
        None => horizon,
    })
}

fn number(text: &str) -> Result<u64, StoreError> {
    text.parse().map_err(|_| StoreError::Unfit(format!("{text} is no transaction")))
}

type ChangeRow = (String, String, Option<Uuid>, i64, bool);

/// The columns of a [`ChangeRow`].
macro_rules! columns {
    () => {
        "table_name, record_id, workflow_run_id, ms(\"timestamp\"),
         table_name = 'workflow_runs' and coalesce(changed_fields && '{owner_id,team_id,audience}', false)"
    };
}

/// The rows that transactions changed, as the doorbell announces them; `None` if there are more than [`MAX_CHANGES`].
pub async fn behind(conn: &mut Conn, transactions: &[u64]) -> Result<Option<Touched>, StoreError> {
    let numbers: Vec<String> = transactions.iter().map(ToString::to_string).collect();
    let rows: Vec<ChangeRow> =
        sqlx::query_as(concat!("select ", columns!(), " from change_notifications where xact = any($1::text[]::xid8[]) limit $2"))
            .bind(numbers)
            .bind(MAX_CHANGES + 1)
            .fetch_all(conn)
            .await
            .doing("reading changes")?;
    Ok((rows.len() as i64 <= MAX_CHANGES).then(|| touched(rows)))
}

/// All changes that were not settled at `since`, and the horizon from which to continue.
///
/// `None` instead of rows if there are more than [`MAX_CHANGES`].
pub async fn since(conn: &mut Conn, since: &Horizon) -> Result<(Option<Touched>, Horizon), StoreError> {
    let next = horizon(conn).await?; // Taken first: a change committed in between is read again, not missed.
    let rows: Vec<ChangeRow> = sqlx::query_as(concat!(
        "select ",
        columns!(),
        " from change_notifications where xact >= $1::xid8
         union all
         select ",
        columns!(),
        " from (select table_name, record_id, workflow_run_id, \"timestamp\", changed_fields, xact
                   from change_notifications where id > $2 offset 0) newer
          where xact < $1::xid8
         limit $3"
    ))
    .bind(since.xact())
    .bind(since.newest)
    .bind(MAX_CHANGES + 1)
    .fetch_all(conn)
    .await
    .doing("catching up with changes")?;
    let complete = rows.len() as i64 <= MAX_CHANGES;
    Ok((complete.then(|| touched(rows)), next))
}

fn touched(rows: Vec<ChangeRow>) -> Touched {
    let mut touched = Touched::default();
    for (table, record, run, at, moved) in rows {
        touched.oldest_at = Some(touched.oldest_at.map_or(at, |oldest| oldest.min(at)));
        let Some(run) = run.map(RunId) else { continue };
        if let ("job_executions", Ok(job)) = (table.as_str(), record.parse::<i64>()) {
            touched.jobs.entry(run).or_default().insert(JobKey(job));
        } else {
            touched.runs.insert(run);
            if moved {
                touched.moved.insert(run);
            }
        }
    }
    touched
}

/// The transactions that changed something and were settled between two horizons.
///
/// The cost is proportional to the log between the two; reads an index.
pub async fn between(conn: &mut Conn, since: &Horizon, until: &Horizon) -> Result<Vec<u64>, StoreError> {
    let numbers: Vec<String> =
        sqlx::query_scalar("select distinct xact::text from change_notifications where xact >= $1::xid8 and xact < $2::xid8")
            .bind(since.xact())
            .bind(until.xact())
            .fetch_all(conn)
            .await
            .doing("checking what was heard")?;
    Ok(numbers.iter().filter_map(|number| number.parse().ok()).collect())
}

/// Lets this transaction commit without a notification and returns its number. The caller must [ring](ring) for it afterwards.
pub async fn quiet(conn: &mut Conn) -> Result<u64, StoreError> {
    let (_, xact): (String, String) = sqlx::query_as("select set_config('flowo.quiet', 'on', true), pg_current_xact_id()::text")
        .fetch_one(conn)
        .await
        .doing("silencing the doorbell")?;
    number(&xact)
}

/// How many transaction numbers fit in one notification: a message has at most 8 000 bytes.
pub const MOST_IN_A_RING: usize = 350;

/// Sends the notification for transactions that were committed quietly, at most [`MOST_IN_A_RING`].
pub async fn ring(conn: &mut Conn, transactions: &[u64]) -> Result<(), StoreError> {
    let numbers: Vec<String> = transactions.iter().map(ToString::to_string).collect();
    // A transaction that only sends a notification has nothing to lose: it need not wait for the disk.
    let ring = "with eager as (select set_config('synchronous_commit', 'off', true)) select pg_notify($1, $2) from eager";
    sqlx::query(ring).bind(crate::listen::CHANGES).bind(numbers.join(" ")).execute(conn).await.doing("ringing the doorbell")?;
    Ok(())
}

/// Sends a message that only matters to a listener testing whether it receives notifications.
pub async fn ping(conn: &mut Conn, channel: &str, text: &str) -> Result<(), StoreError> {
    sqlx::query("select pg_notify($1, $2)").bind(channel).bind(text).execute(conn).await.doing("pinging the listener")?;
    Ok(())
}
