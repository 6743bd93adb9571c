//! A run's rule graph as a picture.

use chart::graph::Layout;
use model::run::RuleRow;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

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

/// What a rule graph may be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Graphed {
    /// Everything: no graph was reported.
    Absent,
    /// Nothing that reading again would add.
    Whole,
    /// Any rule that is not among these.
    Names(BTreeSet<String>),
}

impl Graphed {
    pub fn of(graph: &RuleGraph) -> Self {
        match graph {
            RuleGraph::Absent => Self::Absent,
            RuleGraph::Drawn { names, .. } => Self::Names(names.iter().cloned().collect()),
            RuleGraph::Unreadable | RuleGraph::TooLarge => Self::Whole,
        }
    }

    /// Whether reading again may add something, now that these rules have jobs. Returns `true` once per new rule.
    pub fn lacks(&mut self, rules: &[RuleRow]) -> bool {
        match self {
            Self::Absent => true,
            Self::Whole => false,
            Self::Names(names) => {
                let before = names.len();
                names.extend(rules.iter().filter(|rule| !rule.name.is_empty() && rule.jobs.total() > 0).map(|rule| rule.name.clone()));
                names.len() > before
            }
        }
    }
}
