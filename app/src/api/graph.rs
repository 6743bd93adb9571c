//! A run's rule graph as a picture.

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::state::{state, viewer};
use chart::graph::{Direction, Layout};
use leptos::prelude::*;
use model::RunId;
use serde::{Deserialize, Serialize};
use server_fn::codec::Json;

/// The rule graph of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RuleGraph {
    /// The client has not reported one, or not yet.
    Absent,
    /// What was reported is no graph: no nodes, or links that lead nowhere.
    Unreadable,
    /// Too many rules for one picture.
    TooLarge,
    /// Boxes are in the order of the names.
    Drawn { names: Vec<String>, layout: Layout },
}

/// The picture of a run's rule graph.
#[server(prefix = "/_fn", endpoint = "runs/graph", input = Json)]
pub async fn read_graph(id: RunId, direction: Direction) -> Result<RuleGraph, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(AppError::told)?);
    viewer.sees(&mut *state.store.conn().await?, id).await.map_err(AppError::told)?;
    state.graphs.of_run(id, direction).await.map_err(AppError::told)
}
