//! Users and their credentials: sessions, tokens, sign-in keys. Only hashes are stored.

use crate::{Conn, Doing, StoreError};
use chrono::{DateTime, Utc};
use model::{
    UserId,
    access::{Role, TokenScope},
};

/// How many tokens one list contains.
const MOST_TOKENS: i64 = 1_000;

/// A user as far as access is concerned.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct User {
    pub id: i64,
    pub name: String,
    #[sqlx(try_from = "String")]
    pub role: Role,
}

/// A valid session and its user.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct SessionOwner {
    /// The number of the session itself.
    pub session: i64,
    pub id: i64,
    pub name: String,
    #[sqlx(try_from = "String")]
    pub role: Role,
}

/// A valid token and its user.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct TokenOwner {
    /// The number of the token itself.
    pub token: i64,
    pub id: i64,
    pub name: String,
    #[sqlx(try_from = "String")]
    pub role: Role,
    #[sqlx(try_from = "String")]
    pub scope: TokenScope,
}

/// A token as its owner sees it; the secret is not stored anywhere.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Token {
    pub id: i64,
    pub name: String,
    pub prefix: String,
    #[sqlx(try_from = "String")]
    pub scope: TokenScope,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
}

/// The user of this operating-system account, created if there is none. Safe to call concurrently.
pub async fn os_user(conn: &mut Conn, os_user: &str, name: &str, role: Role) -> Result<User, StoreError> {
    sqlx::query_as(
        "with found as (
            select id, name, role from users where os_user = $1 and name = $2
         ), made as (
            insert into users (name, os_user, role) select $2, $1, $3 where not exists (select from found)
            on conflict (name) do update set name = excluded.name
            returning id, name, role
         )
         select * from found union all select * from made limit 1",
    )
    .bind(os_user)
    .bind(name)
    .bind(role.as_str())
    .fetch_one(conn)
    .await
    .doing("looking for the owner")
}

/// An account by its number; `None` if there is none.
pub async fn user(conn: &mut Conn, id: UserId) -> Result<Option<User>, StoreError> {
    sqlx::query_as("select id, name, role from users where id = $1").bind(id.0).fetch_optional(conn).await.doing("finding a user")
}

/// Whether anybody has an account, not counting the account with the mark `not_counting`.
pub async fn any_user(conn: &mut Conn, not_counting: &str) -> Result<bool, StoreError> {
    sqlx::query_scalar("select exists (select from users where os_user is distinct from $1)")
        .bind(not_counting)
        .fetch_one(conn)
        .await
        .doing("looking for users")
}

pub async fn add_token(
    conn: &mut Conn,
    user: UserId,
    name: &str,
    prefix: &str,
    hash: &[u8],
    scope: TokenScope,
    days: Option<i32>,
) -> Result<i64, StoreError> {
    sqlx::query_scalar(
        "insert into tokens (user_id, name, prefix, hash, scope, expires_at)
         values ($1, $2, $3, $4, $5, flowo_now() + $6 * interval '1 day') returning id",
    )
    .bind(user.0)
    .bind(name)
    .bind(prefix)
    .bind(hash)
    .bind(scope.as_str())
    .bind(days)
    .fetch_one(conn)
    .await
    .doing("adding a token")
}

/// The owner of a token; `None` if it is unknown, expired or revoked. Records its use, at most once a minute.
pub async fn token_owner(conn: &mut Conn, hash: &[u8]) -> Result<Option<TokenOwner>, StoreError> {
    sqlx::query_as(
        "with hit as (
            select t.id as token_id, t.last_used_at, t.scope, u.id, u.name, u.role
              from tokens t join users u on u.id = t.user_id
             where t.hash = $1 and t.revoked_at is null and (t.expires_at is null or t.expires_at > flowo_now())
         ), noted as (
            update tokens set last_used_at = flowo_now() from hit
             where tokens.id = hit.token_id and (hit.last_used_at is null or hit.last_used_at < flowo_now() - interval '1 minute')
         )
         select token_id as token, id, name, role, scope from hit",
    )
    .bind(hash)
    .fetch_optional(conn)
    .await
    .doing("checking a token")
}

