//! Layouts of job graphs: where a rule has too many jobs they are merged into one box; then boxes are arranged in
//! layers, off the request threads.

use crate::{ReadError, error::shared, work};
use model::{JobKey, JobStatus, clock::Clock};
use moka::future::Cache;
use rust_sugiyama::{
    configure::{Config, RankingType},
    from_vertices_and_edges,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, hash_map::DefaultHasher},
    hash::{Hash as _, Hasher as _},
    sync::Arc,
};
use store::jobs::edges::{Graph, Node};
use tokio::sync::Semaphore;
use tracing::info;
use view::job_graph::{JobGraph, JobNode};

/// How many jobs one picture shows.
pub const MOST: usize = 10_000;
/// How many links one picture shows: the layout takes long and cannot be interrupted.
const MOST_LINKS: usize = 40_000;
/// In the graph around one rule, another rule becomes a single box if a job has more links to it than this.
const FEW: usize = 40;
/// The size of a box, and the least distances, in pixels.
pub const BOX: (i32, i32) = (132, 24);
const SPACE: f64 = 18.0;
/// A part wider than this, and much wider than high, is wrapped into rows (pixels).
const WIDEST: f64 = 6_000.0;
/// How many layouts are made at the same time, and how many bytes of them are cached.
const AT_ONCE: usize = 1;
const KEPT: u64 = 32 << 20;

/// Connected boxes and their positions.
type Part = Vec<(usize, f64, f64)>;

/// The positions of boxes, and the size of the picture.
type Places = (Vec<(i32, i32)>, i32, i32);

/// The layouts for all readers, cached by the links between jobs: a job's progress moves no box.
pub struct JobGraphs {
    kept: Cache<u64, Arc<Places>>,
    turns: Arc<Semaphore>,
    clock: Clock,
}

impl JobGraphs {
    pub fn new(clock: Clock) -> Self {
        let weigher = |_: &u64, places: &Arc<Places>| u32::try_from(places.0.len() * 8 + 100).unwrap_or(u32::MAX);
        Self { kept: Cache::builder().max_capacity(KEPT).weigher(weigher).build(), turns: Arc::new(Semaphore::new(AT_ONCE)), clock }
    }
}

/// Boxes that have no position yet.
#[derive(Debug, Default, PartialEq, Eq)]
struct Boxes {
    /// For each box: its most urgent job, its number of jobs, rule, state, label.
    list: Vec<(JobKey, u32, String, JobStatus, String)>,
    edges: BTreeSet<(u32, u32)>,
}

impl JobGraphs {
    pub async fn lay_out(&self, graph: Graph, rule: Option<&str>) -> Result<JobGraph, ReadError> {
        if graph.edges.is_empty() {
            return Ok(JobGraph::Unlinked);
        }
        let focus = rule.map(str::to_owned);
        let jobs = graph.nodes.iter().filter(|node| rule.is_none_or(|rule| node.rule == rule)).count() as u64;
        let boxes = work::shared(&self.clock, "the jobs of a graph", move |_| Ok(gather(graph, focus.as_deref()))).await?;
        // Around a rule with many jobs there may be any number of other jobs.
        if boxes.list.len() > 2 * MOST || boxes.edges.len() > MOST_LINKS {
            return Ok(JobGraph::TooLarge { jobs });
        }
        let edges: Vec<(u32, u32)> = boxes.edges.iter().copied().collect();
        let mut hasher = DefaultHasher::new();
        (boxes.list.len(), &edges).hash(&mut hasher);
        let count = boxes.list.len();
        let placed = self.kept.try_get_with(hasher.finish(), async {
            let edges = edges.clone();
            let laid = work::in_turn(&self.turns, &self.clock, "a job graph", move |_| Ok(Arc::new(places(count, &edges)))).await?;
            info!(jobs = count, "Laid out a job graph");
            Ok::<_, ReadError>(laid)
        });
        let placed = placed.await.map_err(shared)?;
        let (places, width, height) = &*placed;
        let mut rules: Vec<String> = Vec::new();
        let mut rule_at: HashMap<String, u32> = HashMap::new();
        let nodes = boxes.list.into_iter().zip(places).map(|((job, jobs, rule, status, label), &(x, y))| {
            let rule = *rule_at.entry(rule).or_insert_with_key(|rule| {
                rules.push(rule.clone());
                rules.len() as u32 - 1
            });
            JobNode { job, jobs, rule, status, label, x, y }
        });
        let nodes = nodes.collect();
        Ok(JobGraph::Drawn { rules, nodes, edges, width: *width, height: *height })
    }
}

