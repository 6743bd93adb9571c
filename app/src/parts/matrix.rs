//! Samples against rules: a cell for each job, which follows the stream. Further rows come as the
//! reader nears the end.

use crate::{
    api::matrix::{Cell, MatrixAsk, MatrixRow, MatrixView, read_matrix},
    paths::{self, RunPlace},
    ui::{StatusMark, Windowed},
};
use leptos::{prelude::*, task::spawn_local};
use model::{JobStatus, RunId, job::JobRow, live::Frame, text};
use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

/// Height of a row, in pixels, and rows kept beyond the view.
const ROW: u32 = 28;
const BEYOND: usize = 8;

type CellSignal = ArcRwSignal<Option<Cell>>;

/// A row on the page.
#[derive(Clone)]
struct Row {
    cells: Arc<[CellSignal]>,
    ms: i64,
}

/// The cells of a matrix, by value and rule.
#[derive(Clone)]
struct Held {
    by: String,
    columns: HashMap<String, usize>,
    order: ArcRwSignal<Vec<String>>,
    rows: HashMap<String, Row>,
}

/// What is shown of a matrix; follows frames.
#[derive(Clone, Copy)]
pub struct LiveMatrix(StoredValue<Option<Held>>);

impl LiveMatrix {
    pub fn new() -> Self {
        Self(StoredValue::new(None))
    }

    fn show(self, by: String, columns: &[String], rows: Vec<MatrixRow>) {
        let columns = columns.iter().enumerate().map(|(at, name)| (name.clone(), at)).collect();
        let order = ArcRwSignal::new(Vec::new());
        self.0.set_value(Some(Held { by, columns, order, rows: HashMap::new() }));
        self.extend(rows);
    }

    fn extend(self, rows: Vec<MatrixRow>) {
        let mut added = Vec::new();
        let order = self.0.try_update_value(|held| {
            let held = held.as_mut()?;
            for row in rows {
                if let Entry::Vacant(place) = held.rows.entry(row.value) {
                    added.push(place.key().clone());
                    place.insert(Row { cells: row.cells.into_iter().map(ArcRwSignal::new).collect(), ms: row.ms });
                }
            }
            Some(held.order.clone())
        });
        if let Some(order) = order.flatten() {
            order.update(|order| order.extend(added));
        }
    }

    fn order(self) -> ArcRwSignal<Vec<String>> {
        self.0.with_value(|held| held.as_ref().map(|held| held.order.clone())).unwrap_or_default()
    }

    fn row(self, value: &str) -> Option<Row> {
        self.0.with_value(|held| held.as_ref()?.rows.get(value).cloned())
    }

    /// Takes a frame in. `false` if it says more than the cells that are shown can take.
    pub fn apply(self, frame: &Frame) -> bool {
        let held = self.0.with_value(|held| held.as_ref().map(|held| (held.by.clone(), held.columns.clone())));
        let Some((by, columns)) = held else { return true };
        let mut all = !frame.jobs_stale && frame.gone_jobs.is_empty();
        for job in &frame.jobs {
            let (Some(value), Some(column)) = (job.wildcards.get(&by), job.rule.as_ref().map(|rule| columns.get(rule))) else { continue };
            let cell = column.and_then(|column| self.row(value)?.cells.get(*column).cloned());
            all &= cell.is_some_and(|cell| take(&cell, job));
        }
        all
    }
}

/// Whether a cell can say what became of a job, and now does.
fn take(cell: &CellSignal, job: &JobRow) -> bool {
    match cell.get_untracked() {
        Some(held) if held.jobs == 1 && held.job == job.id => {
            let ms = job.ended_at.map_or(0, |ended| job.duration(ended).unwrap_or(0));
            let next = Some(Cell { job: job.id, status: job.status, jobs: 1, ms });
            if cell.get_untracked() != next {
                cell.set(next);
            }
            true
        }
        _ => false,
    }
}

