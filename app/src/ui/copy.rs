//! A line to be copied, with the button that does it.

use super::Icon;
use leptos::prelude::*;

/// A command or address in one line.
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

/// A button that copies text that stands elsewhere.
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

/// A button that copies the address of this page as it is shown.
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

/// Puts `text` on the clipboard; without one (plain HTTP from elsewhere) nothing happens.
pub fn copy_text(text: &str) {
    let clipboard = js_sys::Reflect::get(&window().navigator(), &"clipboard".into());
    if clipboard.is_ok_and(|clipboard| !clipboard.is_undefined()) {
        let _ = window().navigator().clipboard().write_text(text);
    }
}
