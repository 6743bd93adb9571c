//! The rows of a job table while it follows the stream: one signal each.

use crate::paths::RunPlace;
use leptos::prelude::*;
use model::{
    JobKey, JobStatus,
    job::JobRow,
    live::{Frame, replaces},
    page::{Cursor, Page},
};
use std::collections::{BTreeSet, HashMap};

/// Most rows in the table; the link below it leads to further ones.
const MOST: usize = 20_000;
/// Jobs queued while a window is loading; when there are more, the window is read once more.
const RECENT: usize = 2_000;
/// Rows read again in one request.
const SOME: usize = 300;
/// Wildcards with their own columns.
const COLUMNS: usize = 6;

/// The part of the list that is shown.
struct Window {
    order: ArcRwSignal<Vec<JobKey>>,
    rows: HashMap<JobKey, ArcRwSignal<JobRow>>,
    rule: Option<String>,
    statuses: Vec<JobStatus>,
    /// Whether new jobs belong at its top.
    is_newest: bool,
    /// Where the list continues.
    next: ArcRwSignal<Option<Cursor>>,
    /// Incremented when more changed than the stream sends.
    version: ArcRwSignal<u32>,
    /// The version at which a row was last read; 0 if missing.
    read_with: HashMap<JobKey, u32>,
}

/// The rows of a job table. Windows are replaced; changes that stream in meanwhile are not lost.
#[derive(Clone, Copy)]
pub struct LiveJobs {
    window: StoredValue<Window>,
    recent: StoredValue<Recent>,
}

/// What arrived while a window is loading.
#[derive(Clone, Default)]
enum Recent {
    /// No window is loading.
    #[default]
    Idle,
    Held(Vec<Frame>),
    TooMuch,
}

impl LiveJobs {
    pub fn new() -> Self {
        let window = Window {
            order: ArcRwSignal::new(Vec::new()),
            rows: HashMap::new(),
            rule: None,
            statuses: Vec::new(),
            is_newest: true,
            next: ArcRwSignal::new(None),
            version: ArcRwSignal::new(0),
            read_with: HashMap::new(),
        };
        Self { window: StoredValue::new(window), recent: StoredValue::new(Recent::Idle) }
    }

    /// A window is being read; it contains everything that arrived before.
    pub fn awaited(self) {
        self.recent.set_value(Recent::Held(Vec::new()));
    }

    /// Replaces the window, and applies what arrived while the new one was loading. Tables of the old window get no
    /// further changes. `false` if so much arrived that the window must be read again.
    pub fn show(self, page: Page<JobRow>, place: &RunPlace) -> bool {
        let Page { items, next } = page;
        self.window.set_value(Window {
            next: ArcRwSignal::new(next),
            order: ArcRwSignal::new(items.iter().map(|job| job.id).collect()),
            rows: items.into_iter().map(|job| (job.id, ArcRwSignal::new(job))).collect(),
            rule: place.rule.clone(),
            statuses: place.status.as_deref().unwrap_or("").split(',').filter_map(|word| word.parse().ok()).collect(),
            is_newest: place.after.is_none() && place.sort.is_none() && place.find.is_none(),
            version: ArcRwSignal::new(0),
            read_with: HashMap::new(),
        });
        let recent = self.recent.with_value(Clone::clone);
        self.recent.set_value(Recent::Idle);
        match recent {
            Recent::Idle => true,
            Recent::Held(frames) => {
                for frame in &frames {
                    self.take(frame);
                }
                true
            }
            Recent::TooMuch => false,
        }
    }

    /// Appends the rows that follow.
    pub(super) fn extend(self, page: Page<JobRow>) {
        let order = self.order();
        let fresh: Vec<JobRow> =
            self.window.with_value(|window| page.items.into_iter().filter(|job| !window.rows.contains_key(&job.id)).collect());
        let ids: Vec<JobKey> = fresh.iter().map(|job| job.id).collect();
        self.window.update_value(|window| window.rows.extend(fresh.into_iter().map(|job| (job.id, ArcRwSignal::new(job)))));
        order.update(|order| order.extend(ids));
        self.next().set(page.next);
    }

    /// Whether there are so many rows that no further ones are loaded automatically.
    pub(super) fn is_full(self) -> bool {
        self.order().with_untracked(|order| order.len() >= MOST)
    }