/// Merges all jobs of a rule into one box if a reader of another rule would see too many of them.
fn gather(graph: Graph, focus: Option<&str>) -> Boxes {
    let Graph { nodes, edges } = graph;
    // A rule becomes one box if a single job of the focused rule has this many links to it.
    let rule_of: HashMap<JobKey, &str> = nodes.iter().map(|node| (node.job, node.rule.as_str())).collect();
    let mut links: HashMap<(JobKey, &str), usize> = HashMap::new();
    for (from, to) in &edges {
        for (one, other) in [(from, to), (to, from)] {
            if focus == Some(rule_of[one]) {
                *links.entry((*one, rule_of[other])).or_default() += 1;
            }
        }
    }
    let crowded: BTreeSet<&str> = links.into_iter().filter(|(_, count)| *count > FEW).map(|((_, rule), _)| rule).collect();
    let many = |rule: &str| focus != Some(rule) && crowded.contains(rule);
    let mut boxes = Boxes::default();
    let mut of_job: HashMap<JobKey, u32> = HashMap::new();
    let mut gathered: HashMap<&str, u32> = HashMap::new();
    for Node { job, rule, status, label } in &nodes {
        if many(rule) {
            let at = *gathered.entry(rule).or_insert_with(|| {
                boxes.list.push((*job, 0, rule.clone(), JobStatus::Success, String::new()));
                boxes.list.len() as u32 - 1
            });
            let held = &mut boxes.list[at as usize];
            held.1 += 1;
            if status.urgency() > held.3.urgency() {
                (held.0, held.3) = (*job, *status);
            }
            of_job.insert(*job, at);
        } else {
            of_job.insert(*job, boxes.list.len() as u32);
            boxes.list.push((*job, 1, rule.clone(), *status, label.clone()));
        }
    }
    let edges = edges.iter().map(|(from, to)| (of_job[from], of_job[to])).filter(|(from, to)| from != to);
    boxes.edges = edges.collect();
    boxes
}

