//! Applies reports to the state of a run: the one place where events become states.
//!
//! Pure. The store loads what a batch needs into [`RunFold`]s, this module applies the batch, and the store writes the
//! result back. Any event may come first, come twice or be missing.

mod close;
mod fill;
mod job;
mod rerun;

pub use fill::LogAttempt;
pub use job::JobState;

use crate::{
    Epoch, JobStatus, Millis, RunId, RunStatus,
    event::{Event, JobInfo, JobUpdate, RunStart},
    job::StartReported,
    run::ReportedError,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// What must be known of a run to apply events to it, and what those events changed.
#[derive(Clone, Debug, PartialEq)]
pub struct RunState {
    pub id: RunId,
    /// Grows when a rerun follows a final end; within one epoch the status moves only along its edges.
    pub epoch: Epoch,
    pub status: RunStatus,
    pub ended_at: Option<Millis>,
    pub last_seen_at: Millis,
    pub closed: bool,
    pub dry_run: bool,
    pub heartbeats: bool,
    /// The newest report was an error. Decides at the close whether the run failed.
    pub last_was_error: bool,
    pub last_error: Option<String>,
    /// Jobs whose newest attempt failed.
    pub failed: i32,
    /// Jobs whose newest attempt ran when the batch began.
    pub were_running: i32,
    /// Something besides `last_seen_at` changed.
    pub touched: bool,
    /// Facts reported since loading; `None` leaves the stored value.
    pub start: Option<Arc<RunStart>>,
    pub rule_graph: Option<Arc<Value>>,
    pub planned: Option<(BTreeMap<String, i32>, i32)>,
    /// The client's own count of jobs, and how many of them it says are done.
    pub progress: Option<(i32, i32)>,
    pub logfile: Option<String>,
    pub new_errors: Vec<ReportedError>,
}

impl RunState {
    /// A run of which nothing is known yet.
    pub fn unknown(id: RunId, at: Millis) -> Self {
        Self {
            id,
            epoch: Epoch::FIRST,
            status: RunStatus::Running,
            ended_at: None,
            last_seen_at: at,
            closed: false,
            dry_run: false,
            heartbeats: false,
            last_was_error: false,
            last_error: None,
            failed: 0,
            were_running: 0,
            touched: true,
            start: None,
            rule_graph: None,
            planned: None,
            progress: None,
            logfile: None,
            new_errors: Vec::new(),
        }
    }
}

/// A run, with those of its jobs that a batch mentions.
#[derive(Clone, Debug, PartialEq)]
pub struct RunFold {
    pub run: RunState,
    /// Attempts by the client's job number, oldest first; only the first of each list may have been loaded.
    pub jobs: HashMap<i64, Vec<JobState>>,
    /// Set if the run ended in this batch and thereby ended its unfinished jobs, loaded or not: when, and with which status.
    pub closed_jobs: Option<(Millis, JobStatus)>,
}

/// The jobs that must be loaded before `event` can be applied.
pub fn jobs_of(event: &Event) -> Vec<i64> {
    match event {
        Event::JobsStarted(ids) => ids.clone(),
        Event::JobInfo(info) => vec![info.job_id],
        Event::JobEnded { job_id, .. } | Event::JobFailed { job_id, .. } | Event::JobUpdated { job_id, .. } => vec![*job_id],
        _ => Vec::new(),
    }
}

impl RunFold {
    pub fn new(run: RunState) -> Self {
        Self { run, jobs: HashMap::new(), closed_jobs: None }
    }

    /// Applies one event that counts at the time `at`.
    pub fn apply(&mut self, event: Event, at: Millis) {
        self.seen(at);
        let concerns_jobs = !jobs_of(&event).is_empty();
        if concerns_jobs {
            self.goes_on();
        }
        let was_closed = self.run.closed;
        let is_error = matches!(event, Event::Error(_) | Event::Fatal { .. });
        let is_report = !matches!(event, Event::Heartbeat | Event::Seen | Event::Closed | Event::JobUpdated { .. } | Event::Said { .. });
        match event {
            Event::RunStarted(start) => self.started(start),
            Event::RuleGraph(graph) => {
                self.run.rule_graph = Some(graph);
                self.run.touched = true;
            }
            Event::Planned { per_rule, total } => {
                self.run.planned = Some((per_rule, total));
                self.run.touched = true;
            }
            Event::JobsStarted(ids) => ids.into_iter().for_each(|id| self.job_started(id, at)),
            Event::JobInfo(info) => self.job_info(info, at),
            Event::JobEnded { job_id, status } => self.job_ended(job_id, status, at),
            Event::JobFailed { job_id, update } => {
                self.job_ended(job_id, JobStatus::Failed, at);
                self.update_job(job_id, *update);
            }
            Event::JobUpdated { job_id, update } => self.update_job(job_id, *update),
            Event::Progress { done, total } => self.progress(done, total, at),
            Event::Error(error) => self.error(error),
            Event::Fatal { error, idle } => {
                self.error(error);
                if !idle || self.running() <= 0 {
                    self.fail(at);
                }
            }
            Event::WasDryRun => {
                self.run.dry_run = true;
                self.close(at);
            }
            Event::NothingToDo => {
                self.run.planned = Some((BTreeMap::new(), 0));
                self.close(at);
            }
            Event::Said { logfile, end, .. } => {
                if logfile.is_some() {
                    self.run.logfile = logfile;
                    self.run.touched = true;
                }
                if let Some(word) = end {
                    self.last_word(word, at);
                }
            }
            Event::Heartbeat => {
                self.run.touched |= !self.run.heartbeats;
                self.run.heartbeats = true;
            }
            Event::Closed => self.close(at),
            Event::Seen | Event::Other => {}
        }
        if is_report && !self.run.closed && self.run.last_was_error != is_error {
            self.run.last_was_error = is_error;
            self.run.touched = true;
        }
        if concerns_jobs && was_closed && !self.run.dry_run {
            self.end_stragglers(at); // No later report may end a job that starts now. A reported end still replaces this guess.
        }
    }

    /// A client that reports is not lost.
    fn seen(&mut self, at: Millis) {
        let run = &mut self.run;
        run.last_seen_at = run.last_seen_at.max(at);
        if !run.closed && matches!(run.status, RunStatus::Lost | RunStatus::Waiting) {
            run.status = RunStatus::Running;
            run.ended_at = None;
            run.touched = true;
        }
    }

    /// A run that was assumed to have failed, or to have no jobs, goes on because a report mentions its jobs.
    fn goes_on(&mut self) {
        let run = &mut self.run;
        if !run.closed && matches!(run.status, RunStatus::Failed | RunStatus::Skipped) {
            run.status = RunStatus::Running;
            run.ended_at = None;
            run.touched = true;
        }
    }

    fn progress(&mut self, done: i32, total: i32, at: Millis) {
        self.run.progress = Some((done, total));
        self.run.touched = true;
        if done > 0 {
            self.goes_on();
        }
        if total > 0 && done >= total {
            self.run.last_was_error = false; // Retried jobs report errors too.
            self.close(at);
        }
    }

    /// The number of running jobs, as far as is known.
    fn running(&self) -> i32 {
        let is = |job: &JobState| i32::from(job.status == JobStatus::Running);
        let now: i32 = self.jobs.values().filter_map(|attempts| attempts.last()).map(is).sum();
        self.run.were_running - self.loaded_running() + now
    }

    /// The number of loaded jobs that were running when the batch began.
    fn loaded_running(&self) -> i32 {
        self.jobs.values().filter_map(|attempts| attempts.first()).map(|job| i32::from(job.was_running)).sum()
    }

    fn started(&mut self, start: Arc<RunStart>) {
        self.run.dry_run |= start.dry_run;
        self.run.heartbeats |= start.heartbeats;
        self.run.start = Some(start);
        self.run.touched = true;
    }

    fn error(&mut self, error: ReportedError) {
        let said = error.text();
        let repeated = self.run.last_was_error && self.run.last_error.as_ref() == Some(&said);
        if !repeated {
            self.run.last_error = Some(said);
            self.run.new_errors.push(error);
            self.run.touched = true;
        }
    }

    fn job_started(&mut self, job_id: i64, at: Millis) {
        let is_over = self.run.closed;
        let open = match self.newest(job_id) {
            None => None,
            Some(job) if job.status.is_unstarted() => Some(job),
            // The start was reported twice, or now for the first time: the description may precede the start.
            Some(job) if job.status == JobStatus::Running && job.start_reported != StartReported::Before => Some(job),
            // A start reported after the end of the run, perhaps for the second time.
            Some(job) if is_over && job.is_guess() => return,
            Some(_) => {
                self.retry(job_id, at);
                self.newest(job_id)
            }
        };
        match open {
            Some(job) if job.status == JobStatus::Running && job.start_reported == StartReported::Last && job.started_at.is_some() => {}
            Some(job) => job.start(at),
            None => {
                let mut job = JobState::new(job_id, at);
                job.start(at);
                self.add(job);
            }
        }
    }

    fn job_info(&mut self, info: Arc<JobInfo>, at: Millis) {
        let job_id = info.job_id;
        let planned = self.run.dry_run || info.planned;
        let is_over = self.run.closed;
        match self.newest(job_id) {
            None => {
                let mut job = JobState::new(job_id, at);
                if planned {
                    job.status = JobStatus::Waiting;
                    job.started_at = None;
                }
                self.add(job);
            }
            // The start of a retry was lost: a finished, described attempt is not described again.
            Some(job) if job.status.is_end() && job.informed && !(is_over && job.is_guess()) => self.retry(job_id, at),
            Some(_) => {}
        }
        if let Some(job) = self.newest(job_id) {
            job.inform(info);
        }
    }

    fn job_ended(&mut self, job_id: i64, status: JobStatus, at: Millis) {
        match self.newest(job_id) {
            None => {
                let mut job = JobState::new(job_id, at);
                job.started_at = None; // No report said when.
                self.add(job);
            }
            Some(job) if job.status == status && job.filled.is_none() => return,
            // Two different ends: the start of a retry between them was lost.
            Some(job) if job.status.is_end() && !job.is_guess() => {
                self.retry(job_id, at);
                if let Some(job) = self.newest(job_id) {
                    job.started_at = None;
                }
            }
            Some(_) => {}
        }
        if let Some(job) = self.newest(job_id) {
            job.end(status, at);
            self.run.failed += i32::from(status == JobStatus::Failed);
        }
    }

    fn update_job(&mut self, job_id: i64, update: JobUpdate) {
        if self.newest(job_id).is_none() {
            self.add(JobState::new(job_id, self.run.last_seen_at));
        }
        if let Some(job) = self.newest(job_id) {
            job.rule = job.rule.take().or_else(|| update.rule.clone());
            job.update.add(update);
            job.touched = true;
        }
    }

    /// Opens the next attempt. It takes over the rule of the last one until a report names another.
    fn retry(&mut self, job_id: i64, at: Millis) {
        let Some(last) = self.newest(job_id) else { return };
        if !last.status.is_end() {
            last.end(JobStatus::Lost, at);
        }
        let next = JobState { attempt: last.attempt + 1, rule: last.rule.clone(), ..JobState::new(job_id, at) };
        if last.status == JobStatus::Failed {
            self.run.failed -= 1;
        }
        self.add(next);
    }

    fn add(&mut self, job: JobState) {
        let job = JobState { epoch: self.run.epoch, ..job };
        self.jobs.entry(job.job_id).or_default().push(job);
    }

    fn newest(&mut self, job_id: i64) -> Option<&mut JobState> {
        self.jobs.get_mut(&job_id)?.last_mut()
    }
}

#[cfg(test)]
mod tests;
