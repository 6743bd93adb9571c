//! Fetches and paints the timeline's data.

use super::{
    super::paint::{EDGE, HEAD, SIDE, Scene},
    Board,
};
use crate::api::timeline::read_timeline;
use leptos::{prelude::*, task::spawn_local};
use std::sync::Arc;
use view::timeline::Ask;

impl Board {
    /// Fetches the part in view unless it is cached at this resolution.
    pub(super) fn need(self) {
        let (Some((scroller, width, height)), Some((from, to))) = (self.sight(), self.span.try_get_untracked()) else { return };
        let pixels = width - f64::from(SIDE) - EDGE;
        let held = self.held.try_with_untracked(|held| {
            let scale = (held.to - held.from) as f64 / (f64::from(held.quarters) / 4.0) / ((to - from) / pixels);
            let end = self.present(held).unwrap_or(held.end as f64);
            held.from as f64 <= from.max(0.0) && held.to as f64 >= to.min(end) && (0.4..1.3).contains(&scale)
        });
        let (top, bottom) = self.reach.try_get_value().unwrap_or((0, 0));
        let seen = scroller.scroll_top().max(0) as u32;
        let total = self.stack_now().map_or(0, |stack| stack.height());
        let high = top <= seen && bottom >= (seen + height as u32 - HEAD.min(height as u32)).min(total);
        if held != Some(true) || !high {
            self.ask();
        }
    }

    /// Fetches the part in view and as much on each side of it.
    pub(super) fn ask(self) {
        let (Some((scroller, width, height)), Some((from, to))) = (self.sight(), self.span.try_get_untracked()) else { return };
        let Some(asking) = self.asking.try_get_value() else { return };
        if asking {
            self.again.try_set_value(true);
            return;
        }
        self.asking.try_set_value(true);
        let (seen, high) = (scroller.scroll_top().max(0) as u32, height as u32);
        let (top, bottom) = (seen.saturating_sub(high), seen + 2 * high);
        let long = to - from;
        let pixels = width - f64::from(SIDE) - EDGE;
        // Includes the surroundings, but not beyond the run's ends.
        let end = self.all().1;
        let (first, last) = ((from - long).max(from.min(0.0)), (to + long).min(to.max(end)));
        let ask = Ask {
            arrangement: self.arrangement.get_value(),
            span: Some(((first.floor() as i64).into(), (last.ceil() as i64).into())),
            pixels: (pixels * (last - first) / long).ceil() as u32,
            top,
            bottom,
            turned: self.turned.get_untracked(),
        };
        let id = self.id;
        spawn_local(async move {
            let found = read_timeline(id, ask).await;
            self.asking.try_set_value(false);
            if let Ok(Some(found)) = found {
                self.reach.try_set_value((top, bottom));
                self.held.try_set(Arc::new(found));
                if self.whole.try_get_value() == Some(true) {
                    self.show_all();
                }
                self.paint();
            }
            if self.again.try_update_value(|again| std::mem::replace(again, false)) == Some(true) {
                self.ask();
            }
        });
    }

    /// Paints in the next frame, once.
    pub(super) fn paint(self) {
        self.easel.soon(move || self.paint_now());
    }

    fn paint_now(self) {
        let (Some((scroller, width, height)), Some(held)) = (self.sight(), self.held.try_get_untracked()) else { return };
        let (Some(span), Some(stack)) = (self.span.try_get_untracked(), self.stack_now()) else { return };
        let Some((pen, inks)) = self.easel.pen(&scroller, width, height) else { return };
        let offset = -(js_sys::Date::new(&(held.origin as f64).into()).get_timezone_offset() * 60_000.0) as i64;
        let critical = self.critical.try_get_untracked().unwrap_or_default();
        let scene = Scene {
            view: &held,
            stack: &stack,
            span,
            width,
            height,
            scrolled: scroller.scroll_top().max(0) as u32,
            now: self.present(&held),
            offset,
            brush: self.brush.try_get_untracked().flatten(),
            critical: &critical.links,
            inks: &inks,
        };
        scene.paint(&pen);
    }
}
