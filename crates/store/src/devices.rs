//! Sign-ins begun by a program: a code is shown, a person approves, the program fetches a token.

use crate::{Conn, Doing, StoreError};
use model::{UserId, access::TokenScope};

/// Unfinished sign-ins at once; the oldest that nobody approved makes room for one more.
const MOST: i64 = 1000;

/// A sign-in that waits for somebody's approval, or for its program.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct DeviceLogin {
    /// What the person compares with what the program shows.
    pub user_code: String,
    /// Days the program would like its token to last; `None`: without end.
    pub ttl_days: Option<i32>,
    /// The program's address as the server saw it.
    pub asked_from: Option<String>,
    pub approved_by: Option<i64>,
}

/// One that was approved: for whom, and what the approver chose.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Approved {
    pub user_id: i64,
    #[sqlx(try_from = "String")]
    pub scope: TokenScope,
    pub ttl_days: Option<i32>,
}

/// A sign-in that a program asks for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub hash: &'a [u8],
    pub user_code: &'a str,
    pub ttl_days: Option<i32>,
    pub from: Option<&'a str>,
    /// How long it waits.
    pub minutes: i32,
}

/// Begins one. The caller sees to it that nobody begins too many.
pub async fn begin(conn: &mut Conn, asked: Asked<'_>) -> Result<(), StoreError> {
    sqlx::query(
        "delete from device_logins
          where expires_at < now()
             or hash in (select hash from device_logins where approved_by is null order by created_at
                          limit greatest(0, (select count(*) from device_logins where expires_at >= now()) - $1 + 1))",
    )
    .bind(MOST)
    .execute(&mut *conn)
    .await
    .doing("forgetting device sign-ins")?;
    sqlx::query(
        "insert into device_logins (hash, user_code, ttl_days, asked_from, expires_at)
         values ($1, $2, $3, $4, now() + $5 * interval '1 minute')",
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

/// One that is not over; `None` if unknown or too old.
pub async fn find(conn: &mut Conn, hash: &[u8]) -> Result<Option<DeviceLogin>, StoreError> {
    sqlx::query_as("select user_code, ttl_days, asked_from, approved_by from device_logins where hash = $1 and expires_at > now()")
        .bind(hash)
        .fetch_optional(conn)
        .await
        .doing("reading a device sign-in")
}

/// Approves for a person, with what the token may do and for how many days (`None`: without end).
///
/// The code that was approved; `None` if there is none to approve.
pub async fn approve(conn: &mut Conn, hash: &[u8], by: UserId, scope: TokenScope, days: Option<i32>) -> Result<Option<String>, StoreError> {
    sqlx::query_scalar(
        "update device_logins set approved_by = $2, scope = $3, ttl_days = $4
          where hash = $1 and expires_at > now() and approved_by is null
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

/// Takes an approved one away; of two at once, one gets it.
pub async fn take(conn: &mut Conn, hash: &[u8]) -> Result<Option<Approved>, StoreError> {
    sqlx::query_as(
        "delete from device_logins where hash = $1 and expires_at > now() and approved_by is not null
         returning approved_by as user_id, coalesce(scope, 'report') as scope, ttl_days",
    )
    .bind(hash)
    .fetch_optional(conn)
    .await
    .doing("ending a device sign-in")
}
