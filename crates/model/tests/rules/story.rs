//! Events and folds in few words, for the tests of this folder.

use model::{
    JobStatus, Millis, RunId, RunStatus,
    event::{Event, JobInfo, JobUpdate, LastWord, RunStart},
    fold::{JobState, RunFold, RunState},
    run::ReportedError,
};
use std::sync::Arc;
use uuid::Uuid;

/// A run of which nothing is known, as it is loaded: nothing changed yet.
pub fn loaded() -> RunFold {
    RunFold::new(RunState { touched: false, ..RunState::unknown(RunId(Uuid::nil()), 0) })
}

/// A run that was loaded with this status, and ended at 5 if it is over.
pub fn loaded_as(status: RunStatus) -> RunFold {
    let mut fold = loaded();
    (fold.run.status, fold.run.ended_at) = (status, status.is_end().then_some(5));
    fold
}

/// The state after events at the times 10, 20, 30 and so on.
pub fn after(events: impl IntoIterator<Item = Event>) -> RunFold {
    then(loaded(), events)
}

/// The state after further events, 10 ms apart, the first 10 ms after the last sign of life.
pub fn then(mut fold: RunFold, events: impl IntoIterator<Item = Event>) -> RunFold {
    for event in events {
        let at = fold.run.last_seen_at + 10;
        fold.apply(event, at);
    }
    fold
}

pub fn begin(job_id: i64) -> Event {
    Event::JobsStarted(vec![job_id])
}

pub fn info(job_id: i64) -> Event {
    of_rule(job_id, "align")
}

pub fn of_rule(job_id: i64, rule: &str) -> Event {
    Event::JobInfo(Arc::new(JobInfo { job_id, rule: Some(rule.into()), ..JobInfo::default() }))
}

/// A description of a job of which nothing runs yet.
pub fn plan(job_id: i64) -> Event {
    Event::JobInfo(Arc::new(JobInfo { job_id, planned: true, ..JobInfo::default() }))
}

pub fn end(job_id: i64, status: JobStatus) -> Event {
    Event::JobEnded { job_id, status }
}

pub fn update(job_id: i64, update: JobUpdate) -> Event {
    Event::JobUpdated { job_id, update: Box::new(update) }
}

pub fn start(dry_run: bool, heartbeats: bool) -> Event {
    Event::RunStarted(Arc::new(RunStart { dry_run, heartbeats, ..RunStart::default() }))
}

fn reported(text: &str) -> ReportedError {
    ReportedError { exception: text.into(), ..ReportedError::at(0) }
}

pub fn error(text: &str) -> Event {
    Event::Error(reported(text))
}

pub fn fatal(text: &str) -> Event {
    Event::Fatal { error: reported(text), idle: false }
}

pub fn fatal_if_idle(text: &str) -> Event {
    Event::Fatal { error: reported(text), idle: true }
}

pub fn said() -> Event {
    Event::Said { level: "info", message: "Select jobs to execute...".into(), logfile: None, end: None }
}

pub fn said_last(word: LastWord) -> Event {
    Event::Said { level: "info", message: "Complete log: run.log".into(), logfile: Some("run.log".into()), end: Some(word) }
}

pub fn progress(done: i32, total: i32) -> Event {
    Event::Progress { done, total }
}

/// Status and end of the run.
pub fn run(fold: &RunFold) -> (RunStatus, Option<Millis>) {
    (fold.run.status, fold.run.ended_at)
}

/// The attempts of a job, oldest first.
pub fn attempts(fold: &RunFold, job_id: i64) -> &[JobState] {
    fold.jobs.get(&job_id).map_or(&[], Vec::as_slice)
}

/// The states of the attempts of a job, oldest first.
pub fn states(fold: &RunFold, job_id: i64) -> Vec<JobStatus> {
    attempts(fold, job_id).iter().map(|job| job.status).collect()
}

/// Status, start and end of the attempts of a job, oldest first.
pub fn spans(fold: &RunFold, job_id: i64) -> Vec<(JobStatus, Option<Millis>, Option<Millis>)> {
    attempts(fold, job_id).iter().map(|job| (job.status, job.started_at, job.ended_at)).collect()
}
