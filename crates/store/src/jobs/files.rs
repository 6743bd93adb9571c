//! Files of a run: rule by rule, by name, and who makes and uses one of them.

use super::{Row, plain};
use crate::{Conn, Doing, StoreError};
use model::{
    JobKey, RunId,
    file::FileRef,
    job::{FileRole, JobFile, JobRow, PathDetail, PathRow, RuleFiles},
};
use sqlx::types::Json;
use std::collections::BTreeMap;

/// Files of each role that stand for those of a rule.
const EXAMPLES: i64 = 3;
/// Jobs of a rule whose files are listed at once, and files of one of them.
const JOBS: i64 = 25;
const FILES: i64 = 60;
/// Paths that a search gives.
const FOUND: i64 = 200;
/// Jobs that are listed for a path.
const USERS: i64 = 100;

/// What each rule reads and writes: the first files of its newest job with a description.
///
/// Reads one job per rule, by index.
pub async fn by_rule(conn: &mut Conn, run: RunId) -> Result<Vec<RuleFiles>, StoreError> {
    let rows: Vec<(String, String, String, Option<String>)> = sqlx::query_as(
        "select c.rule, f.role, p.path, m.rule
           from rule_counts c
          cross join lateral (
                select id from job_executions
                 where workflow_run_id = c.workflow_run_id and left(rule, 100) = left(c.rule, 100) and rule = c.rule and informed
                 order by id desc limit 1) j
          cross join lateral (
                select * from (select f.*, row_number() over (partition by f.role order by f.position) as nth
                                 from job_files f where f.job_execution_id = j.id) f
                 where f.nth <= $2) f
           join paths p on p.id = f.path_id
           left join lateral (
                select o.rule
                  from job_files made
                  join job_executions o on o.id = made.job_execution_id
                 where f.role = 'input' and made.path_id = f.path_id and made.role = 'output'
                 limit 1) m on true
          where c.workflow_run_id = $1 and c.rule <> ''
          order by c.rule, f.role, f.position",
    )
    .bind(run.0)
    .bind(EXAMPLES)
    .fetch_all(conn)
    .await
    .doing("reading files by rule")?;
    let mut all: Vec<RuleFiles> = Vec::new();
    for (rule, role, path, from) in rows {
        if all.last().is_none_or(|last| last.rule != rule) {
            all.push(RuleFiles { rule, inputs: Vec::new(), outputs: Vec::new() });
        }
        let Some(last) = all.last_mut() else { continue };
        match FileRole::of(&role) {
            Some(FileRole::Input) => last.inputs.push((path, from)),
            Some(FileRole::Output) => last.outputs.push(path),
            _ => {}
        }
    }
    Ok(all)
}

/// A file of a job: job, role, path, and who makes it by which rule.
type Named = (i64, String, String, Option<i64>, Option<String>);

/// The files of a rule's jobs, newest first, from before a job on; and whether there are more jobs.
pub async fn of_rule(
    conn: &mut Conn,
    run: RunId,
    rule: &str,
    before: Option<JobKey>,
) -> Result<(Vec<(JobRow, Vec<JobFile>)>, bool), StoreError> {
    let rows: Vec<Row> = sqlx::query_as(concat!(
        "select ",
        columns!(),
        "
           from job_executions j
          where j.workflow_run_id = $1 and left(j.rule, 100) = left($2, 100) and j.rule = $2 and not j.superseded and j.id < $3
          order by j.id desc limit $4"
    ))
    .bind(run.0)
    .bind(rule)
    .bind(before.map_or(i64::MAX, |before| before.0))
    .bind(JOBS + 1)
    .fetch_all(&mut *conn)
    .await
    .doing("reading a rule's jobs")?;
    let more = rows.len() as i64 > JOBS;
    let jobs = rows.into_iter().take(JOBS as usize).map(JobRow::try_from).collect::<Result<Vec<_>, _>>()?;
    let ids: Vec<i64> = jobs.iter().map(|job| job.id.0).collect();
    let found: Vec<Named> = sqlx::query_as(
        "select f.job_execution_id, f.role, p.path, m.id, m.rule
           from unnest($1::bigint[]) as j(id)
          cross join lateral (
                select * from job_files where job_execution_id = j.id and role in ('input', 'output')
                 order by role, position limit $2) f
           join paths p on p.id = f.path_id
           left join lateral (
                select o.id, o.rule
                  from job_files made
                  join job_executions o on o.id = made.job_execution_id and not o.superseded
                 where f.role = 'input' and made.path_id = f.path_id and made.role = 'output'
                 limit 1) m on true
          order by f.role, f.position",
    )
    .bind(ids)
    .bind(FILES)
    .fetch_all(conn)
    .await
    .doing("reading files of jobs")?;
    let mut files: BTreeMap<i64, Vec<JobFile>> = BTreeMap::new();
    for (job, role, path, maker, rule) in found {
        let Some(role) = FileRole::of(&role) else { continue };
        let made_by = maker.map(|id| (JobKey(id), rule.unwrap_or_default()));
        files.entry(job).or_default().push(JobFile { role, path, made_by, used_by: 0 });
    }
    let jobs = jobs.into_iter().map(|job| {
        let files = files.remove(&job.id.0).unwrap_or_default();
        (job, files)
    });
    Ok((jobs.collect(), more))
}

