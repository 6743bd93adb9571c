//! Jobs and their dependencies on a canvas with pan and zoom; states follow the stream.

mod paint;

use super::canvas_colours::{Easel, InkPot};
use crate::{
    paths::{self, RunPlace},
    ui::{Empty, Zoom, ZoomButtons, navigate_in_place, on_resize},
};
use chart::camera::Camera;
use leptos::{ev, html, prelude::*};
use model::{JobKey, JobStatus, RunId, live::Frame, text};
use std::{collections::HashMap, sync::Arc};
use view::job_graph::{JobGraph, JobNode};

/// The size of a box in the server's layout.
const BOX: (f64, f64) = (132.0, 24.0);
const ZOOM: (f64, f64) = (0.01, 2.5);
/// A press that moves less than this is a click (pixels).
const SLACK: i32 = 4;

/// The states of jobs from the stream, on top of those that were read.
#[derive(Clone, Copy)]
pub struct LiveStates(RwSignal<HashMap<JobKey, JobStatus>>);

impl LiveStates {
    pub fn new() -> Self {
        Self(RwSignal::new(HashMap::new()))
    }

    /// Applies a frame.
    pub fn apply(self, frame: &Frame, shown: bool) {
        if shown && !frame.jobs.is_empty() {
            self.0.update(|states| states.extend(frame.jobs.iter().map(|job| (job.id, job.status))));
        }
    }
}

/// The graph, or why there is none.
#[component]
pub fn JobGraphView(id: RunId, found: JobGraph, place: Memo<RunPlace>, live: LiveStates) -> impl IntoView {
    match found {
        JobGraph::Drawn { rules, nodes, edges, width, height } => {
            view! { <Picture id rules nodes edges size=(f64::from(width), f64::from(height)) place live/> }.into_any()
        }
        JobGraph::TooLarge { jobs } => view! { <TooLarge id jobs place/> }.into_any(),
        JobGraph::Unlinked => {
            let says = "The order of jobs is unknown: no job reads a file that another writes.";
            view! { <Empty says/> }.into_any()
        }
    }
}

/// How many jobs the graph would have, and where to see them instead.
#[component]
fn TooLarge(id: RunId, jobs: u64, place: Memo<RunPlace>) -> impl IntoView {
    let jobs = text::things(jobs, "job");
    let says = if place.with_untracked(|place| place.rule.is_some()) {
        format!("This rule has {jobs}. With their dependencies, they are too many for one picture. ")
    } else {
        format!(
            "This run has {jobs}. With their dependencies, they are too many for one picture. Choose a rule in the graph to see its jobs and their neighbours, or see all jobs as a "
        )
    };
    let table = move || paths::run_at(id, &RunPlace { form: None, after: None, ..place.get() });
    let label = if place.with_untracked(|place| place.rule.is_some()) { "See them as a table" } else { "table" };
    view! { <div class="empty" role="status"><p>{says}<a class="link" href=table>{label}</a>"."</p></div> }
}

/// The graph's data while it is shown.
struct Graph {
    rules: Vec<String>,
    nodes: Vec<JobNode>,
    edges: Vec<(u32, u32)>,
    size: (f64, f64),
}

#[derive(Clone, Copy)]
struct Board {
    graph: StoredValue<Arc<Graph>>,
    live: LiveStates,
    /// The part in view; `None` before the first frame.
    camera: RwSignal<Option<Camera>>,
    over: RwSignal<Option<usize>>,
    grip: StoredValue<Option<(i32, i32, Camera)>>,
    easel: Easel,
    frame: NodeRef<html::Div>,
}

#[component]
fn Picture(
    id: RunId,
    rules: Vec<String>,
    nodes: Vec<JobNode>,
    edges: Vec<(u32, u32)>,
    size: (f64, f64),
    place: Memo<RunPlace>,
    live: LiveStates,
) -> impl IntoView {
    let jobs: i64 = nodes.iter().map(|node| i64::from(node.jobs)).sum();
    let says = format!("{} jobs, {} links", text::count(jobs), text::count(edges.len() as i64));
    let board = Board {
        graph: StoredValue::new(Arc::new(Graph { rules, nodes, edges, size })),
        live,
        camera: RwSignal::new(None),
        over: RwSignal::new(None),
        grip: StoredValue::new(None),
        easel: Easel::new(),
        frame: NodeRef::new(),
    };
    board.wake();
    let go = navigate_in_place();
    let open = move |at: usize| {
        let Some(place) = place.try_get_untracked() else { return };
        let next = board.graph.try_with_value(|graph| {
            let node = &graph.nodes[at];
            // A box of several jobs leads to its rule's own graph.
            if node.jobs > 1 { place.of_rule(Some(&graph.rules[node.rule as usize])) } else { place.of_job(Some(node.job)) }
        });
        if let Some(next) = next {
            go(&paths::run_at(id, &next));
        }
    };
    let release = move |event: ev::PointerEvent| {
        let grip = board.grip.try_get_value().flatten();
        board.grip.try_set_value(None);
        let still = grip.is_some_and(|(x, y, _)| (event.client_x() - x).abs() < SLACK && (event.client_y() - y).abs() < SLACK);
        if let (true, Some(at)) = (still, board.at(&event)) {
            open(at);
        }
    };
    let hint = move || {
        let at = board.over.get()?;
        board.graph.with_value(|graph| {
            let node = graph.nodes.get(at)?;
            let rule = graph.rules[node.rule as usize].clone();
            let what = if node.jobs > 1 { format!("{} jobs", node.jobs) } else { node.label.clone() };
            Some(view! { <div class="jg-hint" role="status"><b>{rule}</b> " " <span>{what}</span> " " <span class="dim">{board.state(node).label()}</span></div> })
        })
    };
    let zoom = move |to: Zoom| match to {
        Zoom::Out => board.zoom(1.0 / 1.4, None),
        Zoom::In => board.zoom(1.4, None),
        Zoom::Fit => board.fit(),
    };
    view! {
        <div class="tool">
            <span class="dim num">{says.clone()}</span>
            <span class="grow"></span>
            <ZoomButtons to=zoom/>
        </div>
        <div
            class="job-graph"
            node_ref=board.frame
            tabindex="0"
            role="region"
            aria-label=format!("Graph of {says}; the same jobs are a table under “Table”")
            on:wheel=move |event| board.wheel(&event)
            on:keydown=move |event| board.key(&event)
            on:pointerdown=move |event| board.press(&event)
            on:pointermove=move |event| board.drag(&event)
            on:pointerup=release
            on:pointercancel=move |_| { board.grip.try_set_value(None); }
            on:pointerleave=move |_| { board.over.try_set(None); }
        >
            <canvas node_ref=board.easel.canvas aria-hidden="true"></canvas>
            <InkPot/>
            {hint}
        </div>
    }
}

