//! The audit log: who came in, who was refused, whom somebody let in, whose files were read.
//!
//! Accounts and tokens are noted by triggers (`init-db/05-people.sql`), changes of runs by the statements that make them.

use crate::{Conn, Doing, StoreError};
use model::{RunId, UserId};
use serde_json::{Value, json};

/// Targets of one deed and person that get a row of their own within a minute; the others share one.
const TARGETS: i64 = 100;
/// The target of that row.
const OTHERS: &str = "others";

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    SignIn,
    SignInRefused,
    SignOut,
    DeviceApproved,
    /// Read because the reader is the owner, not because somebody shares the file.
    FileRead,
}

impl Deed {
    /// As the log writes it: verb.noun.
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

/// Notes a deed.
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

/// Notes what strangers or pages may do many times a second: one row a minute for a person, deed and target, whose
/// `times` counts on. Beyond 100 targets a minute the others share one row.
///
/// Two at once may leave two rows.
///
/// # Errors
/// [`StoreError::Unavailable`] when PostgreSQL cannot be reached.
pub async fn count(conn: &mut Conn, by: Option<UserId>, deed: Deed, target: &str, detail: Value) -> Result<(), StoreError> {
    sqlx::query(
        "with recent as (
            select id, target from audit_log
             where action = $2 and at > now() - interval '1 minute' and user_id is not distinct from $1
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

/// Notes that somebody read a file of a run by the owner's reach: one row a person, run and minute, with the first path.
///
/// # Errors
/// [`StoreError::Unavailable`] when PostgreSQL cannot be reached.
pub async fn file_read(conn: &mut Conn, by: UserId, run: RunId, path: &str) -> Result<(), StoreError> {
    count(conn, Some(by), Deed::FileRead, &run.to_string(), json!({ "path": path })).await
}
