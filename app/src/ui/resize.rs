//! Follows the size of an element.

use leptos::{html, prelude::*};
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast as _, prelude::Closure};
use web_sys::ResizeObserver;

/// Calls `seen` when the element is first displayed and whenever its size changes, for as long as the caller's owner
/// lives. In the browser only.
pub fn on_resize(element: NodeRef<html::Div>, seen: impl Fn() + Copy + 'static) {
    Effect::new(move |_| {
        let Some(element) = element.get() else { return };
        let seen = Closure::<dyn Fn()>::new(seen);
        let Ok(observer) = ResizeObserver::new(seen.as_ref().unchecked_ref()) else { return };
        observer.observe(&element);
        let held = SendWrapper::new((observer, seen));
        on_cleanup(move || held.0.disconnect());
    });
}
