//! What stands in place of content: the reason why there is none, or a bar while it loads.

use leptos::prelude::*;

/// Why a view has no content.
#[component]
pub fn Empty(#[prop(into)] says: String) -> impl IntoView {
    view! { <div class="empty" role="status"><p>{says}</p></div> }
}

/// A bar while something is loading.
#[component]
pub fn Bone() -> impl IntoView {
    view! { <div class="bone" style="block-size:20px;margin:16px 24px" aria-busy="true"></div> }
}
