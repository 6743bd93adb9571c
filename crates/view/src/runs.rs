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

/// Rows a page.
pub const PAGE: u32 = 50;
/// Steps of the activity strip, and their length in milliseconds (12 hours in all).
pub const STEPS: usize = 60;
pub const STEP_MS: Millis = 12 * 60_000;

/// The first window of the runs page and all that stands around it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunList {
    pub page: Page<RunSummary>,
    pub filter: RunFilter,
    pub total: Total,
    pub overview: Overview,
    /// The point from which live frames continue what is shown.
    pub cursor: LiveCursor,
    /// Any run at all: without, the first-run card is shown.
    pub any: bool,
    pub base_url: String,
    /// How to connect a client; empty if there is any run.
    pub ways: Vec<Way>,
}

/// Figures over all runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    pub by_status: Vec<(RunStatus, Total)>,
    /// (running, finished, failed) jobs, [`STEPS`] steps of [`STEP_MS`] that end at `until`.
    pub activity: Vec<(i64, i64, i64)>,
    pub until: Millis,
}

/// What stands above a run's jobs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunView {
    pub detail: RunDetail,
    /// The point from which live frames continue what is shown.
    pub cursor: LiveCursor,
    /// Where in the past it is, if it is not the present.
    pub then: Option<Then>,
}

/// A moment in a run's life, and how far that is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Then {
    pub at: Millis,
    /// The oldest and the newest moment one can go to.
    pub first: Millis,
    pub last: Millis,
    /// When the change before the one that is seen was made, and when the next one.
    pub before: Option<Millis>,
    pub after: Option<Millis>,
}
