//! Reads a reported graph and lays it out. Knows no run and no database.

use crate::work::{Ended, Leash};
use chart::{
    graph::{Direction, Layout, Line},
    rect::Rect,
};
use dugong::{
    EdgeLabel, GraphLabel, NodeLabel, RankDir, WorkControl, WorkError,
    graphlib::{self, GraphOptions},
    layout_controlled,
};
use model::clock::Instant;
use serde_json::{Value, json};
use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    time::Duration,
};

/// Larger graphs are not laid out: nobody could read them as one picture.
pub const MOST_NODES: usize = 2_000;
const MOST_EDGES: usize = 20_000;
/// How long a layout may take before it is given up.
const LAYOUT_LIMIT: Duration = Duration::from_secs(3);

/// The size of a box, and the least distances, in CSS pixels.
const BOX: (f64, f64) = (168.0, 40.0);
const BESIDE: f64 = 18.0;
const BETWEEN: f64 = 30.0;
const MARGIN: f64 = 14.0;

/// A graph of named nodes; edges lead from a node to those that need it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    pub names: Vec<String>,
    /// Pairs of indexes into `names`; each once, none from a node to itself.
    pub edges: BTreeSet<(usize, usize)>,
}

impl Graph {
    /// Reads `{nodes: [{rule}], links: [{source, target}]}`; `None` if the value has another form, or the graph is empty.
    pub fn read(value: &Value) -> Option<Self> {
        let nodes = value.get("nodes")?.as_array()?;
        let names: Vec<String> =
            nodes.iter().map(|node| node.get("rule").and_then(Value::as_str).map(str::to_owned)).collect::<Option<_>>()?;
        let place =
            |link: &Value, end: &str| link.get(end)?.as_u64().and_then(|at| usize::try_from(at).ok()).filter(|at| *at < names.len());
        let mut edges = BTreeSet::new();
        for link in value.get("links").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default() {
            let (from, to) = (place(link, "source")?, place(link, "target")?);
            if from != to {
                edges.insert((from, to));
            }
        }
        (!names.is_empty()).then_some(Self { names, edges })
    }

    /// The graph in the form in which clients report it.
    pub fn write(&self) -> Value {
        let nodes: Vec<Value> = self.names.iter().map(|name| json!({ "rule": name })).collect();
        let links: Vec<Value> = self.edges.iter().map(|(from, to)| json!({ "source": from, "target": to })).collect();
        json!({ "nodes": nodes, "links": links })
    }

    /// The graph with more rules, linked by pairs of maker and reader. If there are too many rules for a picture, no links are added.
    #[must_use]
    pub fn grown(mut self, more: Vec<String>, links: &[(String, String)]) -> Self {
        let known = self.names.len();
        self.names.extend(more);
        if self.names.len() > MOST_NODES {
            return self;
        }
        let places: HashMap<&str, usize> = self.names.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
        for (maker, reader) in links {
            let (Some(from), Some(to)) = (places.get(maker.as_str()), places.get(reader.as_str())) else { continue };
            if from != to && (*from >= known || *to >= known) {
                self.edges.insert((*from, *to));
            }
        }
        self
    }

    /// The position of each name in an order in which edges lead forward; nodes in cycles come last.
    pub fn order(&self) -> HashMap<String, usize> {
        let mut waits = vec![0_usize; self.names.len()];
        for (_, to) in &self.edges {
            waits[*to] += 1;
        }
        let mut ready: VecDeque<usize> = (0..self.names.len()).filter(|node| waits[*node] == 0).collect();
        let mut placed = HashMap::new();
        while let Some(node) = ready.pop_front() {
            placed.insert(self.names[node].clone(), placed.len());
            for (_, to) in self.edges.range((node, 0)..(node + 1, 0)) {
                waits[*to] -= 1;
                if waits[*to] == 0 {
                    ready.push_back(*to);
                }
            }
        }
        placed
    }
}

/// Aborts the layout when its time is over, or when nobody waits for it any more.
struct Deadline<'a>(Instant, &'a Leash);

