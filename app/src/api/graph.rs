//! A run's rule graph as a picture.

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::error::fail;
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
    let (state, viewer) = (state()?, viewer().map_err(fail)?);
    read::check(&mut *state.reader.store.conn().await?, &viewer, id).await.map_err(fail)?;
    state.reader.rule_graphs.of_run(id, direction).await.map_err(fail)
}