/// Positions for boxes: each connected part is arranged in layers, and the parts are placed beside and below each other.
fn places(count: usize, edges: &[(u32, u32)]) -> Places {
    let (wide, high) = (f64::from(BOX.0), f64::from(BOX.1));
    let linked: BTreeSet<u32> = edges.iter().flat_map(|(from, to)| [*from, *to]).collect();
    // Numbered without gaps: the layout names boxes by index, whatever their own numbers are.
    let names: Vec<u32> = linked.iter().copied().collect();
    let number: HashMap<u32, u32> = names.iter().enumerate().map(|(at, name)| (*name, at as u32)).collect();
    let vertices: Vec<(u32, (f64, f64))> = (0..names.len() as u32).map(|at| (at, (wide, high))).collect();
    let numbered: Vec<(u32, u32)> = edges.iter().map(|(from, to)| (number[from], number[to])).collect();
    let config = Config { transpose: false, ranking_type: RankingType::Up, vertex_spacing: SPACE, ..Config::default() };
    let mut parts: Vec<Part> = from_vertices_and_edges(&vertices, &numbered, &config)
        .into_iter()
        .map(|(places, ..)| places.into_iter().map(|(at, (x, y))| (names[at] as usize, x, y)).collect())
        .collect();
    let at: HashMap<usize, f64> = parts.iter().flatten().map(|(node, _, y)| (*node, *y)).collect();
    // Makers above users, whichever way the layers were counted.
    let down: f64 = edges.iter().map(|(from, to)| (at[&(*to as usize)] - at[&(*from as usize)]).signum()).sum();
    let flip = if down < 0.0 { -1.0 } else { 1.0 };
    parts.extend((0..count as u32).filter(|node| !linked.contains(node)).map(|node| vec![(node as usize, 0.0, 0.0)]));
    // Rows of parts that together have about the shape of a screen, high parts first.
    let mut parts: Vec<(f64, f64, Part)> = parts.into_iter().map(|part| squared(part, flip)).collect();
    parts.sort_by(|one, other| other.1.total_cmp(&one.1));
    let area: f64 = parts.iter().map(|(w, h, _)| (w + SPACE) * (h + SPACE)).sum();
    let shelf = (area * 1.6).sqrt().max(parts.iter().map(|(w, ..)| *w).fold(0.0, f64::max));
    let mut placed = vec![(0, 0); count];
    let (mut x, mut y, mut tallest, mut widest) = (SPACE, SPACE, 0.0_f64, 0.0_f64);
    for (w, h, part) in parts {
        if x > SPACE && x + w > shelf + SPACE {
            (x, y, tallest) = (SPACE, y + tallest + SPACE * 2.0, 0.0);
        }
        for (node, left, top) in part {
            placed[node] = ((x + left).round() as i32, (y + top).round() as i32);
        }
        (x, tallest, widest) = (x + w + SPACE * 2.0, tallest.max(h), widest.max(x + w));
    }
    (placed, (widest + SPACE) as i32, (y + tallest + SPACE) as i32)
}

/// The same layers, each broken into rows so that the part is about as wide as high. Boxes keep their order. No edge
/// lies within a layer, so all edges still lead downward.
fn wrapped(part: Part) -> Part {
    let mut layers: BTreeMap<i64, Vec<(usize, f64)>> = BTreeMap::new();
    for (node, x, y) in part {
        layers.entry(y.round() as i64).or_default().push((node, x));
    }
    let (step, row_step) = (f64::from(BOX.0) + SPACE, f64::from(BOX.1) + SPACE / 3.0);
    let most = layers.values().map(Vec::len).max().unwrap_or(1) as f64;
    let in_row = ((most * row_step / step).sqrt().ceil() as usize).max(8);
    let mut placed = Vec::new();
    let mut top = 0.0;
    for mut layer in layers.into_values() {
        layer.sort_by(|one, other| one.1.total_cmp(&other.1));
        let left = in_row.saturating_sub(layer.len()) as f64 * step / 2.0;
        for (at, (node, _)) in layer.iter().enumerate() {
            placed.push((*node, left + (at % in_row) as f64 * step, top + (at / in_row) as f64 * row_step));
        }
        top += layer.len().div_ceil(in_row) as f64 * row_step + SPACE * 2.0;
    }
    placed
}

