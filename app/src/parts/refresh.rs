//! Lists outside the live stream: read again while they are visible and may have changed.

use crate::live::Watch;
use leptos::{prelude::*, task::spawn_local};
use std::time::Duration;

/// Shortest time between two reads of a list.
const AGAIN: Duration = Duration::from_secs(2);

/// The part of a run's state that decides whether its lists are worth reading again.
#[derive(Clone, Copy)]
pub struct Refresh {
    /// Incremented with every change of the run's jobs.
    pub changed: RwSignal<u32>,
    /// Whether the run is running.
    pub active: Signal<bool>,
    /// Follows the open file.
    pub watch: Watch,
}

impl Refresh {
    /// Sets `held` to the result of `read` whenever the two differ; a `None` inside the result changes nothing.
    ///
    /// Reads once after hydration, then while the run is running or its jobs change. One read at a time, and none while hidden.
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
                    return; // The viewer has moved on to something else.
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
