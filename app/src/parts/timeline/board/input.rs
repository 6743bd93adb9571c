//! Pointer, wheel, touch and keys on a timeline.

use super::{
    super::paint::{EDGE, HEAD, SIDE},
    Board, Grip, Pointed, count_up,
};
use crate::{
    api::timeline::{read_at, read_sums},
    paths::{self, RunPlace},
};
use leptos::{ev, prelude::*, task::spawn_local};
use model::JobKey;
use std::time::Duration;
use wasm_bindgen::JsCast as _;

/// How long a pointer must rest before a tooltip appears.
const REST: Duration = Duration::from_millis(70);
/// A press that moves less than this is a click (pixels).
const SLACK: i32 = 4;

/// The keys of a focused timeline; each action can have several keys, as the list of keys shows them.
pub const KEYS: [(&[&str], &str); 6] = [
    (&["w", "+"], "Zoom in"),
    (&["s", "-"], "Zoom out"),
    (&["a", "ArrowLeft"], "Earlier"),
    (&["d", "ArrowRight"], "Later"),
    (&["f"], "Whole run"),
    (&["t"], "As a table"),
];
/// The heading of these keys.
pub const GROUP: &str = "Timeline (when focused)";

impl Board {
    pub fn wheel(self, event: &ev::WheelEvent) {
        let Some((scroller, ..)) = self.sight() else { return };
        if event.ctrl_key() || event.meta_key() {
            event.prevent_default();
            let x = f64::from(event.client_x()) - scroller.get_bounding_client_rect().left();
            self.zoom((event.delta_y().clamp(-60.0, 60.0) * 0.008).exp(), Some(x));
        } else if event.delta_x().abs() > event.delta_y().abs() || event.shift_key() {
            event.prevent_default();
            let by = if event.delta_x() == 0.0 { event.delta_y() } else { event.delta_x() };
            self.pan(by / 900.0);
        }
    }

    pub fn key(self, event: &ev::KeyboardEvent) {
        if event.ctrl_key() || event.meta_key() || event.alt_key() {
            return;
        }
        let key = event.key();
        match KEYS.iter().position(|(keys, _)| keys.contains(&key.as_str())) {
            Some(0) => self.zoom(1.0 / 1.5, None),
            Some(1) => self.zoom(1.5, None),
            Some(2) => self.pan(-0.2),
            Some(3) => self.pan(0.2),
            Some(4) => self.fit(),
            Some(5) => self.to_table(),
            None if key == "Escape" && self.brush.get_untracked().is_some() => self.unbrush(),
            _ => return,
        }
        event.prevent_default();
        event.stop_propagation();
    }

    fn to_table(self) {
        let place = RunPlace { form: Some("table".into()), ..self.place.get_untracked() };
        self.go.with_value(|go| go(paths::run_at(self.id, &place), false));
    }

    /// The position of the pointer in the view; `None` outside of the lanes.
    fn on_view(self, x: i32, y: i32) -> Option<(f64, f64)> {
        let (scroller, width, _) = self.sight()?;
        let frame = scroller.get_bounding_client_rect();
        let (x, y) = (f64::from(x) - frame.left(), f64::from(y) - frame.top());
        (x >= f64::from(SIDE) && x <= width).then_some((x, y))
    }

    pub fn press(self, event: &ev::PointerEvent) {
        let on_button = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        if event.button() != 0 || on_button.is_some_and(|target| target.closest("button, .hover-card").is_ok_and(|found| found.is_some())) {
            return;
        }
        let (Some((x, y)), Some((scroller, ..))) = (self.on_view(event.client_x(), event.client_y()), self.sight()) else { return };
        if event.pointer_type() == "touch" {
            self.touches.try_update_value(|touches| {
                touches.retain(|(id, _)| *id != event.pointer_id());
                touches.push((event.pointer_id(), event.client_x()));
            });
        }
        let brushes = y < f64::from(HEAD) || event.shift_key();
        let grip = if brushes {
            let Some(at) = self.time_at(x) else { return };
            Grip::Brush { at, x: event.client_x() }
        } else {
            let Some(from) = self.span.try_get_untracked() else { return };
            Grip::Pan { from, scroll: scroller.scroll_top(), x: event.client_x(), y: event.client_y() }
        };
        self.grip.try_set_value(Some(grip));
        let _ = scroller.set_pointer_capture(event.pointer_id());
    }

    pub fn drag(self, event: &ev::PointerEvent) {
        let Some(grip) = self.grip.try_get_value().flatten() else { return self.hover(event) };
        if self.pinch(event) {
            return;
        }
        let Some((scroller, width, _)) = self.sight() else { return };
        match grip {
            Grip::Pan { from, scroll, x, y } => {
                let (over, down) = (event.client_x() - x, event.client_y() - y);
                if over.abs() < SLACK && down.abs() < SLACK {
                    return;
                }
                let by = f64::from(over) / (width - f64::from(SIDE) - EDGE) * (from.1 - from.0);
                self.look_at((from.0 - by, from.1 - by));
                if event.pointer_type() == "mouse" {
                    scroller.set_scroll_top(scroll - down);
                }
            }
            Grip::Brush { at, x } => {
                if (event.client_x() - x).abs() >= SLACK {
                    let to = self.time_at(f64::from(event.client_x()) - scroller.get_bounding_client_rect().left());
                    self.brush.try_set(to.map(|to| (at, to)));
                }
            }
        }
    }

