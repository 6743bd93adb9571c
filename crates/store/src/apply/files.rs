//! The files of jobs: each path once per run, and which job names it in which role.

use crate::{Conn, Doing, StoreError};
use model::event::JobInfo;
use sqlx::types::Uuid;

/// Replaces the files of jobs that were described. Each item: run, row, whether the row existed before, description.
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
    write_paths(conn, &runs, &paths).await?;
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

/// Adds logs that were named later, after the existing ones. Each item: run, row, paths. Logs that are already there
/// are not added again.
pub(super) async fn add_logs(conn: &mut Conn, jobs: impl Iterator<Item = (Uuid, i64, &[String])>) -> Result<(), StoreError> {
    let (mut runs, mut keys, mut paths) = (vec![], vec![], vec![]);
    for (run, key, logs) in jobs {
        for path in logs {
            runs.push(run);
            keys.push(key);
            paths.push(path.as_str());
        }
    }
    write_paths(conn, &runs, &paths).await?;
    sqlx::query(
        "with logs as (
            select x.job, p.id as path, min(x.nth) as nth
              from unnest($1::uuid[], $2::bigint[], $3::text[]) with ordinality as x(run, job, path, nth)
              cross join lateral (
                   select id from paths where workflow_run_id = x.run and path_key = md5(x.path)::uuid limit 1) p
             group by x.job, p.id
         )
         insert into job_files (job_execution_id, path_id, role, position)
         select t.job, t.path, 'log',
                row_number() over (partition by t.job order by t.nth) - 1
                + (select count(*) from job_files f where f.job_execution_id = t.job and f.role = 'log')
           from logs t
          where not exists (
                select from job_files f where f.job_execution_id = t.job and f.role = 'log' and f.path_id = t.path)",
    )
    .bind(runs)
    .bind(keys)
    .bind(paths)
    .execute(conn)
    .await
    .doing("writing logs")?;
    Ok(())
}

async fn write_paths(conn: &mut Conn, runs: &[Uuid], paths: &[&str]) -> Result<(), StoreError> {
    sqlx::query(
        "insert into paths (workflow_run_id, path)
         select distinct run, path from unnest($1::uuid[], $2::text[]) as x(run, path) order by run, path
         on conflict do nothing",
    )
    .bind(runs)
    .bind(paths)
    .execute(conn)
    .await
    .doing("writing paths")?;
    Ok(())
}
