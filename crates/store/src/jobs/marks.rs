//! All jobs of a run in a few bytes each: the source of timelines, matrices and orders.

use crate::{Conn, Doing, StoreError, changes::Horizon, status};
use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use model::{JobKey, JobStatus, Millis, RunId};
use std::{collections::HashMap, sync::Arc};

/// One attempt of one job. 48 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    pub id: JobKey,
    /// The client's number; [`Marks::NEVER`] if the client gave none.
    pub job_id: i64,
    /// [`Marks::NEVER`] before it began.
    pub started_at: Millis,
    /// [`Marks::NEVER`] before it ended.
    pub ended_at: Millis,
    /// An index into [`Marks::rules`].
    pub rule: u32,
    /// An index into [`Marks::wildcards`], or [`Marks::NONE`].
    pub wildcards: u32,
    /// [`Mark::UNREPORTED`] if not reported.
    pub threads: u16,
    /// From 1; numbers above 65 535 are stored as 65 535.
    pub attempt: u16,
    pub status: JobStatus,
    pub superseded: bool,
}

impl Mark {
    /// The value for jobs whose threads were not reported.
    pub const UNREPORTED: u16 = u16::MAX;

    /// The number of cores that the job is assumed to use.
    pub fn cores(&self) -> u32 {
        if self.threads == Self::UNREPORTED { 1 } else { u32::from(self.threads) }
    }

    /// How long the job took, if it has begun and ended.
    pub fn took(&self) -> Option<Millis> {
        (self.started_at != Marks::NEVER && self.ended_at != Marks::NEVER).then(|| self.ended_at - self.started_at)
    }
}

/// The attempts of a run by id, and the words that they share.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    pub rows: Vec<Mark>,
    /// Names of rules; the empty name stands for jobs whose rule was never reported.
    pub rules: Arc<Words>,
    /// Wildcards with their values as JSON objects, each once. Only grows.
    pub wildcards: Arc<Words>,
}

/// Words by number.
#[derive(Clone, Debug, Default)]
pub struct Words {
    list: Vec<Arc<str>>,
    places: HashMap<Arc<str>, u32>,
}

impl Words {
    /// The place of a word; a word that was not seen before gets a new place.
    pub fn place(self: &mut Arc<Self>, word: &str) -> u32 {
        if let Some(place) = self.places.get(word) {
            return *place;
        }
        let words = Arc::make_mut(self);
        let place = words.list.len() as u32;
        let word: Arc<str> = word.into();
        words.list.push(Arc::clone(&word));
        words.places.insert(word, place);
        place
    }

    /// The words, each at its place.
    pub fn list(&self) -> &[Arc<str>] {
        &self.list
    }

    /// The place of a word, if it was seen before.
    pub fn find(&self, word: &str) -> Option<u32> {
        self.places.get(word).copied()
    }
}

#[derive(sqlx::FromRow)]
struct Found {
    id: i64,
    job_id: Option<i64>,
    started_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    rule: Option<String>,
    wildcards: Option<String>,
    threads: Option<i32>,
    attempt: i32,
    status: String,
    superseded: bool,
}

macro_rules! columns {
    () => {
        "select id, job_id, started_at, ended_at, rule, wildcards::text as wildcards, threads, attempt, status, superseded
           from job_executions where workflow_run_id = $1"
    };
}

impl Marks {
    /// No time.
    pub const NEVER: Millis = Millis::MIN;
    /// No wildcards.
    pub const NONE: u32 = u32::MAX;

    fn take(&mut self, found: Found) -> Result<Mark, StoreError> {
        let status = status::of_job(found.id, &found.status)?;
        let at = |time: Option<DateTime<Utc>>| time.map_or(Self::NEVER, |time| time.timestamp_millis());
        Ok(Mark {
            id: JobKey(found.id),
            job_id: found.job_id.unwrap_or(Self::NEVER),
            started_at: at(found.started_at),
            ended_at: at(found.ended_at),
            rule: self.rules.place(found.rule.as_deref().unwrap_or("")),
            wildcards: found.wildcards.map_or(Self::NONE, |wildcards| self.wildcards.place(&wildcards)),
            threads: found.threads.map_or(Mark::UNREPORTED, |threads| threads.clamp(0, i32::from(Mark::UNREPORTED) - 1) as u16),
            attempt: found.attempt.clamp(0, i32::from(u16::MAX)) as u16,
            status,
            superseded: found.superseded,
        })
    }

    /// Reads the rows of `ids` again; some may be new. Rows that no longer exist are removed.
    ///
    /// The cost is proportional to the number of ids.
    pub async fn again(&mut self, conn: &mut Conn, run: RunId, ids: &[JobKey]) -> Result<(), StoreError> {
        let wanted: Vec<i64> = ids.iter().map(|id| id.0).collect();
        let rows: Vec<Found> = sqlx::query_as(concat!(columns!(), " and id = any($2) order by id"))
            .bind(run.0)
            .bind(wanted)
            .fetch_all(conn)
            .await
            .doing("reading changed jobs")?;
        let mut gone: std::collections::HashSet<JobKey> = ids.iter().copied().collect();
        for found in rows {
            let mark = self.take(found)?;
            gone.remove(&mark.id);
            match self.rows.binary_search_by_key(&mark.id, |held| held.id) {
                Ok(at) => self.rows[at] = mark,
                Err(at) => self.rows.insert(at, mark),
            }
        }
        if !gone.is_empty() {
            self.rows.retain(|held| !gone.contains(&held.id));
        }
        Ok(())
    }

