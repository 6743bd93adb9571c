//! Runs: a window of the list, the figures above it, and one run.

use crate::clients::Way;
use model::{
    Millis, RunStatus,
    filter::RunFilter,
    live::LiveCursor,
    page::{Page, Total},
    run::{RunDetail, RunSummary},
};
use serde::{Deserialize, Serialize};

/// How many rows a page has.
pub const PAGE: u32 = 50;
/// How many steps the activity strip has, and the length of each in milliseconds (12 hours in all).
pub const STEPS: usize = 60;
pub const STEP_MS: Millis = 12 * 60_000;

/// The first window of the runs page and everything around it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunList {
    pub page: Page<RunSummary>,
    pub filter: RunFilter,
    pub total: Total,
    pub overview: Overview,
    /// The position from which live frames continue what is shown.
    pub cursor: LiveCursor,
    /// Whether there is any run at all; if not, the first-run card is shown.
    pub any: bool,
    pub base_url: String,
    /// How to connect a client; empty if there is any run.
    pub ways: Vec<Way>,
}

/// Figures across all runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    pub by_status: Vec<(RunStatus, Total)>,
    /// Numbers of (running, finished, failed) jobs in [`STEPS`] steps of [`STEP_MS`], the last of which ends at `until`.
    pub activity: Vec<(i64, i64, i64)>,
    pub until: Millis,
}

/// What is shown above a run's jobs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunView {
    pub detail: RunDetail,
    /// The position from which live frames continue what is shown.
    pub cursor: LiveCursor,
    /// The past moment that is shown; `None` for the present.
    pub then: Option<Then>,
}

/// A moment in a run's life, and the span of time that is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Then {
    pub at: Millis,
    /// The oldest and the newest moment that can be shown.
    pub first: Millis,
    pub last: Millis,
    /// When the last change before this moment was made, and when the next one was.
    pub before: Option<Millis>,
    pub after: Option<Millis>,
}