    pub(super) fn next(self) -> ArcRwSignal<Option<Cursor>> {
        self.window.with_value(|window| window.next.clone())
    }

    pub(super) fn order(self) -> ArcRwSignal<Vec<JobKey>> {
        self.window.with_value(|window| window.order.clone())
    }

    pub(super) fn row(self, id: JobKey) -> Option<ArcRwSignal<JobRow>> {
        self.window.with_value(|window| window.rows.get(&id).cloned())
    }

    /// Applies a frame, now and again once a loading window, which may be older, has arrived.
    pub fn apply(self, frame: &Frame) {
        self.take(frame);
        self.recent.update_value(|recent| {
            let Recent::Held(frames) = recent else { return };
            let held: usize = frames.iter().map(|frame| frame.jobs.len() + frame.gone_jobs.len()).sum();
            if held + frame.jobs.len() + frame.gone_jobs.len() > RECENT {
                *recent = Recent::TooMuch;
            } else {
                frames.push(Frame { jobs: frame.jobs.clone(), gone_jobs: frame.gone_jobs.clone(), ..Frame::default() });
            }
        });
    }

    /// More changed than the stream sends: the visible rows must be read again.
    pub fn lost_track(self) {
        self.recent.update_value(|recent| {
            if matches!(recent, Recent::Held(_)) {
                *recent = Recent::TooMuch;
            }
        });
        self.version().update(|version| *version = version.wrapping_add(1));
    }

    pub(super) fn version(self) -> ArcRwSignal<u32> {
        self.window.with_value(|window| window.version.clone())
    }

    /// Those of the given rows that were read before `version`.
    pub(super) fn behind(self, ids: &[JobKey], version: u32) -> Vec<JobKey> {
        self.window.with_value(|window| {
            let old = |id: &&JobKey| window.read_with.get(id).copied().unwrap_or(0) != version;
            ids.iter().filter(old).copied().take(SOME).collect()
        })
    }

    /// Applies the newest jobs and some that were requested by key, both read at `version`.
    pub(super) fn caught_up(self, newest: Option<Page<JobRow>>, rows: Vec<JobRow>, gone: Vec<JobKey>, version: u32) {
        let mut ids: Vec<JobKey> = rows.iter().map(|row| row.id).collect();
        self.take(&Frame { jobs: rows, gone_jobs: gone, ..Frame::default() });
        if let Some(page) = newest.filter(|_| self.window.with_value(|window| window.is_newest)) {
            ids.extend(page.items.iter().map(|row| row.id));
            let overlaps = self.window.with_value(|window| page.items.iter().any(|row| window.rows.contains_key(&row.id)));
            if overlaps || page.next.is_none() {
                self.take(&Frame { jobs: page.items, ..Frame::default() });
            } else {
                // So many jobs are new that there is a gap before the known ones: the list starts over.
                let (order, next) = (self.order(), self.next());
                self.window.update_value(|window| {
                    window.rows = page.items.into_iter().map(|job| (job.id, ArcRwSignal::new(job))).collect();
                    window.read_with.clear();
                });
                order.set(ids.iter().copied().filter(|id| self.row(*id).is_some()).collect());
                next.set(page.next);
            }
        }
        self.window.update_value(|window| window.read_with.extend(ids.into_iter().map(|id| (id, version))));
    }

    /// Updates rows in place, and inserts new jobs at the top of the first page.
    fn take(self, frame: &Frame) {
        for job in &frame.jobs {
            match self.row(job.id) {
                Some(row) => {
                    if replaces(Some(row.with_untracked(|row| row.revision)), job.revision) {
                        row.set(job.clone());
                    }
                    if job.superseded {
                        self.remove(job.id);
                    }
                }
                None => self.meet(job),
            }
        }
        for id in &frame.gone_jobs {
            self.remove(*id);
        }
    }

    /// Whether any row in the table satisfies `is`.
    pub(super) fn any(self, is: impl Fn(&JobRow) -> bool) -> bool {
        self.window.with_value(|window| window.rows.values().any(|row| row.with_untracked(&is)))
    }

