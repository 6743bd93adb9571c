//! Content that is shown only while a condition holds. One type for all uses; Leptos' own creates a type for each.

use leptos::prelude::*;

/// Shows its children while `when` holds; they are created anew each time it becomes true.
#[component]
pub fn If(when: Signal<bool>, children: ChildrenFn) -> impl IntoView {
    let holds = Memo::new(move |_| when.get());
    move || holds.get().then(|| children())
}
