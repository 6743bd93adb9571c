//! Pictures of rule graphs: each graph is laid out once, off the request threads.

mod lay;

use crate::{ReadError, error::shared, work};
use chart::graph::{Direction, Layout};
use lay::{Graph, MOST_NODES};
use model::RunId;
use moka::future::Cache;
use serde_json::Value;
use std::{collections::HashMap, sync::Arc, time::Duration};
use store::{Store, graphs, jobs::files};
use tokio::sync::Semaphore;
use tracing::{info, warn};
use view::rule_graph::RuleGraph;

/// The version of sizes and distances: after a change of this number every graph is laid out again.
const FORM: i32 = 1;
/// How many bytes of pictures are cached in memory; the database stores all of them.
const KEPT: u64 = 32 << 20;
/// How long the links of rules that were added later are cached.
const GROWN: Duration = Duration::from_secs(30);
/// How many layouts are made at the same time. Each keeps one processor busy.
const AT_ONCE: usize = 1;

/// The result of laying out a graph.
#[derive(Clone)]
enum Picture {
    Unreadable,
    TooLarge,
    /// The names of the nodes, and their layout.
    Drawn(Arc<(Vec<String>, Layout)>),
}

/// The pictures for all readers.
pub struct RuleGraphs {
    store: Store,
    kept: Cache<(Vec<u8>, Direction), Picture>,
    /// Graphs extended by rules that were added later.
    grown: Cache<(RunId, Vec<u8>, Vec<String>), Arc<Value>>,
    turns: Arc<Semaphore>,
}

impl RuleGraphs {
    pub fn new(store: Store) -> Self {
        let kept = Cache::builder().max_capacity(KEPT).weigher(|_, picture: &Picture| weight(picture)).build();
        let grown = Cache::builder().max_capacity(100).time_to_live(GROWN).build();
        Self { store, kept, grown, turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// The picture of a run's rule graph. The caller has checked that the reader may see the run.
    ///
    /// # Errors
    /// The database does not respond. A graph that cannot be drawn is not an error; the result says so.
    pub async fn of_run(&self, run: RunId, direction: Direction) -> Result<RuleGraph, ReadError> {
        let Some(found) = self.found(run, direction).await? else { return Ok(RuleGraph::Absent) };
        let key = (found.digest.clone(), direction);
        let picture = self.kept.try_get_with(key, self.picture(found, direction));
        Ok(match picture.await.map_err(shared)? {
            Picture::Drawn(picture) => RuleGraph::Drawn { names: picture.0.clone(), layout: picture.1.clone() },
            Picture::TooLarge => RuleGraph::TooLarge,
            Picture::Unreadable => RuleGraph::Unreadable,
        })
    }

    /// The position of each rule in an order in which their jobs can run; empty if there is no graph.
    pub async fn order(&self, run: RunId) -> Result<HashMap<String, usize>, ReadError> {
        let found = self.found(run, Direction::Down).await?;
        Ok(found.and_then(|found| Graph::read(&found.graph)).map(|graph| graph.order()).unwrap_or_default())
    }

    /// The graph as it was reported, extended by rules that were added later, for instance by a checkpoint. The added
    /// rules are linked by the files of the newest job of each rule. If a client reports no graph, all its rules are
    /// linked this way; if that gives no link, there is no graph.
    async fn found(&self, run: RunId, direction: Direction) -> Result<Option<graphs::Reported>, ReadError> {
        let mut conn = self.store.conn().await?;
        let found = graphs::reported(&mut conn, run, FORM, direction.as_str()).await?;
        let graph = match &found {
            None => Graph::default(),
            Some(reported) => match Graph::read(&reported.graph) {
                Some(graph) => graph,
                None => return Ok(found),
            },
        };
        // One more than fits in a picture: then the graph counts as too large, instead of being drawn without some rules.
        let others = graphs::others(&mut conn, run, &graph.names, MOST_NODES as u32 + 1).await?;
        if others.is_empty() {
            return Ok(found);
        }
        let key = (run, found.as_ref().map(|found| found.digest.clone()).unwrap_or_default(), others.clone());
        let grown = if let Some(grown) = self.grown.get(&key).await {
            grown
        } else {
            // A graph that will not be drawn needs no links.
            let is_drawn = graph.names.len() + others.len() <= MOST_NODES;
            let links = if is_drawn { files::links(&mut conn, run).await? } else { Vec::new() };
            let grown = graph.grown(others, &links);
            let is_none = found.is_none() && grown.edges.is_empty() && grown.names.len() <= MOST_NODES;
            let grown = Arc::new(if is_none { Value::Null } else { grown.write() });
            self.grown.insert(key, Arc::clone(&grown)).await;
            grown
        };
        if grown.is_null() {
            return Ok(None);
        }
        Ok(Some(graphs::made(&mut conn, (*grown).clone(), FORM, direction.as_str()).await?))
    }

    /// The cached picture, or a new one, which is then cached. Holds no connection while it works.
    async fn picture(&self, found: graphs::Reported, direction: Direction) -> Result<Picture, ReadError> {
        let Some(graph) = Graph::read(&found.graph) else {
            warn!("A reported rule graph is none: no nodes, or links that lead nowhere");
            return Ok(Picture::Unreadable);
        };
        let names = graph.names.clone();
        if found.known {
            let layout = found.layout.and_then(|layout| serde_json::from_value::<Layout>(layout).ok());
            return Ok(Picture::new(names, layout));
        }
        let (nodes, edges) = (graph.names.len(), graph.edges.len());
        let layout =
            work::in_turn(&self.turns, self.store.clock(), "a rule graph", move |leash| lay::out(&graph, direction, leash)).await?;
        info!(nodes, edges, done = layout.is_some(), "Laid out a rule graph");
        let value: Option<Value> = layout.as_ref().and_then(|layout| serde_json::to_value(layout).ok());
        graphs::keep(&mut *self.store.conn().await?, &found.digest, FORM, direction.as_str(), value.as_ref()).await?;
        Ok(Picture::new(names, layout))
    }
}

impl Picture {
    fn new(names: Vec<String>, layout: Option<Layout>) -> Self {
        layout.map_or(Self::TooLarge, |layout| Self::Drawn(Arc::new((names, layout))))
    }
}

/// The approximate size of a picture in bytes.
fn weight(picture: &Picture) -> u32 {
    let bytes = match picture {
        Picture::Drawn(picture) => {
            let names: usize = picture.0.iter().map(|name| name.len() + 40).sum();
            let points: usize = picture.1.lines.iter().map(|line| line.points.len() * 8 + 40).sum();
            names + points
        }
        Picture::Unreadable | Picture::TooLarge => 0,
    };
    u32::try_from(bytes + 100).unwrap_or(u32::MAX)
}
