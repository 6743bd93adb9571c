//! A run as it was at a moment of the past: its current state, with all later changes in the change log undone.
//!
//! Some parts are shown as they are now: what the log keeps no values of (commands, parameters, reasons, reported
//! errors), and what holds for the whole life of a job even if it was reported late (its rule and wildcards).

use crate::{
    Conn, Doing, StoreError,
    jobs::{
        self,
        marks::{Mark, Marks},
    },
    status,
};
use chrono::{DateTime, Utc};
use model::{
    JobKey, JobStatus, Millis, RunId, RunStatus,
    job::{JobDetail, JobRow},
    run::{JobCounts, RuleRow, RunSummary},
};
use serde_json::{Map, Value};
use sqlx::{Connection as _, types::Json};
use std::collections::{HashMap, HashSet};

const RUNS: &str = "workflow_runs";
const JOBS: &str = "job_executions";
/// How many lines are read at a time.
const PAGE: i64 = 2_000;
/// Lines are numbered in the order of their times, except for this much, in milliseconds, because clocks are adjusted.
const SKEW: Millis = 10_000;

/// The part of a run's life that the change log covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub first: Millis,
    pub last: Millis,
}

/// When the oldest and the newest stored changes of a run were made; `None` if none is stored.
///
/// Reads four lines, by index.
pub async fn span(conn: &mut Conn, run: RunId) -> Result<Option<Span>, StoreError> {
    let row: (Option<Millis>, Option<Millis>) = sqlx::query_as(
        "select min(f.at), max(l.at)
           from unnest($2::text[]) as t(name)
           left join lateral (select ms(\"timestamp\") as at from change_notifications
                          where workflow_run_id between $1 and $1 and table_name between t.name and t.name
                          order by workflow_run_id, table_name, id limit 1) f on true
           left join lateral (select ms(\"timestamp\") as at from change_notifications
                          where workflow_run_id between $1 and $1 and table_name between t.name and t.name
                          order by workflow_run_id desc, table_name desc, id desc limit 1) l on true",
    )
    .bind(run.0)
    .bind([RUNS, JOBS])
    .fetch_one(conn)
    .await
    .doing("reading how far a history goes back")?;
    Ok(row.0.zip(row.1).map(|(first, last)| Span { first, last: last.max(first) }))
}

/// The earlier values of a job, as far as they differ from the current ones.
#[derive(Clone, Debug, Default, PartialEq)]
struct Was {
    status: Option<JobStatus>,
    superseded: Option<bool>,
    /// [`Marks::NEVER`] before it began.
    started_at: Option<Millis>,
    /// [`Marks::NEVER`] before it ended.
    ended_at: Option<Millis>,
    /// Values that only the job's details show, by column.
    rest: Map<String, Value>,
}

impl Was {
    /// # Errors
    /// [`StoreError::Corrupt`] for a status that this build does not know.
    fn undo(&mut self, job: JobKey, old: Map<String, Value>) -> Result<(), StoreError> {
        for (name, value) in old {
            match name.as_str() {
                "status" => self.status = value.as_str().map(|word| status::of_job(job, word)).transpose()?,
                "superseded" => self.superseded = value.as_bool(),
                "started_at" => self.started_at = Some(time(&value).unwrap_or(Marks::NEVER)),
                "ended_at" => self.ended_at = Some(time(&value).unwrap_or(Marks::NEVER)),
                "exit_code" | "error" | "host" | "external_id" | "message" => {
                    self.rest.insert(name, value);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn mark(&self, mark: &mut Mark) {
        mark.status = self.status.unwrap_or(mark.status);
        mark.superseded = self.superseded.unwrap_or(mark.superseded);
        mark.started_at = self.started_at.unwrap_or(mark.started_at);
        mark.ended_at = self.ended_at.unwrap_or(mark.ended_at);
    }

    fn text(&self, name: &str, now: &mut Option<String>) {
        if let Some(was) = self.rest.get(name) {
            *now = was.as_str().map(str::to_owned);
        }
    }
}

/// Parses a time of the database.
fn time(value: &Value) -> Option<Millis> {
    let time = value.as_str()?.parse::<DateTime<Utc>>().ok()?;
    Some(time.timestamp_millis())
}

/// A page of the lines about rows of a table, newest first.
async fn later(conn: &mut Conn, run: RunId, table: &str, before: i64) -> Result<Vec<Line>, StoreError> {
    // Not by time: lines are indexed by number, so a condition on time would read all older lines to the end.
    sqlx::query_as(
        "select id, ms(\"timestamp\"), record_id, operation, changed_fields is not distinct from '{}', old_values
           from change_notifications
          where workflow_run_id between $1 and $1 and table_name between $2 and $2 and id < $3
          order by workflow_run_id desc, table_name desc, id desc
          limit $4",
    )
    .bind(run.0)
    .bind(table)
    .bind(before)
    .bind(PAGE)
    .fetch_all(conn)
    .await
    .doing("reading what came later")
}

/// What must be undone to see a run as it was.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// The end of the last millisecond that is shown.
    pub at: Millis,
    /// The next change after that moment.
    pub after: Option<Millis>,
    /// The last change before the one that is shown.
    pub before: Option<Millis>,
    absent: HashSet<JobKey>,
    jobs: HashMap<JobKey, Was>,
    /// The run's status at the moment, if it is another now.
    status: Option<RunStatus>,
    /// The other earlier values of the run, by column.
    run: Map<String, Value>,
}

type Line = (i64, Millis, String, String, bool, Option<Json<Map<String, Value>>>);

impl Past {
    /// Reads what happened to a run after a moment.
    ///
    /// Reads only those lines and one page more, by index.
    pub async fn read(conn: &mut Conn, run: RunId, at: Millis) -> Result<Self, StoreError> {
        // One snapshot, and through the index that has the order: if one run fills the log, PostgreSQL would otherwise read all of it.
        let mut tx = conn.begin().await.doing("reading what came later")?;
        sqlx::raw_sql("set transaction isolation level repeatable read, read only")
            .execute(&mut *tx)
            .await
            .doing("reading what came later")?;
        sqlx::raw_sql(jobs::IN_ORDER).execute(&mut *tx).await.doing("reading what came later")?;
        let past = Self::within(&mut tx, run, at).await?;
        tx.commit().await.doing("reading what came later")?;
        Ok(past)
    }

    async fn within(conn: &mut Conn, run: RunId, at: Millis) -> Result<Self, StoreError> {
        let mut past = Self { at, ..Self::default() };
        let mut first = i64::MAX;
        for table in [RUNS, JOBS] {
            let mut before = i64::MAX;
            // Backwards: if a field changed several times, its oldest value is the one at the moment.
            loop {
                let lines = later(&mut *conn, run, table, before).await?;
                let full = lines.len() as i64 == PAGE;
                let Some(oldest) = lines.last().map(|(id, made, ..)| (*id, *made)) else { break };
                for (id, made, record, operation, silent, old) in lines {
                    if made <= at {
                        continue;
                    }
                    first = first.min(id);
                    if !silent {
                        past.after = Some(past.after.map_or(made, |after| after.min(made)));
                    }
                    past.undo(table, &record, &operation, old.map(|old| old.0).unwrap_or_default())?;
                }
                before = oldest.0;
                if !full || oldest.1 < at.saturating_sub(SKEW) {
                    break;
                }
            }
        }
        past.before = sqlx::query_scalar(
            "select ms(l.at)
               from unnest($2::text[]) as t(name),
                    lateral (select \"timestamp\" as at from change_notifications
                              where workflow_run_id between $1 and $1 and table_name between t.name and t.name and id < $3
                                and \"timestamp\" < $4 and changed_fields is distinct from '{}'
                              order by workflow_run_id desc, table_name desc, id desc
                              limit 1) l
              order by l.at desc
              limit 1",
        )
        .bind(run.0)
        .bind([RUNS, JOBS])
        .bind(first)
        .bind(DateTime::from_timestamp_millis(at))
        .fetch_optional(conn)
        .await
        .doing("looking for the change before")?;
        Ok(past)
    }

    /// # Errors
    /// As [`Was::undo`].
    fn undo(&mut self, table: &str, record: &str, operation: &str, mut old: Map<String, Value>) -> Result<(), StoreError> {
        match (table, operation, record.parse().ok().map(JobKey)) {
            (RUNS, "UPDATE", _) => {
                if let Some(word) = old.remove("status").as_ref().and_then(Value::as_str) {
                    self.status = Some(status::of_run(record, word)?);
                }
                self.run.extend(old);
            }
            (JOBS, "UPDATE", Some(job)) => self.jobs.entry(job).or_default().undo(job, old)?,
            (JOBS, "INSERT", Some(job)) => {
                self.jobs.remove(&job);
                self.absent.insert(job);
            }
            _ => {} // For rows that were deleted since, the log keeps too little.
        }
        Ok(())
    }

    /// The approximate size in bytes.
    pub fn weight(&self) -> usize {
        self.absent.len() * 16 + self.jobs.len() * (size_of::<Was>() + 100)
    }

    /// Turns the current jobs into those of the moment.
    ///
    /// They must have been read before this was: changes made in between are undone too.
    pub fn of_marks(&self, marks: &mut Marks) {
        marks.rows.retain_mut(|mark| {
            if let Some(was) = self.jobs.get(&mark.id) {
                was.mark(mark);
            }
            !self.absent.contains(&mark.id)
        });
    }

    /// Turns the row of a job into that of the moment, for which `mark` holds the values.
    pub fn of_row(&self, row: &mut JobRow, mark: &Mark) {
        row.status = mark.status;
        row.superseded = mark.superseded;
        row.started_at = reported(mark.started_at);
        row.ended_at = reported(mark.ended_at);
        if let Some(was) = self.jobs.get(&row.id) {
            was.text("message", &mut row.message);
            was.text("host", &mut row.host);
        }
    }

    /// Turns the details of a job into those of the moment. `marks` are those of the moment.
    pub fn of_detail(&self, detail: &mut JobDetail, marks: &Marks) {
        if let Some(mark) = find(marks, detail.row.id) {
            self.of_row(&mut detail.row, mark);
        }
        if let Some(was) = self.jobs.get(&detail.row.id) {
            was.text("external_id", &mut detail.external_id);
            was.text("error", &mut detail.error);
            if let Some(code) = was.rest.get("exit_code") {
                detail.exit_code = code.as_i64().and_then(|code| i32::try_from(code).ok());
            }
        }
        detail.attempts.retain_mut(|attempt| {
            find(marks, attempt.id).is_some_and(|mark| {
                attempt.status = mark.status;
                attempt.started_at = reported(mark.started_at);
                attempt.ended_at = reported(mark.ended_at);
                true
            })
        });
        detail.reports.retain(|report| report.received_at <= self.at);
    }

    /// Turns the row of the run into that of the moment. `marks` are those of the moment.
    pub fn of_run(&self, run: &mut RunSummary, marks: &Marks) {
        run.status = self.status.unwrap_or(run.status);
        for (name, value) in &self.run {
            match name.as_str() {
                "workflow_name" => value.as_str().unwrap_or_default().clone_into(&mut run.name),
                "user_name" => value.as_str().unwrap_or_default().clone_into(&mut run.user),
                "tags" => run.tags = value.as_array().into_iter().flatten().filter_map(|tag| tag.as_str().map(str::to_owned)).collect(),
                "directory" => run.directory = value.as_str().map(str::to_owned),
                "started_at" => run.started_at = time(value),
                "ended_at" => run.ended_at = time(value),
                "jobs_planned" => run.jobs.planned = value.as_i64().and_then(|planned| i32::try_from(planned).ok()),
                "quarantined" => run.quarantined = value.as_i64().and_then(|count| i32::try_from(count).ok()).unwrap_or_default(),
                _ => {}
            }
        }
        let planned = run.jobs.planned;
        run.jobs = JobCounts { planned, ..JobCounts::default() };
        for mark in marks.rows.iter().filter(|mark| !mark.superseded) {
            run.jobs.add(mark.status);
        }
    }

    /// Turns the counts of rules into those of the moment. `marks` are those of the moment.
    pub fn of_rules(rules: &mut [RuleRow], marks: &Marks) {
        let mut counts = vec![JobCounts::default(); marks.rules.list().len()];
        for mark in marks.rows.iter().filter(|mark| !mark.superseded) {
            counts[mark.rule as usize].add(mark.status);
        }
        for rule in rules {
            let then = marks.rules.find(&rule.name).map(|at| counts[at as usize]).unwrap_or_default();
            rule.jobs = JobCounts { planned: rule.jobs.planned, ..then };
        }
    }
}

/// The mark of a job.
pub fn find(marks: &Marks, job: JobKey) -> Option<&Mark> {
    marks.rows.binary_search_by_key(&job, |mark| mark.id).ok().map(|at| &marks.rows[at])
}

fn reported(time: Millis) -> Option<Millis> {
    (time != Marks::NEVER).then_some(time)
}