impl WorkControl for Deadline<'_> {
    fn charge(&mut self, _units: usize) -> Result<(), WorkError> {
        if self.1.clock().instant() < self.0 && self.1.holds() { Ok(()) } else { Err(WorkError::Interrupted) }
    }
}

/// Positions for all nodes and routes for all edges; `None` if the graph is too large.
///
/// # Errors
/// [`Ended`] if nobody waits any more: that says nothing about the graph.
pub fn out(graph: &Graph, direction: Direction, leash: &Leash) -> Result<Option<Layout>, Ended> {
    let until = leash.clock().instant() + LAYOUT_LIMIT;
    let placed = placed(graph, direction, &mut Deadline(until, leash));
    if placed.is_none() && leash.clock().instant() < until {
        leash.check()?;
    }
    Ok(placed)
}

fn placed(graph: &Graph, direction: Direction, deadline: &mut Deadline<'_>) -> Option<Layout> {
    if graph.names.len() > MOST_NODES || graph.edges.len() > MOST_EDGES {
        return None;
    }
    let mut plane = graphlib::Graph::<NodeLabel, EdgeLabel, GraphLabel>::new(GraphOptions::default());
    plane.set_graph(GraphLabel {
        rankdir: if direction == Direction::Down { RankDir::TB } else { RankDir::LR },
        nodesep: BESIDE,
        edgesep: BESIDE / 2.0,
        ranksep: BETWEEN,
        marginx: MARGIN,
        marginy: MARGIN,
        ..GraphLabel::default()
    });
    // Unique names: two rules may have the same name, and plain numbers would be sorted differently.
    let id = |at: usize| format!("n{at}");
    for at in 0..graph.names.len() {
        plane.set_node(id(at), NodeLabel { width: BOX.0, height: BOX.1, ..NodeLabel::default() });
    }
    for &(from, to) in &graph.edges {
        plane.set_edge_with_label(id(from), id(to), EdgeLabel { weight: 1.0, ..EdgeLabel::default() });
    }
    layout_controlled(&mut plane, deadline).ok()?;

    let mut boxes = Vec::with_capacity(graph.names.len());
    for at in 0..graph.names.len() {
        let node = plane.node(&id(at))?;
        let (x, y) = (node.x? - BOX.0 / 2.0, node.y? - BOX.1 / 2.0);
        boxes.push(Rect { x: x as f32, y: y as f32, w: BOX.0 as f32, h: BOX.1 as f32 });
    }
    let along = |held: &Rect| if direction == Direction::Down { held.centre().1 } else { held.centre().0 };
    let rows: BTreeSet<i64> = boxes.iter().map(|held| whole(along(held))).collect();
    let mut lines = Vec::with_capacity(graph.edges.len());
    for &(from, to) in &graph.edges {
        let points: Vec<(f32, f32)> =
            plane.edge(&id(from), &id(to), None)?.points.iter().map(|point| (point.x as f32, point.y as f32)).collect();
        let points = way(&rows, (boxes[from], boxes[to]), &points, direction);
        lines.push(Line { from: u32::try_from(from).ok()?, to: u32::try_from(to).ok()?, points });
    }
    Some(framed(boxes, lines, direction))
}

/// Moves everything so that the picture begins at its margin: lines may run around the outside of boxes.
fn framed(mut boxes: Vec<Rect>, mut lines: Vec<Line>, direction: Direction) -> Layout {
    let corners = boxes.iter().flat_map(|held| [(held.x, held.y), (held.x + held.w, held.y + held.h)]);
    let all: Vec<(f32, f32)> = corners.chain(lines.iter().flat_map(|line| line.points.iter().copied())).collect();
    let (frame, margin) = (Rect::around(&all), MARGIN as f32);
    let (by_x, by_y) = (margin - frame.x, margin - frame.y);
    for held in &mut boxes {
        held.x += by_x;
        held.y += by_y;
    }
    for point in lines.iter_mut().flat_map(|line| &mut line.points) {
        *point = (point.0 + by_x, point.1 + by_y);
    }
    Layout { direction, width: margin.mul_add(2.0, frame.w), height: margin.mul_add(2.0, frame.h), boxes, lines }
}

