//! How people connect a client, and what each kind of client never sends: for the pages, which name none.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// What the pages know of the clients there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clients {
    /// The first is shown first.
    pub ways: Vec<Way>,
    /// By the source of a run.
    pub unsent: HashMap<String, String>,
}

/// One way to connect a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// The word in the address of the page; `None` for what is shown first.
    pub key: Option<String>,
    pub label: String,
    pub steps: Vec<Step>,
}

/// One step, with a line to copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub title: String,
    pub line: String,
    /// What the button that copies it says.
    pub copy: String,
    /// Words and code in turns, words first.
    pub hint: Vec<String>,
}
