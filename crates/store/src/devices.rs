//! Sign-ins started by a program: the program shows a code, a person approves it, the program fetches a token.

use crate::{Conn, Doing, StoreError};
use model::{UserId, access::TokenScope};

/// How many unfinished sign-ins may exist at once; a new one replaces the oldest that nobody approved.
const MOST: i64 = 1000;

/// A sign-in that waits for somebody's approval, or for its program to fetch the token.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct DeviceLogin {
    /// The code that the person compares with the one on the program's screen.
    pub user_code: String,
    /// For how many days the program wants its token to be valid; `None`: for ever.
    pub ttl_days: Option<i32>,
    /// The program's network address as the server saw it.
    pub asked_from: Option<String>,
    pub approved_by: Option<i64>,
}

/// An approved sign-in: for which account, and what the approver chose.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Approved {
    pub user_id: i64,
    #[sqlx(try_from = "String")]
    pub scope: TokenScope,
    pub ttl_days: Option<i32>,
}

/// A sign-in that a program requests.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub hash: &'a [u8],
    pub user_code: &'a str,
    pub ttl_days: Option<i32>,
    pub from: Option<&'a str>,
    /// How long it remains open.
    pub minutes: i32,
}

/// Starts a sign-in. The caller limits how many anybody may start.
pub async fn begin(conn: &mut Conn, asked: Asked<'_>) -> Result<(), StoreError> {
    sqlx::query(
        "delete from device_logins
          where expires_at < flowo_now()
             or hash in (select hash from device_logins where approved_by is null order by created_at
                          limit greatest(0, (select count(*) from device_logins where expires_at >= flowo_now()) - $1 + 1))",
    )
    .bind(MOST)
    .execute(&mut *conn)
    .await
    .doing("forgetting device sign-ins")?;
    sqlx::query(
        "insert into device_logins (hash, user_code, ttl_days, asked_from, expires_at)
         values ($1, $2, $3, $4, flowo_now() + $5 * interval '1 minute')",
    )
    .bind(asked.hash)
    .bind(asked.user_code)
    .bind(asked.ttl_days)
    .bind(asked.from)
    .bind(asked.minutes)
    .execute(conn)
    .await
    .doing("beginning a device sign-in")?;
    Ok(())
}

/// An open sign-in; `None` if unknown or expired.
pub async fn find(conn: &mut Conn, hash: &[u8]) -> Result<Option<DeviceLogin>, StoreError> {
    sqlx::query_as("select user_code, ttl_days, asked_from, approved_by from device_logins where hash = $1 and expires_at > flowo_now()")
        .bind(hash)
        .fetch_optional(conn)
        .await
        .doing("reading a device sign-in")
}

/// Approves a sign-in for a person, with the token's scope and its lifetime in days (`None`: for ever).
///
/// Returns the code that was approved; `None` if there is nothing to approve.
pub async fn approve(conn: &mut Conn, hash: &[u8], by: UserId, scope: TokenScope, days: Option<i32>) -> Result<Option<String>, StoreError> {
    sqlx::query_scalar(
        "update device_logins set approved_by = $2, scope = $3, ttl_days = $4
          where hash = $1 and expires_at > flowo_now() and approved_by is null
         returning user_code",
    )
    .bind(hash)
    .bind(by.0)
    .bind(scope.as_str())
    .bind(days)
    .fetch_optional(conn)
    .await
    .doing("approving a device sign-in")
}

/// Removes and returns an approved sign-in; of two concurrent calls, only one gets it.
pub async fn take(conn: &mut Conn, hash: &[u8]) -> Result<Option<Approved>, StoreError> {
    sqlx::query_as(
        "delete from device_logins where hash = $1 and expires_at > flowo_now() and approved_by is not null
         returning approved_by as user_id, coalesce(scope, 'report') as scope, ttl_days",
    )
    .bind(hash)
    .fetch_optional(conn)
    .await
    .doing("ending a device sign-in")
}
