//! The content of a page, rendered once: Leptos walks the content of a `Transition` a second time to look for further
//! resources, and would create every row again.

use leptos::prelude::*;

/// Returns `content`, but creates it only when the page is written. For views that read no resource.
#[cfg(feature = "ssr")]
pub fn rendered_once(content: impl FnOnce() -> AnyView + Send + 'static) -> AnyView {
    leptos::suspense::Unsuspend::new(content).into_any()
}

/// Returns `content`: a browser walks it only once.
#[cfg(not(feature = "ssr"))]
pub fn rendered_once(content: impl FnOnce() -> AnyView + Send + 'static) -> AnyView {
    content()
}
