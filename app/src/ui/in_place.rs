//! Navigation that neither reloads the page nor scrolls it. Forms do the same: without script the browser submits them.

use leptos::ev;
use leptos_router::{NavigateOptions, hooks::use_navigate};
use wasm_bindgen::JsCast as _;
use web_sys::{HtmlFormElement, HtmlInputElement};

/// Navigates to a URL; the page keeps its scroll position.
pub fn navigate_in_place() -> impl Fn(&str) + Clone + 'static {
    let navigate = use_navigate();
    move |path: &str| navigate(path, NavigateOptions { scroll: false, ..NavigateOptions::default() })
}

/// The submit handler of a GET form: navigates to the URL made of its fields, leaving out empty ones.
pub fn submit_in_place() -> impl Fn(ev::SubmitEvent) + Clone + 'static {
    let go = navigate_in_place();
    move |event: ev::SubmitEvent| {
        let Some(form) = event.target().and_then(|target| target.dyn_into::<HtmlFormElement>().ok()) else { return };
        event.prevent_default();
        let mut path = form.get_attribute("action").unwrap_or_default();
        let fields = form.elements();
        let fields = (0..fields.length()).filter_map(|at| fields.item(at)?.dyn_into::<HtmlInputElement>().ok());
        let pairs: Vec<(String, String)> =
            fields.map(|field| (field.name(), field.value())).filter(|(name, value)| !name.is_empty() && !value.is_empty()).collect();
        crate::query::append(&mut path, pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        go(&path);
    }
}