/// The matrix with its head and its key.
#[component]
pub fn Matrix(id: RunId, found: Option<MatrixView>, place: Memo<RunPlace>, live: LiveMatrix) -> impl IntoView {
    let Some(MatrixView { wildcards, by, columns, total, rows, longest, .. }) = found else {
        return view! {
            <div class="empty" role="status"><p>"No job of this run has wildcards, so there are no samples to list."</p></div>
        }
        .into_any();
    };
    live.show(by.clone(), &columns, rows);
    let order = live.order();
    let asking = StoredValue::new(false);
    let more = {
        let order = order.clone();
        Callback::new(move |()| {
            let from = order.with_untracked(Vec::len) as u32;
            if from >= total || asking.try_get_value() != Some(false) {
                return;
            }
            let Some(at) = place.try_get_untracked() else { return };
            asking.try_set_value(true);
            let order = order.clone();
            spawn_local(async move {
                let found = read_matrix(id, MatrixAsk { from, ..MatrixAsk::of(&at) }).await;
                asking.try_set_value(false);
                if let (Ok(Some(found)), true) =
                    (found, order.with_untracked(Vec::len) as u32 == from && place.try_get_untracked().is_some())
                {
                    live.extend(found.rows);
                }
            });
        })
    };
    let count = {
        let order = order.clone();
        Signal::derive(move || order.with(Vec::len))
    };
    let windowed = Windowed::lean(count, ROW, BEYOND, more);
    let shown = move || {
        let (first, last) = windowed.range();
        order.with(|order| order.get(first..last.min(order.len())).unwrap_or_default().to_vec())
    };
    let heads = columns.iter().map(|name| {
        let (rule, name) = (name.clone(), name.clone());
        let here = {
            let rule = rule.clone();
            Memo::new(move |_| place.with(|place| place.rule.as_ref() == Some(&rule)))
        };
        let href = move || paths::run_at(id, &place.get().of_rule((!here.get()).then_some(rule.as_str())));
        view! {
            <th role="columnheader" scope="col" aria-current=move || here.get().then_some("true")>
                <a href=href title=name.clone()><i>{name.clone()}</i></a>
            </th>
        }
    });
    let heads = heads.collect_view();
    let columns: Arc<[String]> = columns.into();
    let key = JobStatus::ALL.iter().map(|status| {
        view! { <span class="st" data-status=status.as_str()><StatusMark word=status.as_str()/>{status.label()}</span> }
    });
    let heading = by.clone();
    view! {
        <Sorts id place by wildcards/>
        <div class="scroller" tabindex="0" role="region" aria-label="Matrix" node_ref=windowed.scroller on:scroll=move |_| windowed.measure()>
            <table class="matrix" role="table">
                <caption class="sr">{format!("Jobs of {total} values of {heading} by rule")}</caption>
                <thead role="rowgroup">
                    <tr role="row">
                        <th role="columnheader" scope="col">{heading}</th>
                        {heads}
                        <th role="columnheader" scope="col" class="took">"Time in jobs"</th>
                    </tr>
                </thead>
                <tbody role="rowgroup">
                    {move || windowed.space(true)}
                    <For each=shown key=String::clone let:value>
                        {live.row(&value).map(|row| view! { <Line id value row columns=Arc::clone(&columns) longest place/> })}
                    </For>
                    {move || windowed.space(false)}
                </tbody>
            </table>
        </div>
        <div class="tool foot"><div class="legend-row">{key.collect_view()}</div></div>
    }
    .into_any()
}

/// What makes the rows, and their order.
#[component]
fn Sorts(id: RunId, place: Memo<RunPlace>, by: String, wildcards: Vec<String>) -> impl IntoView {
    let several = wildcards.len() > 1;
    let rows = wildcards.into_iter().take(6).map(|name| {
        let here = (name == by).then_some("true");
        let label = name.clone();
        let href = move || paths::run_at(id, &RunPlace { by: Some(name.clone()), after: None, ..place.get() });
        view! { <a href=href aria-current=here>{label}</a> }
    });
    let sort = move |word: Option<&'static str>, label: &'static str| {
        let here = move || (place.with(|place| place.sort.as_deref() == word)).then_some("true");
        let href = move || paths::run_at(id, &RunPlace { sort: word.map(str::to_owned), ..place.get() });
        view! { <a href=href aria-current=here>{label}</a> }
    };
    view! {
        <div class="tool">
            {several.then(|| view! { <span>"Rows"</span><div class="seg" role="group" aria-label="Rows by">{rows.collect_view()}</div> })}
            <span>"Order"</span>
            <div class="seg" role="group" aria-label="Order of rows">
                {sort(None, "Failed first")}
                {sort(Some("name"), "Name")}
                {sort(Some("time"), "Time")}
            </div>
        </div>
    }
}

#[component]
fn Line(id: RunId, value: String, row: Row, columns: Arc<[String]>, longest: i64, place: Memo<RunPlace>) -> impl IntoView {
    let cells = row.cells.iter().cloned().enumerate().map(|(column, cell)| {
        let (columns, value) = (Arc::clone(&columns), value.clone());
        let says = {
            let (columns, value, cell) = (Arc::clone(&columns), value.clone(), cell.clone());
            move || cell.get().map(|cell| words(&value, &columns[column], cell))
        };
        let status = {
            let cell = cell.clone();
            Memo::new(move |_| cell.get().map(|cell| cell.status.as_str()))
        };
        let here = {
            let cell = cell.clone();
            move || {
                cell.get()
                    .is_some_and(|cell| place.with(|place| place.job.as_deref() == Some(cell.job.to_string().as_str())))
                    .then_some("true")
            }
        };
        let href = move || {
            let cell = cell.get()?;
            let at = place.get();
            // Several jobs are shown as a list.
            let next = if cell.jobs > 1 {
                RunPlace { find: Some(value.clone()), ..at.of_tab(None).of_rule(Some(&columns[column])) }
            } else {
                at.of_job(Some(cell.job))
            };
            Some(paths::run_at(id, &next))
        };
        if status.get_untracked().is_none() {
            return view! { <td role="cell" class="none"></td> }.into_any();
        }
        view! {
            <td role="cell">
                <a href=href data-status=status aria-label=says.clone() title=says aria-current=here>
                    <svg class="st-i" aria-hidden="true"><use href=move || status.get().map(|word| format!("#st-{word}"))></use></svg>
                </a>
            </td>
        }
        .into_any()
    });
    let cells = cells.collect_view();
    let share = row.ms * 100 / longest.max(1);
    view! {
        <tr role="row">
            <th role="rowheader" scope="row" title=value.clone()>{value.clone()}</th>
            {cells}
            <td role="cell" class="took"><div><i style=format!("--n:{share}")></i><span class="num">{text::duration(row.ms)}</span></div></td>
        </tr>
    }
}

fn words(value: &str, rule: &str, cell: Cell) -> String {
    let took = if cell.ms > 0 { format!(", {}", text::duration(cell.ms)) } else { String::new() };
    let jobs = if cell.jobs > 1 { format!(", {} jobs", cell.jobs) } else { String::new() };
    format!("{value}, {rule}: {}{took}{jobs}", cell.status.label())
}
