//! A small picture of a large graph: shows the part in view and lets the viewer move it.

use chart::graph::Layout;
use leptos::{ev, html, prelude::*};
use std::{fmt::Write as _, sync::Arc};
use wasm_bindgen::JsCast as _;

/// Length of the longer side, in pixels.
const SIDE: f32 = 104.0;

/// The whole graph in a corner. `looked` is incremented whenever the viewer moves or zooms.
#[component]
pub fn Minimap(layout: Arc<Layout>, scroller: NodeRef<html::Div>, looked: RwSignal<u32>) -> impl IntoView {
    let mut boxes = String::new();
    for held in &layout.boxes {
        let _ = write!(boxes, "M{:.0} {:.0}h{:.0}v{:.0}h-{:.0}z", held.x, held.y, held.w, held.h, held.w);
    }
    let (width, height) = (layout.width, layout.height);
    let scale = SIDE / width.max(height);
    let seen = Memo::new(move |_| {
        looked.track();
        let div = scroller.try_get_untracked().flatten()?;
        let shown = div.query_selector("svg").ok()??.get_bounding_client_rect();
        let frame = div.get_bounding_client_rect();
        let scale = f64::from(width) / shown.width().max(1.0);
        let (x, y) = ((frame.left() - shown.left()) * scale, (frame.top() - shown.top()) * scale);
        Some([x, y, f64::from(div.client_width()) * scale, f64::from(div.client_height()) * scale].map(f64::round))
    });
    let part = move |at: usize| move || seen.get().map(|seen| seen[at].to_string());
    let go = move |event: ev::PointerEvent| {
        if event.buttons() & 1 == 0 {
            return;
        }
        let map = event.current_target().and_then(|map| map.dyn_into::<web_sys::Element>().ok());
        let (Some(map), Some(div)) = (map, scroller.try_get_untracked().flatten()) else { return };
        let Ok(Some(picture)) = div.query_selector("svg") else { return };
        let (map, shown) = (map.get_bounding_client_rect(), picture.get_bounding_client_rect());
        let share = |at: i32, from: f64, long: f64| (f64::from(at) - from) / long.max(1.0);
        let (x, y) = (share(event.client_x(), map.left(), map.width()), share(event.client_y(), map.top(), map.height()));
        div.set_scroll_left((x * shown.width()) as i32 - div.client_width() / 2);
        div.set_scroll_top((y * shown.height()) as i32 - div.client_height() / 2);
    };
    view! {
        <svg
            class="minimap"
            viewBox=format!("0 0 {width} {height}")
            style=format!("inline-size:{}px;block-size:{}px", width * scale, height * scale)
            aria-hidden="true"
            on:pointerdown=go
            on:pointermove=go
        >
            <path d=boxes></path>
            <rect x=part(0) y=part(1) width=part(2) height=part(3)></rect>
        </svg>
    }
}
