//! How a run ends, and how its jobs end if no report contained their ends.

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
            // A client that stops reporting while jobs run has abandoned them.
            LastWord::DoneIfIdle if self.running() > 0 => self.close_failed(at),
            LastWord::DoneIfIdle | LastWord::Done => self.close(at),
        }
    }

    /// Ends the run. It failed if the last report was an error or if a job's newest attempt failed.
    ///
    /// Earlier errors do not count: retried jobs report errors too.
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
        // A skipped run stays skipped, however it ended: no job of it was ever reported.
        if self.run.status != RunStatus::Skipped {
            self.end(status, at);
        }
    }

    /// Ends the run as failed, as far as anybody can tell: its client has no report for this end.
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
            return; // Its jobs were planned and never ran: they stay waiting.
        }
        self.end_jobs(self.status_of_rest(), at);
    }

    /// The status for jobs whose ends were not reported. A client that ends without an error has finished its jobs,
    /// whether it reported each of them or not. A client that was stopped has stopped its jobs. In all other cases nobody knows.
    pub(super) const fn status_of_rest(&self) -> JobStatus {
        match self.run.status {
            RunStatus::Success => JobStatus::Success,
            RunStatus::Cancelled => JobStatus::Cancelled,
            _ => JobStatus::Lost,
        }
    }

    /// Ends jobs that are first reported after the end of their run. If the run is done, they are done too. Otherwise
    /// nobody knows, even if somebody cancelled the run: cancelling may not have stopped these jobs.
    pub(super) fn end_stragglers(&mut self, at: Millis) {
        let is_done = self.run.status == RunStatus::Success;
        self.end_jobs(if is_done { JobStatus::Success } else { JobStatus::Lost }, at);
    }

    fn end_jobs(&mut self, status: JobStatus, at: Millis) {
        self.closed_jobs.get_or_insert((at, status));
        // Jobs that were not loaded no longer run either.
        self.run.were_running = self.loaded_running();
        for job in self.jobs.values_mut().filter_map(|attempts| attempts.last_mut()) {
            if !job.status.is_end() {
                job.guess(status, at);
            }
        }
    }
}