impl Board {
    fn wake(self) {
        self.easel.follow_theme(move || self.paint());
        Effect::new(move |_| {
            self.camera.track();
            self.over.track();
            self.live.0.track();
            self.paint();
        });
        on_resize(self.frame, move || {
            if self.camera.try_get_untracked() == Some(None) {
                self.fit();
            }
            self.paint();
        });
    }

    fn size(self) -> Option<(f64, f64)> {
        let frame = self.frame.try_get_untracked().flatten()?;
        let size = (f64::from(frame.client_width()), f64::from(frame.client_height()));
        (size.0 > 20.0 && size.1 > 20.0).then_some(size)
    }

    fn fit(self) {
        let (Some((width, height)), Some(whole)) = (self.size(), self.graph.try_with_value(|graph| graph.size)) else { return };
        self.camera.try_set(Some(Camera::fit((width, height), whole, ZOOM.0)));
    }

    fn now(self) -> Option<Camera> {
        self.camera.try_get_untracked().flatten()
    }

    /// Zooms in or out around a position in the view, or around its middle.
    fn zoom(self, times: f64, around: Option<(f64, f64)>) {
        let (Some(camera), Some((width, height))) = (self.now(), self.size()) else { return };
        let scale = (camera.scale * times).clamp(ZOOM.0, ZOOM.1);
        self.camera.try_set(Some(camera.zoomed(scale, around.unwrap_or((width / 2.0, height / 2.0)))));
    }

    fn pan(self, x: f64, y: f64) {
        if let Some(camera) = self.now() {
            self.camera.try_set(Some(camera.panned(x, y)));
        }
    }

    fn on_view(self, event: &web_sys::MouseEvent) -> Option<(f64, f64)> {
        let frame = self.frame.try_get_untracked().flatten()?.get_bounding_client_rect();
        Some((f64::from(event.client_x()) - frame.left(), f64::from(event.client_y()) - frame.top()))
    }

    /// The box under the pointer.
    fn at(self, event: &web_sys::MouseEvent) -> Option<usize> {
        let camera = self.now()?;
        let (x, y) = camera.at(self.on_view(event)?);
        // When zoomed far out, a box is smaller than the pointer.
        let slack = (3.0 / camera.scale - 3.0).max(0.0);
        let hit = |node: &JobNode| {
            let (left, top) = (f64::from(node.x), f64::from(node.y));
            x >= left - slack && x <= left + BOX.0 + slack && y >= top - slack && y <= top + BOX.1 + slack
        };
        self.graph.try_with_value(|graph| graph.nodes.iter().position(hit)).flatten()
    }

    fn wheel(self, event: &ev::WheelEvent) {
        event.prevent_default();
        if event.ctrl_key() || event.meta_key() {
            self.zoom((-event.delta_y().clamp(-60.0, 60.0) * 0.01).exp(), self.on_view(event));
        } else {
            self.pan(event.delta_x(), event.delta_y());
        }
    }

    fn key(self, event: &ev::KeyboardEvent) {
        if event.ctrl_key() || event.meta_key() || event.alt_key() {
            return;
        }
        match event.key().as_str() {
            "+" | "=" => self.zoom(1.4, None),
            "-" => self.zoom(1.0 / 1.4, None),
            "f" => self.fit(),
            "ArrowLeft" => self.pan(-80.0, 0.0),
            "ArrowRight" => self.pan(80.0, 0.0),
            "ArrowUp" => self.pan(0.0, -80.0),
            "ArrowDown" => self.pan(0.0, 80.0),
            _ => return,
        }
        event.prevent_default();
        event.stop_propagation();
    }

    fn press(self, event: &ev::PointerEvent) {
        if let (0, Some(camera), Some(Some(frame))) = (event.button(), self.now(), self.frame.try_get_untracked()) {
            self.grip.try_set_value(Some((event.client_x(), event.client_y(), camera)));
            let _ = frame.set_pointer_capture(event.pointer_id());
        }
    }

    fn drag(self, event: &ev::PointerEvent) {
        if let Some((x, y, from)) = self.grip.try_get_value().flatten() {
            self.camera.try_set(Some(from.panned(f64::from(x - event.client_x()), f64::from(y - event.client_y()))));
            return;
        }
        let over = self.at(event);
        if self.over.try_get_untracked() != Some(over) {
            self.over.try_set(over);
        }
    }

    fn state(self, node: &JobNode) -> JobStatus {
        self.live.0.try_with_untracked(|states| states.get(&node.job).copied()).flatten().filter(|_| node.jobs == 1).unwrap_or(node.status)
    }
}