    /// Names of the wildcards of the current rows, in order: those with their own columns, and the others.
    pub(super) fn wildcards(self) -> (Vec<String>, Vec<String>) {
        let mut names = BTreeSet::new();
        self.window.with_value(|window| {
            for row in window.rows.values() {
                row.with_untracked(|job| names.extend(job.wildcards.keys().cloned()));
            }
        });
        let mut names: Vec<String> = names.into_iter().collect();
        let others = names.split_off(names.len().min(COLUMNS));
        (names, others)
    }

    fn meet(self, job: &JobRow) {
        let order = self.order();
        let fits = self.window.with_value(|window| {
            let rule = window.rule.as_ref().is_none_or(|rule| job.rule.as_deref().unwrap_or("") == rule);
            let status = window.statuses.is_empty() || window.statuses.contains(&job.status);
            window.is_newest && rule && status
        });
        // Jobs older than the last one shown belong to the next page.
        let goes_on = self.next().with_untracked(Option::is_some);
        let is_older = order.with_untracked(|order| goes_on && order.last().is_some_and(|last| *last > job.id));
        if job.superseded || !fits || is_older {
            return;
        }
        self.window.update_value(|window| {
            window.rows.insert(job.id, ArcRwSignal::new(job.clone()));
        });
        // If the table is full, the oldest row makes room; the link below leads to it.
        let mut gone = None;
        order.update(|order| {
            let at = order.partition_point(|held| *held > job.id);
            order.insert(at, job.id);
            gone = if order.len() > MOST { order.pop() } else { None };
        });
        if let Some(gone) = gone {
            self.window.update_value(|window| drop(window.rows.remove(&gone)));
            let last = order.with_untracked(|order| order.last().copied());
            self.next().set(last.map(|last| Cursor { value: None, id: last.to_string() }));
        }
    }

    fn remove(self, id: JobKey) {
        if self.window.try_update_value(|window| window.rows.remove(&id)).flatten().is_some() {
            self.order().update(|order| order.retain(|held| *held != id));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn job(id: i64) -> JobRow {
        JobRow {
            id: JobKey(id),
            job_id: Some(id),
            attempt: 1,
            superseded: false,
            rule: Some("map".into()),
            status: JobStatus::Running,
            wildcards: BTreeMap::new(),
            threads: None,
            reason: None,
            message: None,
            queued_at: None,
            mem_mb: None,
            host: None,
            started_at: None,
            ended_at: None,
            revision: 1,
        }
    }

    fn cursor(id: i64) -> Cursor {
        Cursor { value: None, id: id.to_string() }
    }

    #[test]
    fn a_list_that_holds_no_more_rows_leads_on_to_the_others() {
        Owner::new().with(|| {
            let (live, newest) = (LiveJobs::new(), 50_000);
            let page = |from: i64| Page { items: (0..1_000).map(|n| job(from - n)).collect(), next: Some(cursor(from - 999)) };
            live.show(page(newest), &RunPlace::default());

            let mut from = newest;
            while !live.is_full() {
                from -= 1_000;
                live.extend(page(from));
            }
            let (order, oldest) = (live.order(), from - 999);
            assert_eq!((order.with_untracked(Vec::len), live.next().get_untracked()), (MOST, Some(cursor(oldest))));

            live.apply(&Frame { jobs: vec![job(newest + 1)], ..Frame::default() });
            assert_eq!(order.with_untracked(|order| (order.len(), order[0])), (MOST, JobKey(newest + 1)), "the newest is shown");
            assert_eq!(live.next().get_untracked(), Some(cursor(oldest + 1)), "and the oldest is behind the link");
            assert!(live.row(JobKey(oldest)).is_none());
        });
    }

    #[test]
    fn wildcards_without_a_column_of_their_own_are_named() {
        Owner::new().with(|| {
            let live = LiveJobs::new();
            let wildcards: BTreeMap<String, String> = ('a'..='h').map(|name| (name.to_string(), name.to_uppercase().to_string())).collect();
            live.show(Page { items: vec![JobRow { wildcards, ..job(1) }], next: None }, &RunPlace::default());

            assert_eq!(
                live.wildcards(),
                (['a', 'b', 'c', 'd', 'e', 'f'].map(String::from).to_vec(), ['g', 'h'].map(String::from).to_vec())
            );
        });
    }
}