    /// The approximate size in bytes.
    pub fn weight(&self) -> usize {
        let words = |words: &Words| words.list.iter().map(|word| word.len() + 80).sum::<usize>();
        self.rows.len() * size_of::<Mark>() + words(&self.rules) + words(&self.wildcards)
    }
}

/// All attempts of a run.
///
/// Reads all of them: one million take seconds and, with a hundred thousand samples, some 60 MB. Meant to be cached and
/// kept up to date with [`touched`].
pub async fn marks(conn: &mut Conn, run: RunId) -> Result<Marks, StoreError> {
    let mut marks = Marks::default();
    let mut rows = sqlx::query_as::<_, Found>(concat!(columns!(), " order by id")).bind(run.0).fetch(conn);
    while let Some(found) = rows.try_next().await.doing("reading all jobs of a run")? {
        let mark = marks.take(found)?;
        marks.rows.push(mark);
    }
    Ok(marks)
}

/// Which jobs of a run changed since a horizon, and the horizon from which to continue.
///
/// `None` instead of ids if there are more than `most`, or if the run was deleted and created again.
pub async fn touched(conn: &mut Conn, run: RunId, since: &Horizon, most: i64) -> Result<(Option<Vec<JobKey>>, Horizon), StoreError> {
    let next = crate::changes::horizon(conn).await?; // Taken first: a change committed in between is read again, not missed.
    // Deleting a run deletes its jobs, without a line for each.
    let rows: Vec<(String, bool)> = sqlx::query_as(
        "select distinct record_id, table_name = 'workflow_runs' from (
             select record_id, table_name from change_notifications
              where xact >= $1::xid8 and workflow_run_id = $2
                and (table_name = 'job_executions' or table_name = 'workflow_runs' and operation = 'DELETE')
             union all
             select record_id, table_name
               from (select record_id, table_name, operation, workflow_run_id, xact from change_notifications where id > $4 offset 0) newer
              where xact < $1::xid8 and workflow_run_id = $2
                and (table_name = 'job_executions' or table_name = 'workflow_runs' and operation = 'DELETE')
              limit $3) newest",
    )
    .bind(since.xact())
    .bind(run.0)
    .bind(most + 1)
    .bind(since.newest())
    .fetch_all(conn)
    .await
    .doing("catching up with one run")?;
    let complete = (rows.len() as i64) <= most && !rows.iter().any(|(_, deleted)| *deleted);
    Ok((complete.then(|| rows.iter().filter_map(|(id, _)| id.parse().ok().map(JobKey)).collect()), next))
}

/// How many wildcard names are read.
const MOST_WILDCARDS: i64 = 1_000;

/// The wildcards of a run's jobs, those used by most rules first, taken from one job of each rule; and how many more
/// there are. The wildcard `also` is among them wherever it comes in that order.
///
/// Reads one job per rule, by index.
pub async fn wildcards(conn: &mut Conn, run: RunId, also: Option<&str>) -> Result<(Vec<String>, u32), StoreError> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "select k, names from (
         select k, row_number() over (order by count(*) desc, k) as place, count(*) over () as names
           from rule_counts c,
                lateral (select wildcards from job_executions
                          where workflow_run_id = c.workflow_run_id and left(rule, 100) = left(c.rule, 100) and rule = c.rule and jsonb_typeof(wildcards) = 'object'
                          order by id desc limit 1) j,
                jsonb_object_keys(j.wildcards) k
          where c.workflow_run_id = $1 and c.rule <> ''
          group by k) ranked
          where place <= $2 or k = $3
          order by place",
    )
    .bind(run.0)
    .bind(MOST_WILDCARDS)
    .bind(also)
    .fetch_all(conn)
    .await
    .doing("reading wildcards")?;
    let more = rows.first().map_or(0, |(_, names)| *names as u32) - rows.len() as u32;
    Ok((rows.into_iter().map(|(name, _)| name).collect(), more))
}

/// How long jobs of each rule took in the newest three other attempts of the same thing: their number, mean and
/// standard deviation in milliseconds.
///
/// Reads the jobs of those attempts.
pub async fn past(conn: &mut Conn, run: RunId) -> Result<Vec<(String, i64, f64, f64)>, StoreError> {
    sqlx::query_as(
        "select rule, count(*), avg(took)::float8, coalesce(stddev_pop(took), 0)::float8
           from (select other.id
                   from workflow_runs r
                   join workflow_runs other on other.lineage_id = r.lineage_id and other.id <> r.id and not other.dry_run
                  where r.id = $1
                  order by other.attempt desc
                  limit 3) attempts
          cross join lateral (
                select rule, extract(epoch from ended_at - started_at) * 1000 as took
                  from job_executions
                 where workflow_run_id between attempts.id and attempts.id and status = 'success' and started_at is not null and rule is not null
                   and filled_from is distinct from 'close'         -- its real end is not known
                 order by workflow_run_id, id desc
                 limit 20000) j
          group by rule",
    )
    .bind(run.0)
    .fetch_all(conn)
    .await
    .doing("reading how long rules took")
}
