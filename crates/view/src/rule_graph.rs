//! A run's rule graph as a picture.

use chart::graph::Layout;
use serde::{Deserialize, Serialize};

/// The rule graph of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RuleGraph {
    /// The client has not reported a graph, or not yet.
    Absent,
    /// The report is not a graph: it has no nodes, or links that lead nowhere.
    Unreadable,
    /// Too many rules for one picture.
    TooLarge,
    /// Boxes are in the order of the names.
    Drawn { names: Vec<String>, layout: Layout },
}
