//! Paints the timeline on a canvas. Deals with pixels and colours only; other files decide what is shown.

use super::super::canvas_colours::{INKS, Inks};
use chart::{
    lanes::{Kind, unpack},
    stack::{LANE, Stack},
};
use view::timeline::{Drawn, Link, TimelineView};
use web_sys::CanvasRenderingContext2d;

/// Height of the curve and the axis above the lanes, in pixels.
pub const HEAD: u32 = 92;
/// Width of the names beside the lanes.
pub const SIDE: u32 = 148;
/// Room kept free at the right edge.
pub const EDGE: f64 = 14.0;
/// Shortest distance between labels of the axis.
const LABEL: f64 = 64.0;
const FONT: &str = "11px \"JetBrains Mono\", ui-monospace, monospace";

/// Everything that one picture shows.
pub struct Scene<'a> {
    pub view: &'a TimelineView,
    pub stack: &'a Stack,
    /// The span in view, on the axis.
    pub span: (f64, f64),
    pub width: f64,
    pub height: f64,
    pub scrolled: u32,
    /// The current time on the axis, while something is running.
    pub now: Option<f64>,
    /// Offset of the viewer's clock from UTC, in milliseconds; positive when ahead.
    pub offset: i64,
    pub brush: Option<(f64, f64)>,
    pub critical: &'a [Link],
    pub inks: &'a Inks,
}

