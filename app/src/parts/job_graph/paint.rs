//! Paints the graph of jobs on its canvas: only what is in view, lines below boxes.

use super::{BOX, Board, Graph, Look};
use crate::parts::ink::{Inks, pen};
use leptos::prelude::*;
use model::JobStatus;
use view::job_graph::JobNode;
use web_sys::CanvasRenderingContext2d;

/// Below this scale boxes have no labels.
const LEGIBLE: f64 = 0.55;
/// Letters that fit into a box.
const LETTERS: usize = 18;

/// A label shortened to fit into a box, with an ellipsis if it was cut.
fn fitting(label: String) -> String {
    match label.char_indices().nth(LETTERS - 1) {
        Some((end, letter)) if end + letter.len_utf8() < label.len() => format!("{}…", &label[..end]),
        _ => label,
    }
}

impl Board {
    /// Paints in the next frame, once.
    pub(super) fn paint(self) {
        if self.painting.try_update_value(|painting| std::mem::replace(painting, true)) != Some(false) {
            return;
        }
        request_animation_frame(move || {
            self.painting.try_set_value(false);
            self.paint_now();
        });
    }

    fn paint_now(self) {
        let (Some((width, height)), Some(Some(canvas)), Some(Some(frame))) =
            (self.size(), self.canvas.try_get_untracked(), self.frame.try_get_untracked())
        else {
            return;
        };
        let (Some(look), Some(graph)) = (self.now(), self.graph.try_get_value()) else { return };
        let Some(pen) = pen(&canvas, width, height) else { return };
        let mut inks = self.inks.try_get_value().unwrap_or_default();
        if inks.is_empty() {
            inks = Inks::read(&frame);
            self.inks.try_set_value(inks.clone());
        }
        self.draw(&pen, &graph, look, (width, height), &inks);
    }

    fn draw(self, pen: &CanvasRenderingContext2d, graph: &Graph, look: Look, (width, height): (f64, f64), inks: &Inks) {
        let x = |at: f64| (at - look.x) * look.scale;
        let y = |at: f64| (at - look.y) * look.scale;
        let (wide, high) = (BOX.0 * look.scale, BOX.1 * look.scale);
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
                if look.scale > 0.2 {
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
        let words = look.scale >= LEGIBLE;
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
                    pen.fill_rect(left, top, 4.0 * look.scale, high);
                } else {
                    pen.fill_rect(left, top, wide.max(1.5), high.max(1.5));
                }
            }
        }
        if !words {
            return;
        }
        pen.set_font(&format!("{}px \"JetBrains Mono\", ui-monospace, monospace", (10.5 * look.scale).round()));
        pen.set_text_align("left");
        pen.set_text_baseline("middle");
        for (at, node) in graph.nodes.iter().enumerate().filter(|(_, node)| in_view(node)) {
            let (left, top) = (x(f64::from(node.x)), y(f64::from(node.y)));
            pen.set_fill_style_str(inks.of("box"));
            pen.fill_rect(left + 4.0 * look.scale, top, wide - 4.0 * look.scale, high);
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
            let _ = pen.fill_text(&fitting(label), left + 10.0 * look.scale, top + high / 2.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_that_does_not_fit_says_so() {
        for (label, shown) in [
            ("map A", "map A"),
            ("eighteen letters!!", "eighteen letters!!"),
            ("nineteen letters!!!", "nineteen letters!…"),
            ("größe größe größe ü", "größe größe größe…"),
            ("", ""),
        ] {
            assert_eq!(fitting(label.into()), shown);
        }
    }
}
