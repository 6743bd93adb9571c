//! A line of text with a button that copies it.

use super::Icon;
use leptos::prelude::*;

/// A command or URL on one line.
#[component]
pub fn CopyLine(#[prop(into)] text: String, #[prop(into)] label: String) -> impl IntoView {
    let shown = text.clone();
    view! {
        <div class="copyline">
            <code tabindex="0">{shown}</code>
            <CopyButton text label/>
        </div>
    }
}

/// A button that copies text shown elsewhere.
#[component]
pub fn CopyButton(#[prop(into)] text: String, #[prop(into)] label: String) -> impl IntoView {
    let done = RwSignal::new(false);
    let copy = move |_| {
        copy_text(&text);
        done.set(true);
        set_timeout(move || done.set(false), std::time::Duration::from_millis(1500));
    };
    view! {
        <button class="btn small" type="button" aria-label=label on:click=copy>
            <Icon name="i-copy" small=true/>
            {move || if done.get() { "Copied" } else { "Copy" }}
        </button>
    }
}

/// A button that copies the URL of this page in its current state.
#[component]
pub fn CopyLink() -> impl IntoView {
    let done = RwSignal::new(false);
    let copy = move |_| {
        copy_text(&window().location().href().unwrap_or_default());
        done.set(true);
        set_timeout(move || done.set(false), std::time::Duration::from_millis(1500));
    };
    view! {
        <button class="btn ghost small" type="button" on:click=copy>
            <Icon name="i-copy" small=true/>
            {move || if done.get() { "Copied" } else { "Copy link" }}
        </button>
    }
}

/// Copies `text` to the clipboard. Does nothing where the browser provides none: over plain HTTP from another machine.
pub fn copy_text(text: &str) {
    let clipboard = js_sys::Reflect::get(&window().navigator(), &"clipboard".into());
    if clipboard.is_ok_and(|clipboard| !clipboard.is_undefined()) {
        let _ = window().navigator().clipboard().write_text(text);
    }
}
