//! The audit log: who signed in, who was refused, whom somebody let in, whose files were read.
//!
//! Triggers record changes of accounts and tokens (`init-db/05-people.sql`); the statements that change runs record
//! those changes themselves.

use crate::{Conn, Doing, StoreError};
use model::{RunId, UserId};
use serde_json::{Value, json};

/// How many targets of one deed and person get a row of their own within a minute; further targets share one row.
const TARGETS: i64 = 100;
/// The target of the shared row.
const OTHERS: &str = "others";

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    SignIn,
    SignInRefused,
    SignOut,
    DeviceApproved,
    /// The reader saw the file because of the owner's reach, not because of a root that covers it.
    FileRead,
}

impl Deed {
    /// The word in the log: verb.noun.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "open.session",
            Self::SignInRefused => "refuse.sign_in",
            Self::SignOut => "end.session",
            Self::DeviceApproved => "approve.device",
            Self::FileRead => "read.file",
        }
    }
}

/// Records a deed.
///
/// # Errors
/// [`StoreError::Unavailable`] when PostgreSQL cannot be reached.
pub async fn note(conn: &mut Conn, by: Option<UserId>, deed: Deed, target: &str, detail: Value) -> Result<(), StoreError> {
    sqlx::query("insert into audit_log (user_id, action, target, detail) values ($1, $2, $3, $4)")
        .bind(by.map(|user| user.0))
        .bind(deed.as_str())
        .bind(target)
        .bind(detail)
        .execute(conn)
        .await
        .doing("writing the audit log")?;
    Ok(())
}

/// Records what strangers or pages may do many times a second: one row per minute, person, deed and target, in which
/// `times` counts. After 100 targets in a minute, further targets share one row.
///
/// Two concurrent calls may create two rows.
///
/// # Errors
/// [`StoreError::Unavailable`] when PostgreSQL cannot be reached.
pub async fn count(conn: &mut Conn, by: Option<UserId>, deed: Deed, target: &str, detail: Value) -> Result<(), StoreError> {
    sqlx::query(
        "with recent as (
            select id, target from audit_log
             where action = $2 and at > flowo_now() - interval '1 minute' and user_id is not distinct from $1
         ), aim as (
            select case when (select count(*) from recent) < $5 or exists (select from recent where target = $3) then $3 else $6 end as target
         ), again as (
            update audit_log a
               set detail = jsonb_set(coalesce(a.detail, '{}'), '{times}', to_jsonb(coalesce((a.detail ->> 'times')::bigint, 1) + 1))
             where a.id = (select max(r.id) from recent r join aim using (target))
            returning a.id
         )
         insert into audit_log (user_id, action, target, detail)
         select $1, $2, target, case when target = $3 then $4 end from aim where not exists (select from again)",
    )
    .bind(by.map(|user| user.0))
    .bind(deed.as_str())
    .bind(target)
    .bind(detail)
    .bind(TARGETS)
    .bind(OTHERS)
    .execute(conn)
    .await
    .doing("writing the audit log")?;
    Ok(())
}

/// Records that somebody read a file of a run through the owner's reach: one row per person, run and minute, with the first path.
///
/// # Errors
/// [`StoreError::Unavailable`] when PostgreSQL cannot be reached.
pub async fn file_read(conn: &mut Conn, by: UserId, run: RunId, path: &str) -> Result<(), StoreError> {
    count(conn, Some(by), Deed::FileRead, &run.to_string(), json!({ "path": path })).await
}