    /// Two fingers stretch or squeeze the axis.
    fn pinch(self, event: &ev::PointerEvent) -> bool {
        let Some(mut touches) = self.touches.try_get_value().filter(|touches| touches.len() == 2) else { return false };
        let Some((scroller, ..)) = self.sight() else { return false };
        let apart = |touches: &[(i32, i32)]| f64::from((touches[0].1 - touches[1].1).abs()).max(20.0);
        let before = apart(&touches);
        for touch in &mut touches {
            if touch.0 == event.pointer_id() {
                touch.1 = event.client_x();
            }
        }
        let middle = f64::from(touches[0].1 + touches[1].1) / 2.0 - scroller.get_bounding_client_rect().left();
        self.zoom(before / apart(&touches), Some(middle));
        self.touches.try_set_value(touches);
        true
    }

    pub fn release(self, event: &ev::PointerEvent) {
        let grip = self.grip.try_get_value().flatten();
        self.let_go();
        match grip {
            Some(Grip::Pan { x, y, .. }) if (event.client_x() - x).abs() < SLACK && (event.client_y() - y).abs() < SLACK => {
                self.point(event.client_x(), event.client_y(), true);
            }
            Some(Grip::Brush { .. }) => self.sum_up(),
            _ => {}
        }
    }

    pub fn let_go(self) {
        self.grip.try_set_value(None);
        self.touches.try_set_value(Vec::new());
    }

    pub fn leave(self) {
        count_up(self.rested);
        self.hint.try_set(None);
    }

    fn hover(self, event: &ev::PointerEvent) {
        if event.pointer_type() != "mouse" {
            return;
        }
        let (x, y) = (event.client_x(), event.client_y());
        let Some(turn) = count_up(self.rested) else { return };
        set_timeout(
            move || {
                if self.rested.try_get_value() == Some(turn) {
                    self.point(x, y, false);
                }
            },
            REST,
        );
    }

    /// Shows, or opens, the job under the pointer.
    fn point(self, client_x: i32, client_y: i32, open: bool) {
        let (Some((x, y)), Some((scroller, width, _))) = (self.on_view(client_x, client_y), self.sight()) else { return };
        let (Some(stack), Some((from, to)), Some(at)) = (self.stack_now(), self.span.try_get_untracked(), self.time_at(x)) else { return };
        let height = y - f64::from(HEAD) + f64::from(scroller.scroll_top());
        let found = (y > f64::from(HEAD)).then(|| stack.at(height.max(0.0) as u32)).flatten();
        let Some((group, Some(lane))) = found else {
            self.hint.try_set(None);
            return;
        };
        let Some(name) = self.held.try_with_untracked(|held| held.groups.get(group).map(|group| group.name.clone())).flatten() else {
            return;
        };
        let reach = ((to - from) / width * 3.0).ceil() as i64;
        let (id, arrangement) = (self.id, self.arrangement.get_value());
        let turn = self.rested.try_get_value();
        spawn_local(async move {
            let found = read_at(id, arrangement, name, lane, (at as i64).into(), reach.into()).await.ok().flatten();
            if open {
                if let Some(job) = found {
                    self.open(job.id);
                }
            } else if self.rested.try_get_value() == turn {
                let (x, y) = ((x + 14.0).min(width - 240.0) as i32, y as i32 + scroller.scroll_top() + 16);
                self.hint.try_set(found.map(|job| Pointed { job, x, y }));
            }
        });
    }

    fn open(self, job: JobKey) {
        let Some(place) = self.place.try_get_untracked() else { return };
        self.go.try_with_value(|go| go(paths::run_at(self.id, &place.of_job(Some(job))), false));
    }

    fn sum_up(self) {
        let Some((from, to)) = self.brush.try_get_untracked().flatten() else { return };
        let (from, to) = (from.min(to) as i64, from.max(to) as i64);
        let (id, arrangement) = (self.id, self.arrangement.get_value());
        spawn_local(async move {
            if let Ok(sums) = read_sums(id, arrangement, from.into(), to.into()).await {
                self.sums.try_set(Some((from, to, sums)));
            }
        });
    }

    pub fn unbrush(self) {
        self.brush.set(None);
        self.sums.set(None);
    }

    pub fn zoom_to_brush(self) {
        if let Some((from, to)) = self.brush.get_untracked() {
            self.unbrush();
            self.look_at((from.min(to), from.max(to)));
        }
    }
}
