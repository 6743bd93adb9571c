//! A run's rule graph as a picture.

use super::prelude::*;
use chart::graph::Direction;
use model::RunId;
use view::rule_graph::RuleGraph;

/// The picture of a run's rule graph.
#[server(prefix = "/_fn", endpoint = "runs/graph", input = Json)]
pub async fn read_graph(id: RunId, direction: Direction) -> Result<RuleGraph, AppError> {
    let state = of_run(id).await?;
    state.reader.rule_graphs.of_run(id, direction).await.map_err(fail)
}
