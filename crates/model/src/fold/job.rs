//! One attempt of a job while a batch is applied.

use crate::{
    Epoch, JobStatus, Millis,
    event::{JobInfo, JobUpdate},
    job::{Filled, StartReported},
};
use std::sync::Arc;

/// One attempt of a job while a batch is applied.
#[derive(Clone, Debug, PartialEq)]
pub struct JobState {
    /// The attempt's row, or `None` while it has none.
    pub key: Option<i64>,
    pub job_id: i64,
    pub attempt: i32,
    /// The run's epoch when the attempt was made.
    pub epoch: Epoch,
    pub status: JobStatus,
    pub rule: Option<String>,
    /// A description of the attempt has arrived.
    pub informed: bool,
    pub start_reported: StartReported,
    /// Where data comes from that no report contained, if there is any.
    pub filled: Option<Filled>,
    pub started_at: Option<Millis>,
    pub ended_at: Option<Millis>,
    /// A description that came with this batch.
    pub info: Option<Arc<JobInfo>>,
    /// Whatever else came with this batch.
    pub update: Box<JobUpdate>,
    /// The attempt was running when the batch began.
    pub was_running: bool,
    pub touched: bool,
}

impl JobState {
    /// A first attempt that runs since `at`, as far as is known; no report of its start has arrived yet.
    pub(super) fn new(job_id: i64, at: Millis) -> Self {
        Self {
            key: None,
            job_id,
            attempt: 1,
            epoch: Epoch::FIRST,
            status: JobStatus::Running,
            rule: None,
            informed: false,
            start_reported: StartReported::No,
            filled: None,
            started_at: Some(at),
            ended_at: None,
            info: None,
            update: Box::default(),
            was_running: false,
            touched: true,
        }
    }

    /// Applies a report of the start. The description may have come before.
    pub(super) fn start(&mut self, at: Millis) {
        self.status = JobStatus::Running;
        self.start_reported = StartReported::Last;
        self.filled = None;
        self.started_at = Some(at);
        self.ended_at = None;
        self.touched = true;
    }

    /// Applies a description.
    pub(super) fn inform(&mut self, info: Arc<JobInfo>) {
        if self.start_reported == StartReported::Last {
            self.start_reported = StartReported::Before;
        }
        self.rule = info.rule.clone().or(self.rule.take());
        self.informed = true;
        self.info = Some(info);
        self.touched = true;
    }

    /// Whether its end is a guess. The first report about the end replaces a guess.
    pub(super) fn is_guess(&self) -> bool {
        self.status == JobStatus::Lost || self.filled.is_some() && self.status.is_end()
    }

    /// Applies a report of the end.
    pub(super) fn end(&mut self, status: JobStatus, at: Millis) {
        self.filled = None;
        self.settle(status, at);
    }

    /// Ends the attempt because its run is over, although no report says how the attempt ended.
    ///
    /// The fold does so to the attempts that were loaded. Whoever holds the others does the same to those.
    pub fn guess(&mut self, status: JobStatus, at: Millis) {
        self.filled = (status != JobStatus::Lost).then_some(Filled::Close);
        self.settle(status, at);
    }

    pub(super) fn settle(&mut self, status: JobStatus, at: Millis) {
        self.status = status;
        self.ended_at = Some(self.started_at.map_or(at, |start| at.max(start)));
        self.touched = true;
    }
}
