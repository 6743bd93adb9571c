//! Files of a run: by rule, by name, and which jobs make and use one of them.

use super::{Row, plain};
use crate::{Conn, Doing, StoreError, status};
use model::{
    JobKey, RunId,
    file::FileRef,
    job::{FileRole, JobFile, JobFiles, JobRow, PathDetail, PathRow, RuleFiles, Unlisted},
    page::Total,
};
use sqlx::types::Json;
use std::collections::BTreeMap;

/// How many files of each role are shown as examples for a rule.
const EXAMPLES: i64 = 3;
/// How many jobs of a rule are listed with files at once, and how many files of each role of each job.
const JOBS: i64 = 25;
const FILES: i64 = 60;
/// How many paths a search returns at once.
const FOUND: i64 = 200;
/// How many jobs of each role are listed for a path at once.
const USERS: i64 = 100;
/// How many inputs of a job are examined to link its rule to others.
const LINKED: i64 = 10_000;

/// What each rule reads and writes: the first files of the newest described job of each rule.
///
/// Reads one job per rule, by index.
pub async fn by_rule(conn: &mut Conn, run: RunId) -> Result<Vec<RuleFiles>, StoreError> {
    let rows: Vec<(String, i64, String, String, Option<String>, i64)> = sqlx::query_as(
        "select c.rule, j.id, f.role, p.path, m.rule, f.n
           from rule_counts c
          cross join lateral (
                select id from job_executions
                 where workflow_run_id = c.workflow_run_id and left(rule, 100) = left(c.rule, 100) and rule = c.rule and informed
                 order by id desc limit 1) j
          cross join lateral (
                select * from (select f.*, row_number() over (partition by f.role order by f.position) as nth,
                                      count(*) over (partition by f.role) as n
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
    for (rule, job, role, path, from, of) in rows {
        let role = status::role(job, &role)?;
        if all.last().is_none_or(|last| last.rule != rule) {
            all.push(RuleFiles { rule, inputs: Vec::new(), outputs: Vec::new(), unlisted: Unlisted::default() });
        }
        let Some(last) = all.last_mut() else { continue };
        match role {
            FileRole::Input => last.inputs.push((path, from)),
            FileRole::Output => last.outputs.push(path),
            _ => {}
        }
        last.unlisted.set(role, beyond(of, EXAMPLES));
    }
    Ok(all)
}

/// How many of `of` come after the first `listed`.
fn beyond(of: i64, listed: i64) -> u64 {
    u64::try_from(of - listed).unwrap_or(0)
}

/// Which rule makes what another rule reads: pairs of maker and reader, each once, from all inputs of the newest
/// described job of each rule. A file inside a directory that a rule makes counts as made by that rule.
///
/// Reads the inputs of one job per rule, by index; at most 10 000 of each job.
pub async fn links(conn: &mut Conn, run: RunId) -> Result<Vec<(String, String)>, StoreError> {
    sqlx::query_as(
        "with inputs as materialized (
            select c.rule, f.path_id
              from rule_counts c
             cross join lateral (
                    select id from job_executions
                     where workflow_run_id = c.workflow_run_id and left(rule, 100) = left(c.rule, 100) and rule = c.rule and informed
                     order by id desc limit 1) j
             cross join lateral (
                    select path_id from job_files where job_execution_id = j.id and role = 'input' order by position limit $2) f
             where c.workflow_run_id = $1 and c.rule <> ''
        ), made as materialized (
            select i.rule, i.path_id, m.rule as maker
              from inputs i
              left join lateral (
                    select o.rule
                      from job_files made
                      join job_executions o on o.id = made.job_execution_id
                     where made.path_id = i.path_id and made.role = 'output' and o.rule is not null
                     limit 1) m on true
        ), beneath as materialized (
            select distinct m.rule, string_to_array(regexp_replace(p.path, '/[^/]*$', ''), '/') as dir
              from made m
              join paths p on p.id = m.path_id
             where m.maker is null and strpos(p.path, '/') > 0
        ), above as materialized (
            select distinct b.rule, array_to_string(b.dir[1:n], '/') as dir
              from beneath b
             cross join lateral generate_series(1, cardinality(b.dir)) n
        )
        select maker, rule from made where maker is not null
         union
        select d.maker, a.rule
          from above a
         cross join lateral (values (a.dir), (a.dir || '/')) as way(path)
         cross join lateral (
                select o.rule as maker
                  from paths p
                  join job_files f on f.path_id = p.id and f.role = 'output'
                  join job_executions o on o.id = f.job_execution_id
                 where p.workflow_run_id = $1 and p.path_key = md5(way.path)::uuid and p.path = way.path and o.rule is not null
                 limit 1) d
         where a.dir <> ''
         order by 1, 2",
    )
    .bind(run.0)
    .bind(LINKED)
    .fetch_all(conn)
    .await
    .doing("reading who makes what rules read")
}

/// A file of a job: job, role, path, which job makes it, by which rule, and how many files the job has in this role.
type Named = (i64, String, String, Option<i64>, Option<String>, i64);

/// The files of a rule's jobs, newest first, before a given job; and how many jobs follow, counted as in
/// [`super::earlier`].
pub async fn of_rule(
    conn: &mut Conn,
    run: RunId,
    rule: &str,
    before: Option<JobKey>,
) -> Result<(Vec<JobFiles>, Option<Total>), StoreError> {
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
    let later = match jobs.last() {
        Some(last) if more => Some(super::earlier(conn, run, rule, last.id).await?),
        _ => None,
    };
    let ids: Vec<i64> = jobs.iter().map(|job| job.id.0).collect();
    let found: Vec<Named> = sqlx::query_as(
        "select j.id, f.role, p.path, m.id, m.rule, f.n
           from unnest($1::bigint[]) as j(id)
          cross join (values ('input'), ('output')) as r(role)
          cross join lateral (
                select role, path_id, position, count(*) over () as n
                  from job_files where job_execution_id = j.id and role = r.role
                 order by position limit $2) f
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
    let mut files: BTreeMap<i64, (Vec<JobFile>, Unlisted)> = BTreeMap::new();
    for (job, role, path, maker, rule, of) in found {
        let role = status::role(job, &role)?;
        let made_by = maker.map(|id| (JobKey(id), rule.unwrap_or_default()));
        let (files, unlisted) = files.entry(job).or_default();
        files.push(JobFile { role, path, made_by, used_by: 0, rewritten_by: None });
        unlisted.set(role, beyond(of, FILES));
    }
    let jobs = jobs.into_iter().map(|job| {
        let (files, unlisted) = files.remove(&job.id.0).unwrap_or_default();
        JobFiles { job, files, unlisted }
    });
    Ok((jobs.collect(), later))
}

/// The files of one role of some jobs of a run, in the order of `jobs`: job, path and the path's number.
///
/// Reads the files of these jobs, by index; at most 60 of each job.
pub async fn of_role(conn: &mut Conn, jobs: &[JobKey], role: FileRole) -> Result<Vec<(JobKey, PathRow)>, StoreError> {
    let window = window_of_role(conn, jobs, role, 0, FILES as u32).await?;
    Ok(window.into_iter().map(|(job, path, _)| (job, path)).collect())
}

/// Like [`of_role`], but after the first `skip` files of each job, at most `most` of each; with how many files of the job follow.
pub async fn window_of_role(
    conn: &mut Conn,
    jobs: &[JobKey],
    role: FileRole,
    skip: u32,
    most: u32,
) -> Result<Vec<(JobKey, PathRow, u64)>, StoreError> {
    let ids: Vec<i64> = jobs.iter().map(|job| job.0).collect();
    let rows: Vec<(i64, i64, String, i64)> = sqlx::query_as(
        "select j.id, p.id, p.path, f.n
           from unnest($1::bigint[]) with ordinality as j(id, nth)
          cross join lateral (
                select path_id, position, count(*) over () as n
                  from job_files where job_execution_id = j.id and role = $3
                 order by position limit $2 offset $4) f
           join paths p on p.id = f.path_id
          order by j.nth, f.position",
    )
    .bind(ids)
    .bind(i64::from(most))
    .bind(role.as_str())
    .bind(i64::from(skip))
    .fetch_all(conn)
    .await
    .doing("reading files of some role")?;
    let after = i64::from(skip) + i64::from(most);
    Ok(rows.into_iter().map(|(job, id, path, of)| (JobKey(job), PathRow { id, path }, beyond(of, after))).collect())
}

/// A path that a run names, by its number; `None` if the run names no such path.
pub async fn known(conn: &mut Conn, run: RunId, path: i64) -> Result<Option<String>, StoreError> {
    let found = sqlx::query_scalar("select path from paths where id = $2 and workflow_run_id = $1");
    found.bind(run.0).bind(path).fetch_optional(conn).await.doing("reading a path by its number")
}

/// Paths of a run that contain a text, ignoring case, ordered by name, after a given one; and how many follow.
///
/// Searches all paths of the run, by index.
pub async fn find(conn: &mut Conn, run: RunId, words: &str, after: Option<i64>) -> Result<(Vec<PathRow>, u64), StoreError> {
    let rows: Vec<(i64, String, i64)> = sqlx::query_as(
        "select id, path, count(*) over () from paths
          where workflow_run_id = $1 and position(lower($2) in lower(path)) > 0
            and ($4::bigint is null or path > (select path from paths where id = $4 and workflow_run_id = $1))
          order by path limit $3",
    )
    .bind(run.0)
    .bind(words)
    .bind(FOUND)
    .bind(after)
    .fetch_all(conn)
    .await
    .doing("searching paths")?;
    let more = rows.first().map_or(0, |(_, _, of)| beyond(*of, FOUND));
    Ok((rows.into_iter().map(|(id, path, _)| PathRow { id, path }).collect(), more))
}

/// Which jobs make and use a path of a run, at most 100 of each; `None` if the run names no such path.
pub async fn path(conn: &mut Conn, run: RunId, path: &str) -> Result<Option<PathDetail>, StoreError> {
    window_of_path(conn, run, path, None, None).await
}

/// Like [`path`], for one role, and for jobs that were reported after a given one.
pub async fn window_of_path(
    conn: &mut Conn,
    run: RunId,
    path: &str,
    role: Option<FileRole>,
    after: Option<JobKey>,
) -> Result<Option<PathDetail>, StoreError> {
    type Wildcards = Json<BTreeMap<String, serde_json::Value>>;
    type Found = (Option<i64>, Option<String>, Option<i64>, Option<String>, Option<String>, Option<Wildcards>, Option<i64>);
    let rows: Vec<Found> = sqlx::query_as(
        "select f.id, f.role, f.job_id, f.rule, f.status, f.wildcards, f.n
           from paths p
           left join lateral (
                select * from (
                    select j.id, f.role, j.job_id, j.rule, j.status, j.wildcards,
                           row_number() over (partition by f.role order by j.id) as nth, count(*) over (partition by f.role) as n
                      from job_files f
                      join job_executions j on j.id = f.job_execution_id and not j.superseded
                     where f.path_id = p.id and ($4::text is null or f.role = $4) and j.id > $5) f
                 where f.nth <= $3
                 order by f.role, f.nth) f on true
          where p.workflow_run_id = $1 and p.path_key = md5($2)::uuid and p.path = $2",
    )
    .bind(run.0)
    .bind(path)
    .bind(USERS)
    .bind(role.map(FileRole::as_str))
    .bind(after.map_or(0, |after| after.0))
    .fetch_all(conn)
    .await
    .doing("reading a path")?;
    if rows.is_empty() {
        return Ok(None);
    }
    let mut found = PathDetail { path: path.to_owned(), jobs: Vec::new(), unlisted: Unlisted::default() };
    for (id, role, job_id, rule, status, wildcards, of) in rows {
        // A path without jobs is one row without a job.
        let (Some(id), Some(role), Some(status)) = (id, role, status) else { continue };
        let (role, status) = (status::role(id, &role)?, status::of_job(id, &status)?);
        let wildcards = wildcards.map(|held| held.0.into_iter().map(|(name, value)| (name, plain(value))).collect()).unwrap_or_default();
        found.jobs.push(model::job::PathUse { role, job: JobKey(id), job_id, rule: rule.unwrap_or_default(), status, wildcards });
        found.unlisted.set(role, beyond(of.unwrap_or(0), USERS));
    }
    Ok(Some(found))
}

/// The path of a file: as the run names it, or, for a file below the run's directory, as requested. `None` if the run
/// names no such path.
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