/// The files of one role of some jobs of a run, in the order of `jobs`: job, path and the path's number.
///
/// Reads the files of these jobs, by index; at most 60 of one.
pub async fn of_role(conn: &mut Conn, jobs: &[JobKey], role: FileRole) -> Result<Vec<(JobKey, PathRow)>, StoreError> {
    let ids: Vec<i64> = jobs.iter().map(|job| job.0).collect();
    let rows: Vec<(i64, i64, String)> = sqlx::query_as(
        "select j.id, p.id, p.path
           from unnest($1::bigint[]) with ordinality as j(id, nth)
          cross join lateral (
                select * from job_files where job_execution_id = j.id and role = $3
                 order by position limit $2) f
           join paths p on p.id = f.path_id
          order by j.nth, f.position",
    )
    .bind(ids)
    .bind(FILES)
    .bind(role.as_str())
    .fetch_all(conn)
    .await
    .doing("reading files of some role")?;
    Ok(rows.into_iter().map(|(job, id, path)| (JobKey(job), PathRow { id, path })).collect())
}

/// A path that a run names, by its number; `None` if it names none such.
pub async fn known(conn: &mut Conn, run: RunId, path: i64) -> Result<Option<String>, StoreError> {
    let found = sqlx::query_scalar("select path from paths where id = $2 and workflow_run_id = $1");
    found.bind(run.0).bind(path).fetch_optional(conn).await.doing("reading a path by its number")
}

/// Paths of a run that contain some words, whatever their case.
///
/// Looks through the run's paths by index: as many as it names files.
pub async fn find(conn: &mut Conn, run: RunId, words: &str) -> Result<Vec<PathRow>, StoreError> {
    let rows: Vec<(i64, String)> = sqlx::query_as(
        "select id, path from paths where workflow_run_id = $1 and position(lower($2) in lower(path)) > 0 order by path limit $3",
    )
    .bind(run.0)
    .bind(words)
    .bind(FOUND)
    .fetch_all(conn)
    .await
    .doing("searching paths")?;
    Ok(rows.into_iter().map(|(id, path)| PathRow { id, path }).collect())
}

/// Who makes and who uses a path of a run, at most 100 jobs of each; `None` if it names no such path.
pub async fn path(conn: &mut Conn, run: RunId, path: &str) -> Result<Option<PathDetail>, StoreError> {
    type Found =
        (Option<i64>, Option<String>, Option<i64>, Option<String>, Option<String>, Option<Json<BTreeMap<String, serde_json::Value>>>);
    let rows: Vec<Found> = sqlx::query_as(
        "select f.id, f.role, f.job_id, f.rule, f.status, f.wildcards
           from paths p
           left join lateral (
                select * from (
                    select j.id, f.role, j.job_id, j.rule, j.status, j.wildcards,
                           row_number() over (partition by f.role order by j.id) as nth
                      from job_files f
                      join job_executions j on j.id = f.job_execution_id and not j.superseded
                     where f.path_id = p.id) f
                 where f.nth <= $3) f on true
          where p.workflow_run_id = $1 and p.path_key = md5($2)::uuid and p.path = $2",
    )
    .bind(run.0)
    .bind(path)
    .bind(USERS)
    .fetch_all(conn)
    .await
    .doing("reading a path")?;
    if rows.is_empty() {
        return Ok(None);
    }
    let mut found = PathDetail { path: path.to_owned(), jobs: Vec::new() };
    for (id, role, job_id, rule, status, wildcards) in rows {
        let (Some(id), Some(role), Some(status)) = (id, role.as_deref().and_then(FileRole::of), status.and_then(|word| word.parse().ok()))
        else {
            continue;
        };
        let wildcards = wildcards.map(|held| held.0.into_iter().map(|(name, value)| (name, plain(value))).collect()).unwrap_or_default();
        found.jobs.push(model::job::PathUse { role, job: JobKey(id), job_id, rule: rule.unwrap_or_default(), status, wildcards });
    }
    Ok(Some(found))
}

/// The path of a file as the run names it, or of one beneath its directory as it is asked for; `None` if it names no
/// such.
pub async fn path_of(conn: &mut Conn, run: RunId, file: &FileRef) -> Result<Option<String>, StoreError> {
    match file {
        FileRef::Log => crate::runs::find::logfile(conn, run).await,
        FileRef::Known(path) => known(conn, run, *path).await,
        FileRef::Named(path) => {
            let found = sqlx::query_scalar("select path from paths where workflow_run_id = $1 and path_key = md5($2)::uuid and path = $2");
            found.bind(run.0).bind(path).fetch_optional(conn).await.doing("reading a path")
        }
        FileRef::Under(way) => Ok(Some(way.clone())),
    }
}
