//! How to connect each kind of client, and what it never sends. The pages show this and name no client themselves.

use std::collections::HashMap;

/// What the pages show about clients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clients {
    /// In the order of their tabs.
    pub ways: Vec<Way>,
    /// What is never sent, by the `source` of a run.
    pub unsent: HashMap<String, String>,
}

/// One way to connect a client: the tab's name in the URL (empty for the first tab), its label, and its steps.
///
/// A tuple of lists, not a struct: every visitor of the runs page downloads the code that decodes it.
pub type Way = (String, String, Vec<Step>);

/// One step: its title, a line to copy, the label of the copy button, and then the hint, in which text and code alternate,
/// text first.
pub type Step = Vec<String>;
