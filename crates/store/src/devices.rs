//! Sign-ins begun by a program: a code is shown, a person approves, the program fetches a token.

use crate::{Conn, Doing, StoreError};
use model::UserId;

/// Unfinished sign-ins at once; more are somebody's attack.
const MOST: i64 = 1000;

/// Where a sign-in stands.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct DeviceLogin {
    pub user_code: String,
    pub ttl_days: Option<i32>,
    pub approved_by: Option<i64>,
}

/// Begins one that lives for `minutes`; `false` if too many are open.
pub async fn begin(conn: &mut Conn, hash: &[u8], user_code: &str, ttl_days: Option<i32>, minutes: i32) -> Result<bool, StoreError> {
    sqlx::query("delete from device_logins where expires_at < now()").execute(&mut *conn).await.doing("forgetting device sign-ins")?;
    let done = sqlx::query(
        "insert into device_logins (hash, user_code, ttl_days, expires_at)
         select $1, $2, $3, now() + $4 * interval '1 minute' where (select count(*) from device_logins) < $5",
    )
    .bind(hash)
    .bind(user_code)
    .bind(ttl_days)
    .bind(minutes)
    .bind(MOST)
    .execute(conn)
    .await
    .doing("beginning a device sign-in")?;
    Ok(done.rows_affected() > 0)
}

/// One that is not over; `None` if unknown or too old.
pub async fn find(conn: &mut Conn, hash: &[u8]) -> Result<Option<DeviceLogin>, StoreError> {
    sqlx::query_as("select user_code, ttl_days, approved_by from device_logins where hash = $1 and expires_at > now()")
        .bind(hash)
        .fetch_optional(conn)
        .await
        .doing("reading a device sign-in")
}

/// Approves for a person; `false` if there is none to approve.
pub async fn approve(conn: &mut Conn, hash: &[u8], by: UserId) -> Result<bool, StoreError> {
    let done = sqlx::query("update device_logins set approved_by = $2 where hash = $1 and expires_at > now() and approved_by is null")
        .bind(hash)
        .bind(by.0)
        .execute(conn)
        .await
        .doing("approving a device sign-in")?;
    Ok(done.rows_affected() > 0)
}

/// Takes an approved one away; of two at once, one gets it.
pub async fn take(conn: &mut Conn, hash: &[u8]) -> Result<Option<UserId>, StoreError> {
    sqlx::query_scalar("delete from device_logins where hash = $1 and expires_at > now() and approved_by is not null returning approved_by")
        .bind(hash)
        .fetch_optional(conn)
        .await
        .map(|id: Option<i64>| id.map(UserId))
        .doing("ending a device sign-in")
}
