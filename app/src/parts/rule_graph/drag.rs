//! Pans the picture of a rule graph with the mouse. Touch, wheel and keys need no help.

use super::element;
use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast as _;

/// Pans with the mouse; for touch the browser does it.
#[derive(Clone, Copy)]
pub(super) struct Drag {
    scroller: NodeRef<html::Div>,
    from: StoredValue<Option<(i32, i32)>>,
}

impl Drag {
    pub(super) fn new(scroller: NodeRef<html::Div>) -> Self {
        Self { scroller, from: StoredValue::new(None) }
    }

    pub(super) fn begin(self, event: &ev::PointerEvent) {
        // A box is a link, so panning starts only between boxes.
        let between = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
            .is_some_and(|target| target.closest("a").is_ok_and(|link| link.is_none()));
        if between && event.pointer_type() == "mouse" && event.button() == 0 {
            self.from.set_value(Some((event.client_x(), event.client_y())));
        }
    }

    pub(super) fn go(self, event: &ev::PointerEvent) {
        let (Some((x, y)), Some(div)) = (self.from.try_get_value().flatten(), element(self.scroller)) else { return };
        if event.buttons() & 1 == 0 {
            return self.end();
        }
        div.set_scroll_left(div.scroll_left() + x - event.client_x());
        div.set_scroll_top(div.scroll_top() + y - event.client_y());
        self.from.set_value(Some((event.client_x(), event.client_y())));
    }

    pub(super) fn end(self) {
        self.from.set_value(None);
    }
}
