//! What else is known of a run: how it was called, its plan, and its reports as they came.

use model::{event::RawEvent, run::RunDetail};
use serde::{Deserialize, Serialize};

/// Everything the info view shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InfoView {
    pub detail: RunDetail,
    pub events: Vec<RawEvent>,
    /// What the client of this run never sends, so that nobody waits for it.
    pub unsent: Option<String>,
    /// The report after which they go on.
    pub next: Option<String>,
}
