//! One attempt of a job while a batch is applied.

use crate::{
    JobStatus, Millis,
    event::{JobInfo, JobTold},
};

/// One attempt of a job while a batch is applied.
#[derive(Clone, Debug, PartialEq)]
pub struct JobState {
    /// Our row, or `None` while it has none.
    pub key: Option<i64>,
    pub job_id: i64,
    pub attempt: i32,
    pub status: JobStatus,
    pub rule: Option<String>,
    /// Its description has arrived.
    pub informed: bool,
    pub started_at: Option<Millis>,
    pub ended_at: Option<Millis>,
    /// A description that came with this batch.
    pub info: Option<Box<JobInfo>>,
    /// What else came with this batch.
    pub told: Box<JobTold>,
    /// It ran when the batch began.
    pub was_running: bool,
    pub touched: bool,
}

impl JobState {
    /// A first attempt that runs since `at`.
    pub(super) fn new(job_id: i64, at: Millis) -> Self {
        Self {
            key: None,
            job_id,
            attempt: 1,
            status: JobStatus::Running,
            rule: None,
            informed: false,
            started_at: Some(at),
            ended_at: None,
            info: None,
            told: Box::default(),
            was_running: false,
            touched: true,
        }
    }

    pub(super) fn start(&mut self, at: Millis) {
        self.status = JobStatus::Running;
        self.started_at = Some(at);
        self.ended_at = None;
        self.touched = true;
    }

    pub(super) fn end(&mut self, status: JobStatus, at: Millis) {
        self.status = status;
        self.ended_at = Some(self.started_at.map_or(at, |start| at.max(start)));
        self.touched = true;
    }
}
