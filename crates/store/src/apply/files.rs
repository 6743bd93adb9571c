//! The files of jobs: each path once per run, and which job names it in which role.

use crate::{Conn, Doing, StoreError};
use model::event::JobInfo;
use sqlx::types::Uuid;

/// Replaces the files of jobs that were described: run, row, whether the row is older, description.
pub(crate) async fn write<'a>(conn: &mut Conn, jobs: impl Iterator<Item = (Uuid, i64, bool, &'a JobInfo)>) -> Result<(), StoreError> {
    let (mut runs, mut keys, mut roles, mut places, mut paths) = (vec![], vec![], vec![], vec![], vec![]);
    let mut replaced = Vec::new();
    for (run, key, existed, info) in jobs {
        if existed {
            replaced.push(key);
        }
        let files = &info.files;
        for (role, list) in [("input", &files.input), ("output", &files.output), ("log", &files.log), ("benchmark", &files.benchmark)] {
            for (at, path) in list.iter().enumerate() {
                runs.push(run);
                keys.push(key);
                roles.push(role);
                places.push(i32::try_from(at).unwrap_or(i32::MAX));
                paths.push(path.as_str());
            }
        }
    }
    if !replaced.is_empty() {
        sqlx::query("delete from job_files where job_execution_id = any($1)")
            .bind(replaced)
            .execute(&mut *conn)
            .await
            .doing("replacing files")?;
    }
    if keys.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into paths (workflow_run_id, path)
         select distinct run, path from unnest($1::uuid[], $2::text[]) as x(run, path) order by run, path
         on conflict do nothing",
    )
    .bind(&runs)
    .bind(&paths)
    .execute(&mut *conn)
    .await
    .doing("writing paths")?;
    sqlx::query(
        "insert into job_files (job_execution_id, path_id, role, position)
         select x.job, p.id, x.role, x.position
           from unnest($1::uuid[], $2::bigint[], $3::text[], $4::integer[], $5::text[]) as x(run, job, role, position, path)
           cross join lateral (
                select id from paths where workflow_run_id = x.run and path_key = md5(x.path)::uuid limit 1) p",
    )
    .bind(runs)
    .bind(keys)
    .bind(roles)
    .bind(places)
    .bind(paths)
    .execute(conn)
    .await
    .doing("writing files")?;
    Ok(())
}
