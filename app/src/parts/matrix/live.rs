//! The cells of a matrix while it follows the stream: one signal each.

use leptos::prelude::*;
use model::{job::JobRow, live::Frame};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use view::matrix::{Cell, MatrixRow, MatrixView};

/// Rows read again in one request.
const AGAIN: usize = 120;
/// Jobs queued while rows are loading.
const RECENT: usize = 2_000;

type CellSignal = ArcRwSignal<Option<Cell>>;

/// A row of the matrix.
#[derive(Clone)]
pub(super) struct Row {
    /// Keyed by rule; a cell is created when it is first used.
    cells: Arc<Mutex<HashMap<String, CellSignal>>>,
    /// Total milliseconds of the row's jobs that have ended.
    pub(super) ms: ArcRwSignal<i64>,
    /// The version of the matrix at which the row was read.
    read_with: u32,
}

impl Row {
    pub(super) fn cell(&self, rule: &str) -> CellSignal {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cell) = cells.get(rule) {
            return cell.clone();
        }
        let cell = CellSignal::default();
        cells.insert(rule.to_owned(), cell.clone());
        cell
    }

    /// Shows the values read; equal ones are not touched.
    fn put(&self, columns: &[String], read: MatrixRow) {
        for (rule, cell) in columns.iter().zip(read.cells) {
            let shown = self.cell(rule);
            if shown.get_untracked() != cell {
                shown.set(cell);
            }
        }
        if self.ms.get_untracked() != read.ms {
            self.ms.set(read.ms);
        }
    }

    /// Updates the cell of a job from the frame alone; `false` if that is not possible.
    fn take(&self, job: &JobRow, rule: &str) -> bool {
        let ms = job.ended_at.map_or(0, |ended| job.duration(ended).unwrap_or(0));
        let next = Cell { job: job.id, status: job.status, jobs: 1, ms };
        let cell = self.cell(rule);
        let before = match cell.get_untracked() {
            // A superseded attempt; the cell already shows its successor.
            Some(held) if job.superseded && held.job != job.id => return true,
            _ if job.superseded => return false,
            None => 0,
            Some(held) if held.jobs == 1 && held.job == job.id => held.ms,
            Some(_) => return false,
        };
        if cell.get_untracked() != Some(next) {
            cell.set(Some(next));
        }
        if ms != before {
            self.ms.update(|all| *all += ms - before);
        }
        true
    }
}

/// The loaded part of a matrix.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) by: String,
    pub(super) columns: ArcRwSignal<Vec<String>>,
    pub(super) order: ArcRwSignal<Vec<String>>,
    /// Number of rules without a column.
    pub(super) more_columns: u32,
    /// Number of rows in total.
    pub(super) total: ArcRwSignal<u32>,
    /// Rows before the first loaded one; they are on a page of their own.
    first: u32,
    pub(super) longest: ArcRwSignal<i64>,
    rows: HashMap<String, Row>,
    /// Incremented when a frame contained something that the cells could not show.
    pub(super) version: ArcRwSignal<u32>,
    /// Values of streamed jobs that have no row yet.
    met: Vec<String>,
    /// Jobs that arrived while rows are loading.
    recent: Option<Vec<JobRow>>,
    /// Where loading continues, and whether it has started over, because rows may have moved meanwhile.
    read_to: u32,
    again: bool,
}

/// The displayed matrix; follows frames.
#[derive(Clone, Copy)]
pub struct LiveMatrix(StoredValue<Option<Held>>);

impl LiveMatrix {
    pub fn new() -> Self {
        Self(StoredValue::new(None))
    }

    /// Shows what was read, beginning at row `first`.
    pub(super) fn show(self, found: MatrixView, first: u32) -> Held {
        let MatrixView { by, columns, more_columns, total, rows, longest, .. } = found;
        let held = Held {
            by,
            columns: ArcRwSignal::new(columns),
            order: ArcRwSignal::default(),
            more_columns,
            total: ArcRwSignal::new(total),
            first,
            longest: ArcRwSignal::new(longest),
            rows: HashMap::new(),
            version: ArcRwSignal::new(0),
            met: Vec::new(),
            recent: None,
            read_to: first.saturating_add(rows.len() as u32),
            again: false,
        };
        self.0.set_value(Some(held.clone()));
        self.put(rows, 0);
        held
    }