/// The newest tokens of a user that are not revoked, and how many older ones there are.
pub async fn tokens(conn: &mut Conn, user: UserId) -> Result<(Vec<Token>, u64), StoreError> {
    #[derive(sqlx::FromRow)]
    struct Counted {
        #[sqlx(flatten)]
        token: Token,
        all_of_them: i64,
    }
    let rows: Vec<Counted> = sqlx::query_as(
        "select id, name, prefix, scope, created_at, expires_at, last_used_at, count(*) over () as all_of_them
           from tokens where user_id = $1 and revoked_at is null order by id desc limit $2",
    )
    .bind(user.0)
    .bind(MOST_TOKENS)
    .fetch_all(conn)
    .await
    .doing("listing tokens")?;
    let all = rows.first().map_or(0, |row| row.all_of_them);
    let older = u64::try_from(all).unwrap_or(0).saturating_sub(rows.len() as u64);
    Ok((rows.into_iter().map(|row| row.token).collect(), older))
}

/// Revokes a token; `false` if there is no such token.
pub async fn revoke_token(conn: &mut Conn, user: UserId, id: i64) -> Result<bool, StoreError> {
    let done = sqlx::query("update tokens set revoked_at = flowo_now() where id = $1 and user_id = $2 and revoked_at is null")
        .bind(id)
        .bind(user.0)
        .execute(conn)
        .await
        .doing("revoking a token")?;
    Ok(done.rows_affected() > 0)
}

/// Adds a key for a sign-in link that works once within `minutes`.
pub async fn add_sign_in_key(conn: &mut Conn, user: UserId, hash: &[u8], minutes: i32) -> Result<(), StoreError> {
    sqlx::query("insert into sign_in_keys (hash, user_id, expires_at) values ($1, $2, flowo_now() + $3 * interval '1 minute')")
        .bind(hash)
        .bind(user.0)
        .bind(minutes)
        .execute(conn)
        .await
        .doing("adding a sign-in key")?;
    Ok(())
}

/// Uses up a key. `None` if it is unknown, used or too old; of two concurrent calls, only one succeeds.
pub async fn use_sign_in_key(conn: &mut Conn, hash: &[u8]) -> Result<Option<UserId>, StoreError> {
    sqlx::query_scalar(
        "update sign_in_keys set used_at = flowo_now() where hash = $1 and used_at is null and expires_at > flowo_now() returning user_id",
    )
    .bind(hash)
    .fetch_optional(conn)
    .await
    .map(|id: Option<i64>| id.map(UserId))
    .doing("using a sign-in key")
}

pub async fn add_session(conn: &mut Conn, user: UserId, hash: &[u8], days: i32) -> Result<(), StoreError> {
    sqlx::query("insert into sessions (hash, user_id, expires_at) values ($1, $2, flowo_now() + $3 * interval '1 day')")
        .bind(hash)
        .bind(user.0)
        .bind(days)
        .execute(conn)
        .await
        .doing("opening a session")?;
    Ok(())
}

/// The user of a session. Each use, recorded at most once an hour, keeps it valid for `days` more.
pub async fn session_user(conn: &mut Conn, hash: &[u8], days: i32) -> Result<Option<SessionOwner>, StoreError> {
    sqlx::query_as(
        "with hit as (
            select s.hash, s.id as session, s.last_seen_at, u.id, u.name, u.role
              from sessions s join users u on u.id = s.user_id
             where s.hash = $1 and s.expires_at > flowo_now()
         ), noted as (
            update sessions set last_seen_at = flowo_now(), expires_at = flowo_now() + $2 * interval '1 day' from hit
             where sessions.hash = hit.hash and hit.last_seen_at < flowo_now() - interval '1 hour'
         )
         select session, id, name, role from hit",
    )
    .bind(hash)
    .bind(days)
    .fetch_optional(conn)
    .await
    .doing("checking a session")
}

/// Ends a session for good. Returns its user; `None` if there was none.
pub async fn end_session(conn: &mut Conn, hash: &[u8]) -> Result<Option<UserId>, StoreError> {
    sqlx::query_scalar("delete from sessions where hash = $1 returning user_id")
        .bind(hash)
        .fetch_optional(conn)
        .await
        .map(|id: Option<i64>| id.map(UserId))
        .doing("ending a session")
}

/// Whether a user belongs to this operating-system account (or mark).
pub async fn is_of(conn: &mut Conn, user: UserId, os_user: &str) -> Result<bool, StoreError> {
    sqlx::query_scalar("select exists (select from users where id = $1 and os_user = $2)")
        .bind(user.0)
        .bind(os_user)
        .fetch_one(conn)
        .await
        .doing("checking a user")
}
