//! Jobs as they are shown in a table.

use crate::{JobKey, JobStatus, Millis};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One attempt of one job, as a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobRow {
    pub id: JobKey,
    /// The client's own number; `None` for rows written by hand without one.
    pub job_id: Option<i64>,
    pub attempt: i32,
    /// A newer attempt of the same job exists.
    pub superseded: bool,
    /// `None` until the client tells.
    pub rule: Option<String>,
    pub status: JobStatus,
    pub wildcards: BTreeMap<String, String>,
    pub threads: Option<i32>,
    pub reason: Option<String>,
    pub message: Option<String>,
    pub started_at: Option<Millis>,
    pub ended_at: Option<Millis>,
    pub revision: i64,
}

impl JobRow {
    /// Milliseconds it took, or has taken by `now`; `None` before it began.
    pub fn duration(&self, now: Millis) -> Option<Millis> {
        Some((self.ended_at.unwrap_or(now) - self.started_at?).max(0))
    }
}
