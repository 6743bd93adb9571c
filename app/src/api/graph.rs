//! A run's rule graph as a picture.

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::state::{state, viewer};
use chart::graph::Direction;
use leptos::prelude::*;
use model::RunId;
use server_fn::codec::Json;
use view::rule_graph::RuleGraph;

/// The picture of a run's rule graph.
#[server(prefix = "/_fn", endpoint = "runs/graph", input = Json)]
pub async fn read_graph(id: RunId, direction: Direction) -> Result<RuleGraph, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(AppError::told)?);
    viewer.sees(&mut *state.store.conn().await?, id).await.map_err(AppError::told)?;
    state.graphs.of_run(id, direction).await.map_err(AppError::told)
}