/// A part moved so that its upper left corner is at zero, and its size.
fn squared(part: Part, flip: f64) -> (f64, f64, Part) {
    let mut part: Part = part.into_iter().map(|(node, x, y)| (node, x, y * flip)).collect();
    let span = |of: fn(&(usize, f64, f64)) -> f64| {
        let (least, most) = part.iter().map(of).fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), at| (least.min(at), most.max(at)));
        most - least
    };
    // A single box with very many dependents would make a layer too wide to look at.
    if span(|node| node.1) > WIDEST.max(8.0 * span(|node| node.2)) {
        part = wrapped(part);
    }
    let least = |of: fn(&(usize, f64, f64)) -> f64| part.iter().map(of).fold(f64::INFINITY, f64::min);
    let most = |of: fn(&(usize, f64, f64)) -> f64| part.iter().map(of).fold(f64::NEG_INFINITY, f64::max);
    let (left, top) = (least(|node| node.1), least(|node| node.2));
    let (w, h) = (most(|node| node.1) - left + f64::from(BOX.0), most(|node| node.2) - top + f64::from(BOX.1));
    (w, h, part.into_iter().map(|(node, x, y)| (node, x - left, y - top)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn no_box_covers_another_and_makers_stand_above_users(pairs in proptest::collection::vec((0..60_u32, 0..60_u32), 1..120)) {
            let edges: BTreeSet<(u32, u32)> = pairs.into_iter().filter(|(one, other)| one < other).collect();
            let edges: Vec<(u32, u32)> = edges.into_iter().collect();
            let (places, width, height) = places(60, &edges);
            for one in 0..60 {
                let (x, y) = places[one];
                prop_assert!(x >= 0 && y >= 0 && x + BOX.0 <= width && y + BOX.1 <= height);
                for other in 0..one {
                    let (a, b) = places[other];
                    prop_assert!((x - a).abs() >= BOX.0 || (y - b).abs() >= BOX.1, "{one} {other}: {:?} {:?}", places[one], places[other]);
                }
            }
            for (from, to) in &edges {
                prop_assert!(places[*from as usize].1 < places[*to as usize].1);
            }
        }
    }

    #[test]
    fn what_hangs_on_one_job_is_folded_into_rows() {
        let edges: Vec<(u32, u32)> = (0..3_000).map(|job| (job, 3_000)).chain((0..3_000).map(|job| (3_001, job))).collect();
        let (places, width, height) = places(3_002, &edges);
        assert!(width < 3 * height && height < 3 * width, "{width} {height}");
        assert!(edges.iter().all(|(from, to)| places[*from as usize].1 < places[*to as usize].1));
        let mut once = places.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), places.len());
    }

    /// Samples in chains of nine jobs, merged by tens, as in large workflows.
    fn chains(jobs: u32) -> Vec<(u32, u32)> {
        let samples = jobs / 9;
        let mut edges: Vec<(u32, u32)> =
            (0..samples).flat_map(|sample| (0..8).map(move |step| (sample * 9 + step, sample * 9 + step + 1))).collect();
        edges.extend((0..samples).map(|sample| (sample * 9 + 8, samples * 9 + sample / 10)));
        edges
    }

    #[test]
    fn ten_thousand_jobs_are_laid_out() {
        let edges = chains(9_000);
        let clock = store::clock::system();
        let began = clock.instant();
        let (places, ..) = places(9_100, &edges);
        println!("{} jobs, {} edges: {} ms", places.len(), edges.len(), clock.since(began).as_millis());
        assert!(edges.iter().all(|(from, to)| places[*from as usize].1 < places[*to as usize].1));
    }

    #[test]
    fn the_many_jobs_of_other_rules_are_one_box() {
        let node = |id: i64, rule: &str, status| Node { job: JobKey(id), rule: rule.into(), status, label: format!("S{id}") };
        let mut graph = Graph::default();
        for id in 0..50 {
            graph.nodes.push(node(id, "map", if id == 7 { JobStatus::Failed } else { JobStatus::Success }));
            graph.edges.insert((JobKey(id), JobKey(100)));
        }
        graph.nodes.push(node(100, "merge", JobStatus::Waiting));

        let around = gather(graph.clone(), Some("merge"));
        assert_eq!(
            around.list,
            [
                (JobKey(7), 50, "map".into(), JobStatus::Failed, String::new()),
                (JobKey(100), 1, "merge".into(), JobStatus::Waiting, "S100".into())
            ]
        );
        assert_eq!(around.edges, BTreeSet::from([(0, 1)]));
        assert_eq!(gather(graph.clone(), Some("map")).list.len(), 51);
        assert_eq!(gather(graph, None).list.len(), 51);
    }
}
