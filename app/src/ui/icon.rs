//! One icon from the sprite that every document contains.

use leptos::prelude::*;

/// A picture beside a word; never the only label of anything.
#[component]
pub fn Icon(
    /// The symbol's id, such as `i-search`.
    name: &'static str,
    /// 14 px instead of 16.
    #[prop(optional)]
    small: bool,
) -> impl IntoView {
    view! {
        <svg class=if small { "i i-14" } else { "i" } aria-hidden="true">
            <use href=format!("#{name}")></use>
        </svg>
    }
}
