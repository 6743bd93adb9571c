//! Messages of clients, across all runs.

use model::log::LogEntry;
use serde::{Deserialize, Serialize};

/// A page of messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entries {
    pub entries: Vec<LogEntry>,
    /// The entry after which older ones follow.
    pub next: Option<i64>,
}
