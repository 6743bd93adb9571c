//! Times that keep counting: how long ago, how long it took. Rendered the same on both sides.

use crate::session::session;
use leptos::prelude::*;
use model::{Millis, text};

/// `4 min ago`, with the exact time in the title; the word `absent` if there is no time yet.
#[component]
pub fn Ago(#[prop(into)] at: Signal<Option<Millis>>, #[prop(default = "queued")] absent: &'static str) -> impl IntoView {
    let now = session().now;
    let words = Memo::new(move |_| at.get().map_or_else(|| absent.to_owned(), |at| text::ago(at, now.get())));
    // The viewer's zone is known only in the browser; until then the title is in UTC.
    let awake = RwSignal::new(false);
    Effect::new(move |_| awake.set(true));
    let title = move || at.get().map(|at| if awake.get() { local(at) } else { text::utc(at) });
    view! { <time datetime=move || at.get().map(text::iso) title=title>{words}</time> }
}

/// How long something took, or has taken so far.
#[component]
pub fn Took(#[prop(into)] started: Signal<Option<Millis>>, #[prop(into)] ended: Signal<Option<Millis>>) -> impl IntoView {
    let now = session().clock();
    let words = Memo::new(move |_| match (started.get(), ended.get()) {
        (None, _) => "–".to_owned(),
        (Some(start), Some(end)) => text::duration(end - start),
        (Some(start), None) => text::duration((now.get() - start).max(0) / 1000 * 1000),
    });
    view! { <span class="num">{words}</span> }
}

/// A time to the millisecond in the viewer's zone: `2026-11-21 08:51:12.345`. In the browser only.
pub fn local_precise(at: Millis) -> String {
    let date = js_sys::Date::new(&wasm_bindgen::JsValue::from_f64(at as f64));
    text::precise(at - (date.get_timezone_offset() * 60_000.0) as Millis)
}

/// A time in the viewer's language and zone.
pub fn local(at: Millis) -> String {
    let date = js_sys::Date::new(&wasm_bindgen::JsValue::from_f64(at as f64));
    date.to_string().as_string().unwrap_or_else(|| text::utc(at))
}