    /// Shows rows: known ones in place, new ones at the end.
    fn put(self, rows: Vec<MatrixRow>, version: u32) {
        let Some(Some(held)) = self.0.try_get_value() else { return };
        let columns = held.columns.get_untracked();
        let mut added = Vec::new();
        for read in rows {
            let value = read.value.clone();
            let row = self.0.try_update_value(|held| {
                let rows = &mut held.as_mut()?.rows;
                if !rows.contains_key(&value) {
                    added.push(value.clone());
                }
                let row =
                    rows.entry(value).or_insert_with(|| Row { cells: Arc::default(), ms: ArcRwSignal::default(), read_with: version });
                row.read_with = version;
                Some(row.clone())
            });
            if let Some(Some(row)) = row {
                row.put(&columns, read);
            }
        }
        if !added.is_empty() {
            held.order.update(|order| order.extend(added));
        }
    }

    /// Where loading continues.
    pub(super) fn read_to(self) -> u32 {
        self.0.try_with_value(|held| held.as_ref().map_or(u32::MAX, |held| held.read_to)).unwrap_or(u32::MAX)
    }

    pub(super) fn row(self, value: &str) -> Option<Row> {
        self.0.with_value(|held| held.as_ref()?.rows.get(value).cloned())
    }

    /// Applies a frame. Changes that the cells cannot show increment the version.
    pub fn apply(self, frame: &Frame) {
        let Some(Some(held)) =
            self.0.try_with_value(|held| held.as_ref().map(|held| (held.by.clone(), held.columns.clone(), held.version.clone())))
        else {
            return;
        };
        let (by, columns, version) = held;
        let columns = columns.get_untracked();
        let mut all = !frame.jobs_stale && frame.gone_jobs.is_empty();
        for job in &frame.jobs {
            let (Some(value), Some(rule)) = (job.wildcards.get(&by), &job.rule) else { continue };
            if let Some(row) = self.row(value) {
                all &= columns.contains(rule) && row.take(job, rule);
                continue;
            }
            all = false;
            self.0.update_value(|held| {
                if let Some(held) = held.as_mut().filter(|held| held.met.len() < AGAIN && !held.met.contains(value)) {
                    held.met.push(value.clone());
                }
            });
        }
        self.0.update_value(|held| {
            if let Some(recent) = held.as_mut().and_then(|held| held.recent.as_mut()) {
                recent.extend(frame.jobs.iter().take(RECENT + 1 - recent.len().min(RECENT)).cloned());
            }
        });
        if !all {
            version.update(|version| *version = version.wrapping_add(1));
        }
    }

    /// Those of `values` whose rows were read before `version`, and the values without a row.
    pub(super) fn behind(self, values: &[String], version: u32) -> Vec<String> {
        self.0.with_value(|held| {
            let Some(held) = held else { return Vec::new() };
            let old = values.iter().filter(|value| held.rows.get(*value).is_some_and(|row| row.read_with != version));
            let mut all: Vec<String> = old.chain(&held.met).cloned().collect();
            all.truncate(AGAIN);
            all
        })
    }

    /// Rows are being read; jobs that arrive from now on may be newer.
    pub(super) fn awaited(self) {
        self.0.update_value(|held| {
            if let Some(held) = held {
                held.recent = Some(Vec::new());
            }
        });
    }

    /// Applies rows that were read again, or further ones.
    pub(super) fn read(self, found: MatrixView, version: u32, further: bool) {
        let Some(Some(held)) = self.0.try_get_value() else { return };
        let last = found.rows.len() as u32;
        if held.columns.with_untracked(|columns| *columns != found.columns) {
            held.columns.set(found.columns);
        }
        if held.total.get_untracked() != found.total {
            held.total.set(found.total);
        }
        if held.longest.get_untracked() != found.longest {
            held.longest.set(found.longest);
        }
        self.put(found.rows, version);
        let shown = held.order.with_untracked(Vec::len) as u32;
        let recent = self.0.try_update_value(|held| {
            let held = held.as_mut()?;
            let rows = &held.rows;
            held.met.retain(|value| !rows.contains_key(value));
            if further {
                held.read_to += last;
                if (last == 0 || held.read_to >= found.total) && shown < found.total.saturating_sub(held.first) && !held.again {
                    (held.read_to, held.again) = (held.first, true);
                }
            }
            held.recent.take()
        });
        let recent = recent.flatten().unwrap_or_default();
        if recent.len() > RECENT {
            held.version.update(|version| *version = version.wrapping_add(1));
        } else if !recent.is_empty() {
            self.apply(&Frame { jobs: recent, ..Frame::default() });
        }
    }
}
