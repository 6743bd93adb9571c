//! Lists that are no part of the live stream: read again while somebody looks and something may be new in them.

use crate::live::Watch;
use leptos::{prelude::*, task::spawn_local};
use std::time::Duration;

/// A list is read again at most so often.
const AGAIN: Duration = Duration::from_secs(2);

/// What of the run decides whether lists are worth reading again.
#[derive(Clone, Copy)]
pub struct Pulse {
    /// Grows with every change of the run's jobs.
    pub changed: RwSignal<u32>,
    /// The run goes on.
    pub active: Signal<bool>,
    /// By which the open file is followed.
    pub watch: Watch,
}

impl Pulse {
    /// Puts what `read` gives into `held` whenever it differs; `None` of it changes nothing.
    ///
    /// Reads once after waking, then while the run goes on or its jobs change, one at a time, never unseen.
    pub fn keep_fresh<T, F>(self, held: RwSignal<T>, read: impl Fn() -> F + Clone + 'static)
    where
        T: PartialEq + Send + Sync + 'static,
        F: Future<Output = Option<T>> + 'static,
    {
        let seen = StoredValue::new(None);
        let busy = StoredValue::new(false);
        let look = move || {
            let changed = self.changed.get_untracked();
            let news = seen.get_value() != Some(changed) || self.active.get_untracked();
            if document().hidden() || busy.get_value() || !news {
                return;
            }
            seen.set_value(Some(changed));
            busy.set_value(true);
            let reading = read();
            spawn_local(async move {
                let new = reading.await;
                if busy.try_set_value(false).is_some() {
                    return; // The reader went on to something else.
                }
                if let Some(new) = new
                    && held.with_untracked(|held| *held != new)
                {
                    held.set(new);
                }
            });
        };
        Effect::new(move |_| {
            if let Ok(timer) = set_interval_with_handle(look.clone(), AGAIN) {
                on_cleanup(move || timer.clear());
            }
        });
    }
}