/// Rows are compared by whole pixels.
fn whole(along: f32) -> i64 {
    along.round() as i64
}

/// The route of an edge: out of the middle of one side, straight past the boxes of each row that it crosses, into the
/// middle of the other side. An edge that runs backwards keeps the given route.
fn way(rows: &BTreeSet<i64>, (from, to): (Rect, Rect), given: &[(f32, f32)], direction: Direction) -> Vec<(f32, f32)> {
    // The coordinate along the direction first, the one across it second.
    let turned = |(x, y): (f32, f32)| if direction == Direction::Down { (y, x) } else { (x, y) };
    let half = if direction == Direction::Down { BOX.1 } else { BOX.0 } as f32 / 2.0;
    let (start, end) = (turned(from.centre()), turned(to.centre()));
    if start.0 + half > end.0 - half {
        return given.to_vec();
    }
    let mut points = vec![(start.0 + half, start.1)];
    for &point in given {
        let (along, across) = turned(point);
        if rows.contains(&whole(along)) && along > start.0 + half && along < end.0 - half {
            points.extend([(along - half, across), (along + half, across)]);
        }
    }
    points.push((end.0 - half, end.1));
    points.into_iter().map(turned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn overlap(one: &Rect, two: &Rect) -> bool {
        one.x + one.w > two.x + 0.5 && two.x + two.w > one.x + 0.5 && one.y + one.h > two.y + 0.5 && two.y + two.h > one.y + 0.5
    }

    fn check(graph: &Graph, direction: Direction) -> Result<(), TestCaseError> {
        let layout = out(graph, direction, &Leash::long()).expect("somebody waits").expect("a graph of this size has a layout");
        prop_assert_eq!(layout.boxes.len(), graph.names.len());
        for (at, one) in layout.boxes.iter().enumerate() {
            prop_assert!(one.x >= 0.0 && one.y >= 0.0 && one.x + one.w <= layout.width + 0.5 && one.y + one.h <= layout.height + 0.5);
            for two in &layout.boxes[at + 1..] {
                prop_assert!(!overlap(one, two), "{one:?} and {two:?} overlap");
            }
        }
        for line in &layout.lines {
            let (from, to) = (layout.boxes[line.from as usize], layout.boxes[line.to as usize]);
            match direction {
                Direction::Down => prop_assert!(from.y + from.h <= to.y, "runs up: {line:?}"),
                Direction::Right => prop_assert!(from.x + from.w <= to.x, "runs back: {line:?}"),
            }
            prop_assert!(line.points.len() >= 2);
            prop_assert!(line.points.iter().all(|(x, y)| (0.0..=layout.width).contains(x) && (0.0..=layout.height).contains(y)));
            for pair in line.points.windows(2) {
                let between = Rect::around(pair);
                let crossed = layout
                    .boxes
                    .iter()
                    .enumerate()
                    .find(|(at, held)| *at != line.from as usize && *at != line.to as usize && overlap(&between, held));
                // A bend lies between two rows, a straight part beside the boxes of its row.
                prop_assert!(crossed.is_none(), "{line:?} crosses {crossed:?}");
            }
        }
        Ok(())
    }

    /// Any graph without a cycle: edges lead from lower to higher numbers.
    fn graphs() -> impl Strategy<Value = Graph> {
        (1usize..40).prop_flat_map(|nodes| {
            proptest::collection::btree_set((0..nodes, 0..nodes), 0..nodes * 2).prop_map(move |pairs| Graph {
                names: (0..nodes).map(|at| format!("rule_{at}")).collect(),
                edges: pairs.into_iter().filter(|(from, to)| from != to).map(|(from, to)| (from.min(to), from.max(to))).collect(),
            })
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_box_covers_another_and_edges_run_forward(graph in graphs(), down in any::<bool>()) {
            check(&graph, if down { Direction::Down } else { Direction::Right })?;
        }
    }

    /// The rule graphs of public workflows that the demo lab plays.
    #[test]
    fn real_graphs_have_pictures_like_these() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../server/data/demo");
        let mut drawn = 0;
        for entry in std::fs::read_dir(directory).expect("the data of the demo") {
            let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a file");
            let Ok(value) = serde_json::from_str::<Value>(&text) else { continue }; // A file that is not JSON.
            let (Some(rules), Some(edges)) = (value["rules"].as_array(), value["rule_edges"].as_array()) else { continue };
            let names: Vec<String> = rules.iter().map(|rule| rule["name"].as_str().expect("a name").to_owned()).collect();
            let place = |rule: &Value| rule.as_u64().and_then(|at| usize::try_from(at).ok()).expect("a place in the list");
            let edges = edges.iter().map(|edge| (place(&edge[0]), place(&edge[1]))).filter(|(from, to)| from != to).collect();
            let graph = Graph { names, edges };
            for direction in [Direction::Down, Direction::Right] {
                check(&graph, direction).expect("a proper picture");
            }
            drawn += 1;
        }
        assert!(drawn >= 5, "{drawn} graphs were found");
    }

    #[test]
    fn rules_that_came_later_are_linked_to_those_that_were_reported() {
        let graph = Graph { names: ["split", "summary", "report"].map(str::to_owned).into(), edges: BTreeSet::from([(0, 1)]) };
        let links = [("split", "part"), ("part", "summary"), ("part", "part"), ("split", "report"), ("part", "no such")];
        let grown = graph.grown(vec!["part".into(), "alone".into()], &links.map(|(maker, reader)| (maker.to_owned(), reader.to_owned())));
        assert_eq!(grown.edges, BTreeSet::from([(0, 1), (0, 3), (3, 1)]), "none between two that were reported, none to itself");
        assert_eq!(Graph::read(&grown.write()), Some(grown));
    }

    #[test]
    fn more_rules_than_a_picture_has_are_not_linked() {
        let more: Vec<String> = (0..=MOST_NODES).map(|at| format!("rule_{at}")).collect();
        let links = [("rule_1".to_owned(), "rule_2".to_owned())];
        assert_eq!(Graph::default().grown(more[..MOST_NODES].to_vec(), &links).edges, BTreeSet::from([(1, 2)]));
        assert_eq!(Graph::default().grown(more, &links).edges, BTreeSet::new());
    }

    #[test]
    fn a_reported_graph_is_read_or_refused_whole() {
        let read = |value| Graph::read(&value);
        let graph = read(json!({"nodes": [{"rule": "a"}, {"rule": "b"}], "links": [
            {"source": 0, "target": 1, "sourcerule": "a", "targetrule": "b"},
            {"source": 0, "target": 1}, {"source": 1, "target": 1}]}))
        .expect("a graph");
        assert_eq!(graph.names, ["a", "b"]);
        assert_eq!(graph.edges, BTreeSet::from([(0, 1)]), "each edge once, none to itself");

        for wrong in [json!(null), json!({}), json!({"nodes": []}), json!({"nodes": [{}]}), json!({"nodes": "all"})] {
            assert_eq!(read(wrong.clone()), None, "{wrong}");
        }
        assert_eq!(read(json!({"nodes": [{"rule": "a"}], "links": [{"source": 0, "target": 7}]})), None);
        assert_eq!(read(json!({"nodes": [{"rule": "a"}], "links": [{"source": -1, "target": 0}]})), None);
    }

    #[test]
    fn a_circle_has_a_picture_too() {
        let graph = Graph { names: vec!["a".into(), "b".into()], edges: BTreeSet::from([(0, 1), (1, 0)]) };
        let layout = out(&graph, Direction::Down, &Leash::long()).expect("somebody waits").expect("a layout");
        assert_eq!((layout.boxes.len(), layout.lines.len()), (2, 2));
    }

    #[test]
    fn a_graph_beyond_all_bounds_is_not_laid_out() {
        let names = vec![String::new(); MOST_NODES + 1];
        assert_eq!(out(&Graph { names, edges: BTreeSet::new() }, Direction::Down, &Leash::long()), Ok(None));
    }
}
