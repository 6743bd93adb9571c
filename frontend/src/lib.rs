//! The WASM entry: a readable panic, then the pages wake up. Nothing else lives here.
#![forbid(unsafe_code)]

use any_spawner::Executor;
use leptos::{mount::hydrate_from_async, tachys::dom::document, task::spawn_local};
use wasm_bindgen::{JsCast as _, prelude::wasm_bindgen};

/// Called by the page's script. `<html data-awake>` says that all of the page is awake, `<html data-left>` that
/// another page takes its place and it is better left asleep.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    let html = document().document_element();
    if html.as_ref().is_some_and(|html| html.has_attribute("data-left")) {
        return;
    }
    _ = Executor::init_wasm_bindgen(); // An error says that there is one already.
    spawn_local(async move {
        let Some(body) = document().body() else { return };
        hydrate_from_async(body.unchecked_into(), app::App).await.forget();
        if let Some(html) = html {
            _ = html.set_attribute("data-awake", ""); // Fails for ill names only.
        }
    });
}
