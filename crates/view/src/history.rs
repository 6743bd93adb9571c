//! The history of a run: every line of the change log about the run, its jobs and its messages.

use model::history::Change;
use serde::{Deserialize, Serialize};

/// A page of the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryView {
    /// Newest first.
    pub changes: Vec<Change>,
    /// The line before which the next page begins.
    pub next: Option<String>,
}
