//! Deletes runs, reversibly at first. Never touches files on disk.

use super::Audience;
use crate::{Conn, Doing, StoreError, audience::asked_by};
use model::{RunId, UserId};
use sqlx::types::Uuid;

/// Hides runs; [`restore`] brings them back until the purge. Returns the runs that were hidden by this call.
pub async fn delete(conn: &mut Conn, audience: Audience, ids: &[RunId], by: Option<UserId>) -> Result<Vec<RunId>, StoreError> {
    mark(conn, audience, ids, true, by).await
}

/// Shows hidden runs again. Returns the runs that were hidden until this call.
pub async fn restore(conn: &mut Conn, audience: Audience, ids: &[RunId], by: Option<UserId>) -> Result<Vec<RunId>, StoreError> {
    mark(conn, audience, ids, false, by).await
}

async fn mark(conn: &mut Conn, audience: Audience, ids: &[RunId], hide: bool, by: Option<UserId>) -> Result<Vec<RunId>, StoreError> {
    let (reader, reach) = asked_by(audience.to_change());
    let wanted: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let done: Vec<Uuid> = sqlx::query_scalar(
        "with marked as (
            update workflow_runs set deleted_at = case when $2 then flowo_now() end
             where id = any($1) and (deleted_at is null) = $2 and sees_run(workflow_runs, $3, $5) and acting($4)
            returning id
         ), noted as (
            insert into audit_log (user_id, action, target)
            select $4, case when $2 then 'delete.run' else 'restore.run' end, id::text from marked
         )
         select id from marked",
    )
    .bind(wanted)
    .bind(hide)
    .bind(reader)
    .bind(by.map(|user| user.0))
    .bind(reach)
    .fetch_all(conn)
    .await
    .doing("deleting runs")?;
    Ok(done.into_iter().map(RunId).collect())
}

/// Changes a run's name and tags. Returns `false` if this audience has no such run.
pub async fn rename(
    conn: &mut Conn,
    audience: Audience,
    id: RunId,
    name: &str,
    tags: &[String],
    by: Option<UserId>,
) -> Result<bool, StoreError> {
    let (reader, reach) = asked_by(audience.to_change());
    let done: Option<Uuid> = sqlx::query_scalar(
        "with renamed as (
            update workflow_runs set workflow_name = $2, tags = $3
             where id = $1 and deleted_at is null and sees_run(workflow_runs, $4, $6) and acting($5)
            returning id
         ), noted as (
            insert into audit_log (user_id, action, target, detail)
            select $5, 'rename.run', id::text, jsonb_build_object('name', $2::text, 'tags', $3::text[]) from renamed
         )
         select id from renamed",
    )
    .bind(id.0)
    .bind(name)
    .bind(tags)
    .bind(reader)
    .bind(by.map(|user| user.0))
    .bind(reach)
    .fetch_optional(conn)
    .await
    .doing("renaming a run")?;
    Ok(done.is_some())
}

/// Permanently deletes runs that were hidden more than `seconds` ago; at most `limit` runs per call.
///
/// Their ids are remembered, so that a client that is still running does not bring them back.
pub async fn purge(conn: &mut Conn, seconds: i32, limit: i32) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "with doomed as (
            select id from workflow_runs where deleted_at < flowo_now() - $1 * interval '1 second'
             order by deleted_at limit $2 for update skip locked
         ), remembered as (
            insert into deleted_runs (id) select id from doomed on conflict do nothing
         ), words as (
            delete from log_entries where workflow_run_id in (select id from doomed)
         )
         delete from workflow_runs r using doomed d where r.id = d.id",
    )
    .bind(seconds)
    .bind(limit)
    .execute(conn)
    .await
    .doing("purging deleted runs")?;
    Ok(done.rows_affected())
}

/// Permanently deletes every run of a user at once. Used to clear the demo lab.
pub async fn delete_of_users(conn: &mut Conn, os_user: &str) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "with doomed as (
            select r.id from workflow_runs r join users u on u.id = r.user_id where u.os_user = $1
         ), remembered as (
            insert into deleted_runs (id) select id from doomed on conflict do nothing
         ), raw as (
            delete from ingest_events where workflow_run_id in (select id from doomed)
         ), words as (
            delete from log_entries where workflow_run_id in (select id from doomed)
         )
         delete from workflow_runs where id in (select id from doomed)",
    )
    .bind(os_user)
    .execute(&mut *conn)
    .await
    .doing("deleting a user's runs")?;
    sqlx::query("delete from users where os_user = $1").bind(os_user).execute(conn).await.doing("deleting a user")?;
    Ok(done.rows_affected())
}
