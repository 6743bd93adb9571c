//! The history of a run: every line of the change log about it, its jobs and its words.

use model::history::Change;
use serde::{Deserialize, Serialize};

/// A page of the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryView {
    /// The newest first.
    pub changes: Vec<Change>,
    /// The line before which it goes on.
    pub next: Option<String>,
}
