//! What is shown only while something holds: one type for all uses, where Leptos' own is one each.

use leptos::prelude::*;

/// Its children while `when` holds; they are made anew each time it begins to.
#[component]
pub fn If(when: Signal<bool>, children: ChildrenFn) -> impl IntoView {
    let holds = Memo::new(move |_| when.get());
    move || holds.get().then(|| children())
}
