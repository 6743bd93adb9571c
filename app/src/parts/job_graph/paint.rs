//! Paints the graph of jobs on its canvas: only what is in view, lines below boxes.

use super::{BOX, Board, Graph};
use crate::parts::canvas_colours::Inks;
use chart::camera::Camera;
use leptos::prelude::*;
use model::{JobStatus, cut::fitting};
use view::job_graph::JobNode;
use web_sys::CanvasRenderingContext2d;

/// Below this scale boxes have no labels.
const LEGIBLE: f64 = 0.55;
/// Letters that fit into a box.
const LETTERS: usize = 18;

impl Board {
    /// Paints in the next frame, once.
    pub(super) fn paint(self) {
        self.easel.soon(move || self.paint_now());
    }

    fn paint_now(self) {
        let (Some((width, height)), Some(frame)) = (self.size(), self.frame.try_get_untracked().flatten()) else { return };
        let (Some(camera), Some(graph)) = (self.now(), self.graph.try_get_value()) else { return };
        let Some((pen, inks)) = self.easel.pen(&frame, width, height) else { return };
        self.draw(&pen, &graph, camera, (width, height), &inks);
    }

    fn draw(self, pen: &CanvasRenderingContext2d, graph: &Graph, camera: Camera, (width, height): (f64, f64), inks: &Inks) {
        let x = |at: f64| (at - camera.x) * camera.scale;
        let y = |at: f64| (at - camera.y) * camera.scale;
        let (wide, high) = (BOX.0 * camera.scale, BOX.1 * camera.scale);
        let over = self.over.try_get_untracked().flatten();
        pen.set_fill_style_str(inks.of("ground"));
        pen.fill_rect(0.0, 0.0, width, height);
        pen.set_line_width(1.0);
        // All lines in one pass; those at the box under the pointer once more, stronger.
        for strong in [false, true] {
            pen.begin_path();
            for &(from, to) in &graph.edges {
                if strong && !over.is_some_and(|over| over == from as usize || over == to as usize) {
                    continue;
                }
                let (one, other) = (&graph.nodes[from as usize], &graph.nodes[to as usize]);
                let (x1, y1) = (x(f64::from(one.x) + BOX.0 / 2.0), y(f64::from(one.y) + BOX.1));
                let (x2, y2) = (x(f64::from(other.x) + BOX.0 / 2.0), y(f64::from(other.y)));
                if x1.max(x2) < 0.0 || x1.min(x2) > width || y2 < 0.0 || y1 > height {
                    continue;
                }
                pen.move_to(x1, y1);
                if camera.scale > 0.2 {
                    let middle = f64::midpoint(y1, y2);
                    pen.bezier_curve_to(x1, middle, x2, middle, x2, y2);
                } else {
                    pen.line_to(x2, y2);
                }
            }
            pen.set_stroke_style_str(inks.of(if strong { "accent" } else { "cores" }));
            pen.set_global_alpha(if strong { 1.0 } else { 0.55 });
            pen.stroke();
        }
        pen.set_global_alpha(1.0);
        let in_view = |node: &&JobNode| {
            let (left, top) = (x(f64::from(node.x)), y(f64::from(node.y)));
            left + wide >= 0.0 && left <= width && top + high >= 0.0 && top <= height
        };
        let words = camera.scale >= LEGIBLE;
        for (status, ink) in [
            (JobStatus::Waiting, "waiting"),
            (JobStatus::Suspended, "waiting"),
            (JobStatus::Skipped, "quiet"),
            (JobStatus::Cancelled, "quiet"),
            (JobStatus::Success, "success"),
            (JobStatus::Running, "running"),
            (JobStatus::Lost, "lost"),
            (JobStatus::Failed, "failed"),
        ] {
            pen.set_fill_style_str(inks.of(ink));
            for node in graph.nodes.iter().filter(in_view).filter(|node| self.state(node) == status) {
                let (left, top) = (x(f64::from(node.x)), y(f64::from(node.y)));
                if words {
                    pen.fill_rect(left, top, 4.0 * camera.scale, high);
                } else {
                    pen.fill_rect(left, top, wide.max(1.5), high.max(1.5));
                }
            }
        }
        if !words {
            return;
        }
        pen.set_font(&format!("{}px \"JetBrains Mono\", ui-monospace, monospace", (10.5 * camera.scale).round()));
        pen.set_text_align("left");
        pen.set_text_baseline("middle");
        for (at, node) in graph.nodes.iter().enumerate().filter(|(_, node)| in_view(node)) {
            let (left, top) = (x(f64::from(node.x)), y(f64::from(node.y)));
            pen.set_fill_style_str(inks.of("box"));
            pen.fill_rect(left + 4.0 * camera.scale, top, wide - 4.0 * camera.scale, high);
            pen.set_stroke_style_str(inks.of(if over == Some(at) { "accent" } else { "line" }));
            pen.stroke_rect(left + 0.5, top + 0.5, wide, high);
            pen.set_fill_style_str(inks.of("strong"));
            let rule = &graph.rules[node.rule as usize];
            let label = if node.jobs > 1 {
                format!("{rule} ×{}", node.jobs)
            } else if node.label.is_empty() {
                rule.clone()
            } else {
                format!("{rule} {}", node.label)
            };
            let _ = pen.fill_text(&fitting(&label, LETTERS), left + 10.0 * camera.scale, top + high / 2.0);
        }
    }
}
