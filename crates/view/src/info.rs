//! What else is known of a run: its command line, its plan, and its reports as they were received.

use model::{event::RawEvent, run::RunDetail};
use serde::{Deserialize, Serialize};

/// Everything that the info view shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InfoView {
    pub detail: RunDetail,
    pub events: Vec<RawEvent>,
    /// What the client of this run never sends.
    pub unsent: Option<String>,
    /// The report after which the next page begins.
    pub next: Option<String>,
}