impl Scene<'_> {
    fn x(&self, at: f64) -> f64 {
        let (from, to) = self.span;
        f64::from(SIDE) + (at - from) / (to - from) * (self.width - f64::from(SIDE) - EDGE)
    }

    /// Converts a height among the groups to one on the canvas.
    fn y(&self, at: u32) -> f64 {
        f64::from(at + HEAD) - f64::from(self.scrolled)
    }

    /// Paints everything.
    pub fn paint(&self, pen: &CanvasRenderingContext2d) {
        let (side, head) = (f64::from(SIDE), f64::from(HEAD));
        pen.set_fill_style_str(self.inks.of("ground"));
        pen.fill_rect(0.0, 0.0, self.width, self.height);
        let ticks = self.ticks();
        pen.save();
        pen.begin_path();
        pen.rect(side, head, self.width - side, self.height - head);
        pen.clip();
        self.grid(pen, &ticks, head, self.height);
        self.groups(pen);
        self.path(pen);
        pen.restore();
        pen.save();
        pen.begin_path();
        pen.rect(side, 0.0, self.width - side, self.height);
        pen.clip();
        self.grid(pen, &ticks, 18.0, head);
        self.curve(pen);
        self.marks(pen);
        pen.restore();
        self.axis(pen, &ticks);
    }

    fn ticks(&self) -> Vec<(f64, String)> {
        let room = ((self.width - f64::from(SIDE)) / 110.0).max(2.0) as u32;
        let ticks = self.view.breaks.ticks(self.view.origin, (self.span.0 as i64, self.span.1 as i64), room, self.offset);
        let mut last = f64::MIN;
        let mut placed = Vec::new();
        for (at, label) in ticks {
            let x = self.x(at as f64);
            if x - last >= LABEL && x >= f64::from(SIDE) + LABEL / 3.0 {
                last = x;
                placed.push((x, label));
            }
        }
        placed
    }

    fn grid(&self, pen: &CanvasRenderingContext2d, ticks: &[(f64, String)], top: f64, bottom: f64) {
        pen.set_fill_style_str(self.inks.of("line"));
        for (x, _) in ticks {
            pen.fill_rect(x.round(), top, 1.0, bottom - top);
        }
        // Marks where idle time was left out.
        pen.set_global_alpha(0.6);
        for (from, to) in self.view.breaks.rests() {
            let (from, to) = (self.x(from as f64), self.x(to as f64));
            pen.fill_rect(from, top, (to - from).max(3.0), bottom - top);
        }
        pen.set_global_alpha(1.0);
    }

    fn groups(&self, pen: &CanvasRenderingContext2d) {
        let unit = (self.view.to - self.view.from) as f64 / f64::from(self.view.quarters);
        let place = |quarters: u32| self.x(self.view.from as f64 + f64::from(quarters) * unit);
        pen.set_fill_style_str(self.inks.of("line"));
        for group in 0..self.stack.len() {
            let y = self.y(self.stack.span(group).1);
            if y > f64::from(HEAD) && y < self.height {
                pen.fill_rect(0.0, y.round() - 1.0, self.width, 1.0);
            }
        }
        // One kind at a time: changing the colour costs more than painting a bar.
        for (kind, ink) in Kind::ALL.into_iter().zip(INKS) {
            pen.set_fill_style_str(self.inks.of(ink));
            for (group, drawn) in &self.view.drawn {
                let group = *group as usize;
                if group >= self.stack.len() {
                    continue;
                }
                match drawn {
                    Drawn::Lanes { first, lanes } if !self.stack.is_folded(group) => {
                        for (lane, words) in lanes.iter().enumerate() {
                            let y = self.y(self.stack.lane_top(group, first + lane as u32));
                            if y < f64::from(HEAD - LANE) || y > self.height {
                                continue;
                            }
                            for (from, to, _) in unpack(words).filter(|(.., of)| *of == kind) {
                                let end =
                                    if kind == Kind::Running && to >= self.view.quarters { self.now.map(|now| self.x(now)) } else { None };
                                let (from, to) = (place(from), end.unwrap_or_else(|| place(to)));
                                if to >= f64::from(SIDE) && from <= self.width {
                                    // A thin gap between neighbours, where there is room for one.
                                    let wide = to - from;
                                    pen.fill_rect(from, y, if wide > 3.0 { wide - 0.75 } else { wide.max(0.75) }, f64::from(LANE - 2));
                                }
                            }
                        }
                    }
                    Drawn::Area { counts, failed } if self.stack.is_folded(group) => {
                        self.area(pen, kind, group, counts, failed);
                    }
                    _ => {}
                }
            }
        }
    }

    /// A folded group: the number of its running jobs over time, and where one failed.
    fn area(&self, pen: &CanvasRenderingContext2d, kind: Kind, group: usize, counts: &[u32], failed: &[u32]) {
        let (top, bottom) = self.stack.span(group);
        let (base, high) = (self.y(bottom) - 5.0, f64::from(bottom - top) - 12.0);
        let column = (self.view.to - self.view.from) as f64 / counts.len().max(1) as f64;
        let place = |at: usize| self.x(self.view.from as f64 + at as f64 * column);
        match kind {
            Kind::Done => {
                let peak = f64::from(self.view.groups.get(group).map_or(1, |group| group.peak).max(1));
                pen.begin_path();
                pen.move_to(place(0), base);
                for (at, count) in counts.iter().enumerate() {
                    // Even one running job must be visible.
                    let high = if *count == 0 { 0.0 } else { (f64::from(*count) / peak * high).max(1.0) };
                    pen.line_to(place(at), base - high);
                    pen.line_to(place(at + 1), base - high);
                }
                pen.line_to(place(counts.len()), base);
                pen.fill();
            }
            Kind::Failed => {
                for at in failed {
                    pen.fill_rect(place(*at as usize), base - high, (place(*at as usize + 1) - place(*at as usize)).clamp(1.5, 4.0), high);
                }
            }
            _ => {}
        }
    }

    fn curve(&self, pen: &CanvasRenderingContext2d) {
        let view = self.view;
        let end = view.to.min(view.end.max(view.from + 1)) as f64;
        let column = (end - view.from as f64) / view.curve.len().max(1) as f64;
        let (base, high) = (f64::from(HEAD) - 10.0, f64::from(HEAD) - 36.0);
        let place = |at: usize| self.x(view.from as f64 + at as f64 * column);
        let line = |of: fn(&(u32, u32)) -> u32, peak: u32| {
            for (at, level) in view.curve.iter().enumerate() {
                let y = base - f64::from(of(level)) / f64::from(peak.max(1)) * high;
                pen.line_to(place(at), y);
                pen.line_to(place(at + 1), y);
            }
        };
        pen.begin_path();
        pen.move_to(place(0), base);
        line(|level| level.0, view.peak.0);
        pen.line_to(place(view.curve.len()), base);
        pen.set_fill_style_str(self.inks.of("area"));
        pen.fill();
        pen.begin_path();
        line(|level| level.0, view.peak.0);
        pen.set_line_width(1.25);
        pen.set_stroke_style_str(self.inks.of("running"));
        pen.stroke();
        pen.begin_path();
        line(|level| level.1, view.peak.1);
        let dashes = js_sys::Array::of2(&3.0.into(), &3.0.into());
        let _ = pen.set_line_dash(&dashes);
        pen.set_stroke_style_str(self.inks.of("cores"));
        pen.stroke();
        let _ = pen.set_line_dash(&js_sys::Array::new());
        pen.set_fill_style_str(self.inks.of("line"));
        pen.fill_rect(0.0, f64::from(HEAD) - 1.0, self.width, 1.0);
    }

    /// The chain of jobs that determined how long the run took.
    fn path(&self, pen: &CanvasRenderingContext2d) {
        pen.set_stroke_style_str(self.inks.of("strong"));
        pen.set_line_width(1.5);
        let known = |link: &&Link| (link.group as usize) < self.stack.len();
        let height = |link: &Link| {
            let group = link.group as usize;
            if self.stack.is_folded(group) {
                let (top, bottom) = self.stack.span(group);
                (self.y(top) + 6.0, f64::from(bottom - top) - 12.0)
            } else {
                (self.y(self.stack.lane_top(group, link.lane)), f64::from(LANE - 2))
            }
        };
        let mut next: Option<(f64, f64)> = None;
        for link in self.critical.iter().filter(known) {
            let (y, high) = height(link);
            let (from, to) = (self.x(link.from as f64), self.x(link.to.map_or_else(|| self.now.unwrap_or(self.span.1), |to| to as f64)));
            pen.stroke_rect(from, y, (to - from).max(1.0), high);
            if let Some((x, below)) = next {
                pen.begin_path();
                pen.move_to(to, y + high / 2.0);
                pen.line_to(x, y + high / 2.0);
                pen.line_to(x, below);
                pen.stroke();
            }
            next = Some((from, y + high / 2.0));
        }
    }

    /// The selected span, and the current time.
    fn marks(&self, pen: &CanvasRenderingContext2d) {
        if let Some((from, to)) = self.brush {
            let (from, to) = (self.x(from.min(to)), self.x(from.max(to)));
            pen.set_fill_style_str(self.inks.of("brush"));
            pen.fill_rect(from, 18.0, to - from, self.height);
            pen.set_fill_style_str(self.inks.of("accent"));
            pen.fill_rect(from, 18.0, 1.0, self.height);
            pen.fill_rect(to, 18.0, 1.0, self.height);
        }
        if let Some(now) = self.now {
            pen.set_fill_style_str(self.inks.of("accent"));
            pen.fill_rect(self.x(now), 18.0, 1.5, self.height);
        }
    }

    fn axis(&self, pen: &CanvasRenderingContext2d, ticks: &[(f64, String)]) {
        pen.set_font(FONT);
        pen.set_text_align("center");
        let now = self.now.map(|now| self.x(now)).filter(|x| *x >= f64::from(SIDE) && *x <= self.width);
        for (x, label) in ticks {
            if now.is_none_or(|now| (now - x).abs() > LABEL / 2.0) && *x < self.width - 18.0 {
                pen.set_fill_style_str(self.inks.of("text"));
                let _ = pen.fill_text(label, *x, 13.0);
            }
        }
        if let Some(now) = now {
            pen.set_fill_style_str(self.inks.of("accent"));
            let _ = pen.fill_text("now", now.min(self.width - 14.0), 13.0);
        }
    }
}
