//! A run as the database holds it between two batches: only newest attempts are loaded, and only what changed is written.
//!
//! Behaves as `model::fold` expects of the store, but is not the store.

use model::{
    JobStatus, Millis,
    event::Event,
    fold::{JobState, RunFold, RunState, jobs_of},
};
use std::collections::BTreeMap;

/// How many jobs have a newest attempt in this state.
pub fn in_state<'a>(jobs: impl IntoIterator<Item = &'a [JobState]>, status: JobStatus) -> usize {
    jobs.into_iter().filter(|attempts| attempts.last().is_some_and(|job| job.status == status)).count()
}

/// A run with all attempts of its jobs.
pub struct Stored {
    pub run: RunState,
    pub jobs: BTreeMap<i64, Vec<JobState>>,
}

impl Stored {
    pub fn new(run: RunState) -> Self {
        Self { run, jobs: BTreeMap::new() }
    }

    /// Loads what the events mention, applies them, and writes what changed.
    pub fn apply(&mut self, events: Vec<(Millis, Event)>) {
        let mut fold = RunFold::new(self.loaded());
        for job_id in events.iter().flat_map(|(_, event)| jobs_of(event)) {
            if let Some(newest) = self.jobs.get(&job_id).and_then(|attempts| attempts.last()) {
                let was_running = newest.status == JobStatus::Running;
                let job = JobState { info: None, update: Box::default(), was_running, touched: false, ..newest.clone() };
                fold.jobs.insert(job_id, vec![job]);
            }
        }

        for (at, event) in events {
            fold.apply(event, at);
        }

        let closed = fold.closed_jobs;
        self.write(fold);
        if let Some((at, status)) = closed {
            self.close(status, at);
        }
    }

    fn loaded(&self) -> RunState {
        let count = |status| in_state(self.jobs.values().map(Vec::as_slice), status) as i32;
        RunState {
            failed: count(JobStatus::Failed),
            were_running: count(JobStatus::Running),
            touched: false,
            start: None,
            rule_graph: None,
            planned: None,
            progress: None,
            logfile: None,
            new_errors: Vec::new(),
            ..self.run.clone()
        }
    }

    fn write(&mut self, fold: RunFold) {
        let (old, new) = (&mut self.run, fold.run);
        if new.touched {
            let mut errors = std::mem::take(&mut old.new_errors);
            errors.extend(new.new_errors);
            *old = RunState {
                planned: new.planned.or(old.planned.take()),
                progress: new.progress.or(old.progress),
                logfile: old.logfile.take().or(new.logfile),
                new_errors: errors,
                ..new
            };
        } else {
            old.last_seen_at = new.last_seen_at;
        }
        for (job_id, attempts) in fold.jobs {
            let held = self.jobs.entry(job_id).or_default();
            let first = attempts.first().map_or(0, |job| job.attempt);
            let kept = held.iter().position(|job| job.attempt == first).unwrap_or(held.len());
            for (at, mut job) in attempts.into_iter().enumerate().filter(|(_, job)| job.touched) {
                if let Some(old) = held.get_mut(kept + at) {
                    let update = std::mem::take(&mut job.update);
                    old.update.add(*update);
                    job.update = std::mem::take(&mut old.update);
                    *old = job;
                } else {
                    held.push(job);
                }
            }
        }
    }

    /// Ends the jobs that were not loaded, too.
    fn close(&mut self, status: JobStatus, at: Millis) {
        for job in self.jobs.values_mut().filter_map(|attempts| attempts.last_mut()).filter(|job| !job.status.is_end()) {
            job.guess(status, at);
        }
    }
}
