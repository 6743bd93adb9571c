//! How to connect each kind of client, and what it never sends. The pages show this and name no client themselves.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// What the pages show about clients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clients {
    /// In the order of their tabs.
    pub ways: Vec<Way>,
    /// What is never sent, by the `source` of a run.
    pub unsent: HashMap<String, String>,
}

/// One way to connect a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// The tab's name in the URL; `None` for the first tab.
    pub key: Option<String>,
    pub label: String,
    pub steps: Vec<Step>,
}

/// One step, with a line to copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub title: String,
    pub line: String,
    /// The label of the copy button.
    pub copy: String,
    /// Text and code alternate, text first.
    pub hint: Vec<String>,
}
