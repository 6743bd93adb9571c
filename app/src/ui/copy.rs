//! Buttons that copy a text to the clipboard.

use super::Icon;
use leptos::{ev, prelude::*};
use std::time::Duration;
use wasm_bindgen::JsCast as _;

/// How long a button says that it has copied.
const SAID: Duration = Duration::from_millis(1500);

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
    button("btn small", Some(label), "Copy", Box::new(move |_| Some(text.clone())))
}

/// A button that copies the URL of this page in its current state.
#[component]
pub fn CopyLink() -> impl IntoView {
    button("btn ghost small", None, "Copy link", Box::new(|_| window().location().href().ok()))
}

/// A button that copies the text of the section around it.
#[component]
pub fn CopySection(says: &'static str) -> impl IntoView {
    let text = |event: &ev::MouseEvent| {
        let button = event.current_target()?.dyn_into::<web_sys::Element>().ok()?;
        button.closest("section").ok()??.query_selector("pre").ok()??.text_content()
    };
    button("btn ghost small", None, says, Box::new(text))
}

type Text = Box<dyn Fn(&ev::MouseEvent) -> Option<String> + Send>;

/// Copies `text`, and says so for a moment.
fn button(class: &'static str, label: Option<String>, says: &'static str, text: Text) -> impl IntoView {
    let done = RwSignal::new(false);
    let copy = move |event: ev::MouseEvent| {
        let Some(text) = text(&event) else { return };
        copy_text(&text);
        done.set(true);
        set_timeout(
            move || {
                done.try_set(false);
            },
            SAID,
        );
    };
    view! {
        <button class=class type="button" aria-label=label on:click=copy>
            <Icon name="i-copy" small=true/>
            {move || if done.get() { "Copied" } else { says }}
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
