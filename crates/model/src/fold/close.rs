//! How a run ends, and with it what is not known to have ended of its jobs.

use super::RunFold;
use crate::{JobStatus, Millis, RunStatus, event::LastWord};

impl RunFold {
    pub(super) fn last_word(&mut self, word: LastWord, at: Millis) {
        if self.run.closed {
            return;
        }
        match word {
            LastWord::Cancelled => self.close_as(RunStatus::Cancelled, at),
            LastWord::Failed => self.close_failed(at),
            // Who says no more while jobs run has left them.
            LastWord::DoneIfIdle if self.running() > 0 => self.close_failed(at),
            LastWord::DoneIfIdle | LastWord::Done => self.close(at),
        }
    }

    /// Failed if the last thing heard was an error or a job's newest attempt failed.
    ///
    /// Errors in between say nothing: retried jobs report them too.
    pub(super) fn close(&mut self, at: Millis) {
        let failed = self.run.last_was_error || self.run.failed > 0 || self.run.status == RunStatus::Failed;
        self.close_as(if failed { RunStatus::Failed } else { RunStatus::Success }, at);
    }

    fn close_failed(&mut self, at: Millis) {
        self.run.last_was_error = true;
        self.close_as(RunStatus::Failed, at);
    }

    fn close_as(&mut self, status: RunStatus, at: Millis) {
        if self.run.closed {
            return;
        }
        self.run.closed = true;
        self.run.touched = true;
        // A question stays one, whatever came of it: no job of it was heard of.
        if self.run.status != RunStatus::Skipped {
            self.end(status, at);
        }
    }

    /// As far as anybody can tell; its client has no word for it.
    pub(super) fn fail(&mut self, at: Millis) {
        if !self.run.closed && !matches!(self.run.status, RunStatus::Failed | RunStatus::Skipped) {
            self.run.touched = true;
            self.end(RunStatus::Failed, at);
        }
    }

    fn end(&mut self, status: RunStatus, at: Millis) {
        self.run.status = status;
        self.run.ended_at = Some(at);
        if self.run.dry_run {
            return; // Its jobs were planned, never run: they stay waiting.
        }
        self.end_jobs(self.status_of_rest(), at);
    }

    /// What is not known to have ended, has: a client that ends without an error has done its jobs, whether it tells
    /// of each or not, and one that was stopped has stopped them. Of all others nobody knows.
    pub(super) const fn status_of_rest(&self) -> JobStatus {
        match self.run.status {
            RunStatus::Success => JobStatus::Success,
            RunStatus::Cancelled => JobStatus::Cancelled,
            _ => JobStatus::Lost,
        }
    }

    /// A job that is heard of after the end of its run: of a run that is done it is done, too. Others nobody knows,
    /// even if somebody cancelled the run: that may have stopped nothing.
    pub(super) fn end_stragglers(&mut self, at: Millis) {
        let is_done = self.run.status == RunStatus::Success;
        self.end_jobs(if is_done { JobStatus::Success } else { JobStatus::Lost }, at);
    }

    fn end_jobs(&mut self, status: JobStatus, at: Millis) {
        self.closed_jobs.get_or_insert((at, status));
        // None of those that were not loaded runs any more.
        self.run.were_running = self.jobs.values().filter_map(|attempts| attempts.first()).map(|job| i32::from(job.was_running)).sum();
        for job in self.jobs.values_mut().filter_map(|attempts| attempts.last_mut()) {
            if !job.status.is_end() {
                job.guess(status, at);
            }
        }
    }
}
