//! The content of a page, made once: Leptos walks what stands in a `Transition` a second time
//! to look for further resources, and would make every row of it again.

use leptos::prelude::*;

/// `content` as it is, but not made before the page is written. For views that read no resource.
#[cfg(feature = "ssr")]
pub fn once(content: impl FnOnce() -> AnyView + Send + 'static) -> AnyView {
    leptos::suspense::Unsuspend::new(content).into_any()
}

/// `content` as it is: a browser walks it once.
#[cfg(not(feature = "ssr"))]
pub fn once(content: impl FnOnce() -> AnyView + Send + 'static) -> AnyView {
    content()
}
