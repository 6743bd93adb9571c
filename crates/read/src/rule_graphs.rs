//! Pictures of rule graphs: laid out once for each graph, off the request threads.

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

/// Of sizes and distances: another number, and every graph is laid out anew.
const FORM: i32 = 1;
/// What pictures may take in memory, in bytes; the database keeps the others.
const KEPT: u64 = 32 << 20;
/// What rules that came later read is looked at so seldom.
const GROWN: Duration = Duration::from_secs(30);
/// Layouts made at the same time. Each keeps one processor busy.
const AT_ONCE: usize = 1;

/// What came of a graph.
#[derive(Clone)]
enum Picture {
    Unreadable,
    TooLarge,
    /// Names of the nodes, and where they are.
    Drawn(Arc<(Vec<String>, Layout)>),
}

/// The pictures of all readers.
pub struct RuleGraphs {
    store: Store,
    kept: Cache<(Vec<u8>, Direction), Picture>,
    /// Graphs with rules that came later.
    grown: Cache<(RunId, Vec<u8>, Vec<String>), Arc<Value>>,
    turns: Arc<Semaphore>,
}

impl RuleGraphs {
    pub fn new(store: Store) -> Self {
        let kept = Cache::builder().max_capacity(KEPT).weigher(|_, picture: &Picture| weight(picture)).build();
        let grown = Cache::builder().max_capacity(100).time_to_live(GROWN).build();
        Self { store, kept, grown, turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// The picture of a run's rule graph; the caller has checked that the reader may see the run.
    ///
    /// # Errors
    /// The database does not answer. A graph that cannot be drawn is no error but says so.
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

    /// The place of each rule in the order in which their jobs can run; empty if no graph was reported.
    pub async fn order(&self, run: RunId) -> Result<HashMap<String, usize>, ReadError> {
        let found = self.found(run, Direction::Down).await?;
        Ok(found.and_then(|found| Graph::read(&found.graph)).map(|graph| graph.order()).unwrap_or_default())
    }

    /// The graph as it was reported, with the rules that came later: a checkpoint adds some. Those are
    /// linked by the files of the newest job of each rule. So are all rules of a client that reports no
    /// graph; without any link there is none.
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
        // One more than a picture has: then there is none, instead of one without some of them.
        let others = graphs::others(&mut conn, run, &graph.names, MOST_NODES as u32 + 1).await?;
        if others.is_empty() {
            return Ok(found);
        }
        let key = (run, found.as_ref().map(|found| found.digest.clone()).unwrap_or_default(), others.clone());
        let grown = if let Some(grown) = self.grown.get(&key).await {
            grown
        } else {
            // What is not drawn needs no links.
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

    /// The picture as it is kept, or a new one, which is then kept. Holds no connection meanwhile.
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
        let layout = work::in_turn(&self.turns, "a rule graph", move |leash| lay::out(&graph, direction, leash)).await?;
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

/// Bytes of a picture, more or less.
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
