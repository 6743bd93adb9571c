//! The WASM entry point: sets up readable panics, then hydrates the page. Nothing else is in this crate.
#![forbid(unsafe_code)]

use any_spawner::Executor;
use leptos::{mount::hydrate_from_async, tachys::dom::document, task::spawn_local};
use wasm_bindgen::{JsCast as _, prelude::wasm_bindgen};

/// Called by the page's script. `<html data-awake>` means that the whole page is hydrated. `<html data-left>` means
/// that another page is about to replace this one, so hydrating it would be wrong.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    let html = document().document_element();
    if html.as_ref().is_some_and(|html| html.has_attribute("data-left")) {
        return;
    }
    _ = Executor::init_wasm_bindgen(); // An error means that there is one already.
    spawn_local(async move {
        let Some(body) = document().body() else { return };
        hydrate_from_async(body.unchecked_into(), app::App).await.forget();
        if let Some(html) = html {
            _ = html.set_attribute("data-awake", ""); // Fails only for invalid names.
        }
    });
}
