//! Short messages, some with an undo. They disappear by themselves.

use crate::ui::Icon;
use leptos::prelude::*;
use std::{sync::Arc, time::Duration};

/// How long a toast stays: as long as an undo is offered.
const STAY: Duration = Duration::from_secs(10);
/// Most toasts at a time; more would only hide one another.
const MOST: usize = 4;

/// One message.
#[derive(Clone)]
struct Toast {
    id: u64,
    text: String,
    undo: Option<Arc<dyn Fn() + Send + Sync>>,
}

/// The current messages. One list for the whole application.
#[derive(Clone, Copy)]
pub struct ToastList {
    list: RwSignal<Vec<Toast>>,
    next: StoredValue<u64>,
}

impl ToastList {
    pub fn provide() {
        provide_context(Self { list: RwSignal::new(Vec::new()), next: StoredValue::new(0) });
    }

    pub fn get() -> Self {
        expect_context()
    }

    /// Shows a message.
    pub fn say(self, text: impl Into<String>) {
        self.push(text.into(), None);
    }

    /// Shows a message with an undo.
    pub fn offer(self, text: impl Into<String>, undo: impl Fn() + Send + Sync + 'static) {
        self.push(text.into(), Some(Arc::new(undo)));
    }

    fn push(self, text: String, undo: Option<Arc<dyn Fn() + Send + Sync>>) {
        let id = self.next.try_update_value(|next| {
            *next += 1;
            *next
        });
        let id = id.unwrap_or_default();
        self.list.update(|list| {
            make_room(list);
            list.push(Toast { id, text, undo });
        });
        set_timeout(move || self.drop(id), STAY);
    }

    fn drop(self, id: u64) {
        self.list.try_update(|list| list.retain(|toast| toast.id != id));
    }
}

/// Removes one message to make room: the oldest, but one with an undo only if all have one.
fn make_room(list: &mut Vec<Toast>) {
    if list.len() == MOST {
        list.remove(list.iter().position(|toast| toast.undo.is_none()).unwrap_or(0));
    }
}

/// Where toasts appear.
#[component]
pub fn Toasts() -> impl IntoView {
    let toasts = ToastList::get();
    view! {
        <div class="toasts" role="status" aria-live="polite">
            <For each=move || toasts.list.get() key=|toast| toast.id let:toast>
                {
                    let id = toast.id;
                    let undo = toast.undo.clone();
                    let timed = undo.is_some();
                    view! {
                        <div class="toast">
                            <span>{toast.text.clone()}</span>
                            {undo
                                .map(|undo| {
                                    view! {
                                        <button class="btn small" type="button" on:click=move |_| { undo(); toasts.drop(id); }>
                                            <Icon name="i-undo" small=true/>
                                            "Undo"
                                        </button>
                                    }
                                })}
                            <button class="btn ghost small icon" type="button" aria-label="Dismiss" on:click=move |_| toasts.drop(id)>
                                <Icon name="i-x" small=true/>
                            </button>
                            {timed.then(|| view! { <span class="left" aria-hidden="true"></span> })}
                        </div>
                    }
                }
            </For>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_back_gives_way_only_to_another_one() {
        let toast =
            |id: u64, undo: bool| Toast { id, text: String::new(), undo: undo.then(|| Arc::new(|| ()) as Arc<dyn Fn() + Send + Sync>) };
        for (held, kept) in [
            ([true, false, true, false], vec![0, 2, 3]),
            ([true, true, true, true], vec![1, 2, 3]),
            ([false, false, true, true], vec![1, 2, 3]),
        ] {
            let mut list: Vec<Toast> = held.into_iter().zip(0..).map(|(undo, id)| toast(id, undo)).collect();
            make_room(&mut list);
            assert_eq!(list.iter().map(|toast| toast.id).collect::<Vec<_>>(), kept, "{held:?}");
        }
    }
}
