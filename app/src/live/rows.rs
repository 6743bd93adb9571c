//! A list of runs that follows the stream: one signal per row, one for the order.
//!
//! A changed run sets only its row's signal. A new run is inserted into the order, or waits behind "3 new runs" unless
//! the viewer is at the top.

use leptos::prelude::*;
use model::{
    Millis, RunId,
    filter::RunFilter,
    live::{Frame, RunChange, replaces},
    page::RunSort,
    run::RunSummary,
};
use std::collections::{HashMap, HashSet};

/// The rows of a runs table.
#[derive(Clone, Copy)]
pub struct LiveRuns {
    pub order: RwSignal<Vec<RunId>>,
    rows: StoredValue<HashMap<RunId, ArcRwSignal<RunSummary>>>,
    /// New runs that are not shown yet.
    pub waiting: RwSignal<HashSet<RunId>>,
    /// Whether the viewer is at the top of the list.
    pub at_top: RwSignal<bool>,
    filter: StoredValue<RunFilter>,
    sort: RunSort,
    /// Whether the list begins with the newest run, and is not a later page.
    from_start: bool,
    /// Whether there are further pages to load.
    more: StoredValue<bool>,
}

impl LiveRuns {
    pub fn new(items: Vec<RunSummary>, filter: RunFilter, sort: RunSort, from_start: bool, more: bool) -> Self {
        let order = items.iter().map(|run| run.id).collect();
        let rows = items.into_iter().map(|run| (run.id, ArcRwSignal::new(run))).collect();
        Self {
            order: RwSignal::new(order),
            rows: StoredValue::new(rows),
            waiting: RwSignal::new(HashSet::new()),
            at_top: RwSignal::new(true),
            filter: StoredValue::new(filter),
            sort,
            from_start,
            more: StoredValue::new(more),
        }
    }

    /// The signal of one row.
    pub fn row(self, id: RunId) -> Option<ArcRwSignal<RunSummary>> {
        self.rows.with_value(|rows| rows.get(&id).cloned())
    }

    /// Appends the next window of the list; rows that exist already stay.
    pub fn append(self, items: Vec<RunSummary>, more: bool) {
        self.more.set_value(more);
        let mut fresh = Vec::new();
        self.rows.update_value(|rows| {
            for run in items {
                if let std::collections::hash_map::Entry::Vacant(entry) = rows.entry(run.id) {
                    fresh.push(run.id);
                    entry.insert(ArcRwSignal::new(run));
                }
            }
        });
        if !fresh.is_empty() {
            self.order.update(|order| order.extend(fresh));
        }
    }

    /// Applies a frame; `true` if it contains a run that this list does not know.
    pub fn apply(self, frame: Frame, now: Millis) -> bool {
        let mut news = false;
        for change in frame.runs {
            match change {
                RunChange::Gone(id) => self.remove(id),
                RunChange::Now(run) => match self.row(run.id) {
                    Some(row) => {
                        if replaces(Some(row.with_untracked(|row| row.revision)), run.revision) {
                            row.set(*run);
                        }
                    }
                    None => news |= self.meet(*run, now),
                },
            }
        }
        news
    }

    /// Handles a run that is not in this list: inserts it at its position, keeps it waiting, or ignores it.
    fn meet(self, run: RunSummary, now: Millis) -> bool {
        let id = run.id;
        let verdict = self.filter.with_value(|filter| filter.matches(&run, None, now));
        if verdict == Some(false) {
            self.waiting.update(|waiting| {
                waiting.remove(&id);
            });
            return false;
        }
        if !self.from_start {
            return false;
        }
        if self.sort != RunSort::default() || verdict.is_none() {
            self.waiting.update(|waiting| {
                waiting.insert(id);
            });
            return true;
        }
        let place = self.place(&run);
        // An older run belongs on a page that is not loaded yet.
        if place == self.order.with_untracked(Vec::len) && self.more.get_value() {
            return false;
        }
        if self.at_top.get_untracked() && self.waiting.with_untracked(HashSet::is_empty) {
            self.rows.update_value(|rows| {
                rows.insert(id, ArcRwSignal::new(run));
            });
            self.order.update(|order| order.insert(place, id));
        } else {
            self.waiting.update(|waiting| {
                waiting.insert(id);
            });
        }
        true
    }

    /// The position of a run in the newest-first order.
    fn place(self, run: &RunSummary) -> usize {
        let key = (run.sort_at, run.id);
        let newer = |held: &RunId| self.row(*held).is_some_and(|row| row.with_untracked(|row| (row.sort_at, row.id)) > key);
        self.order.with_untracked(|order| order.partition_point(newer))
    }

    fn remove(self, id: RunId) {
        let known = self.rows.try_update_value(|rows| rows.remove(&id)).flatten().is_some();
        if known {
            self.order.update(|order| order.retain(|held| *held != id));
        }
        if self.waiting.with_untracked(|waiting| waiting.contains(&id)) {
            self.waiting.update(|waiting| {
                waiting.remove(&id);
            });
        }
    }

    /// Removes rows at once, before the server confirms.
    pub fn forget(self, ids: &[RunId]) {
        for id in ids {
            self.remove(*id);
        }
    }
}
