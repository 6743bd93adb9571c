//! The rows of a table: only those near the view exist, and more are loaded near the end.

use super::sequences::SequencesView;
use crate::{
    api::results::read_preview,
    paths::{self, RunPlace},
    ui::{Icon, Windowed},
};
use leptos::{prelude::*, task::spawn_local};
use model::{
    RunId,
    file::FileRef,
    preview::{Column, Ends, Shown, Table},
    text,
};
use std::sync::Arc;
use view::table::{compare, lines_before, rows_of, rows_read};

/// Height of a row, in pixels, and rows rendered beyond each edge of the view.
const ROW: u32 = 26;
const BEYOND: usize = 30;
/// Most rows in memory; for more, the viewer downloads the file.
const HELD: usize = 20_000;

#[component]
pub fn TableView(id: RunId, file: FileRef, table: Table, label: String) -> impl IntoView {
    let Table { about, more_about, columns, rows, more_columns, next, ends, total, sequences } = table;
    let is_part = next.is_some() || ends == Ends::More || total.is_some_and(|total| total > rows.len() as u64);
    let figures = is_part.then(|| format!("The figures under the names cover only the first {}.", rows_of(rows.len())));
    let raw = paths::raw(id, &file);
    let rows: RwSignal<Vec<Arc<Vec<String>>>> = RwSignal::new(rows.into_iter().map(Arc::new).collect());
    let next = RwSignal::new(next);
    let ends = RwSignal::new(ends);
    let sequences = RwSignal::new(sequences);
    let failed = RwSignal::new(false);
    let sort = RwSignal::new(None::<(usize, bool)>);
    let numeric: Arc<[bool]> = columns.iter().map(|column| column.kind.is_number()).collect();
    let count = Memo::new(move |_| rows.with(Vec::len));
    let busy = StoredValue::new(false);
    let of = file.clone();
    let more = Callback::new(move |()| {
        let Some(at) = next.get_untracked() else { return };
        if busy.try_get_value() != Some(false) || count.get_untracked() >= HELD {
            return;
        }
        busy.set_value(true);
        // With the same parameters as for the first rows.
        let search = window().location().search().unwrap_or_default();
        let encoding = RunPlace::of(search.trim_start_matches('?')).encoding.and_then(|encoding| encoding.parse().ok());
        let file = file.clone();
        spawn_local(async move {
            let found = read_preview(id, file, at, encoding).await;
            if busy.try_set_value(false).is_some() {
                return; // The viewer has moved on to something else.
            }
            let Ok(Ok((_, Shown::Table(found)))) = found else { return failed.set(true) };
            failed.set(false);
            next.set(found.next.filter(|_| !found.rows.is_empty()));
            ends.set(found.ends);
            rows.update(|rows| rows.extend(found.rows.into_iter().map(Arc::new)));
            if found.sequences.is_some() {
                sequences.set(found.sequences);
            }
        });
    });
    // Row numbers in the order they are shown.
    let order = {
        let numeric = Arc::clone(&numeric);
        Memo::new(move |_| {
            let mut order: Vec<usize> = (0..count.get()).collect();
            if let Some((column, down)) = sort.get() {
                let number = numeric.get(column).is_some_and(|number| *number);
                rows.with(|rows| {
                    order.sort_by(|a, b| {
                        let by = compare(cell(rows, *a, column), cell(rows, *b, column), number);
                        if down { by.reverse() } else { by }
                    });
                });
            }
            order
        })
    };
    let windowed = Windowed::lean(count.into(), ROW, BEYOND, more);
    let shown = move || windowed.of(&order);
    let row = move |at: usize| {
        let cells = rows.with_untracked(|rows| rows.get(at).cloned().unwrap_or_default());
        let numeric = Arc::clone(&numeric);
        let cells = cells.iter().cloned().enumerate().map(move |(column, cell)| {
            let end = numeric.get(column).is_some_and(|numeric| *numeric);
            view! { <td class=if end { "end" } else { "" }>{cell}</td> }
        });
        view! { <tr><th scope="row">{at + 1}</th>{cells.collect_view()}</tr> }
    };
    let heads = columns.into_iter().enumerate().map(|(at, column)| view! { <Head at column sort/> }).collect_view();
    let says = move || rows_read(count.get(), total, next.get().is_some() || ends.get() == Ends::More, more_columns);
    let note = move || match (next.get(), count.get() >= HELD) {
        (Some(_), true) => Some("Download the file for the rest."),
        (Some(_), false) => None,
        (None, _) => ends.get().says(),
    };
    // Rows that are not loaded yet would sort in between these.
    let among = move || {
        let is_part = next.get().is_some() || ends.get() == Ends::More;
        (is_part && sort.get().is_some()).then(|| format!("Only the {} read so far are sorted.", rows_of(count.get())))
    };
    let again = move || {
        failed.get().then(|| {
            view! {
                <span role="status">"The next rows could not be read."</span>
                <button class="btn small" type="button" on:click=move |_| more.run(())>"Retry"</button>
            }
        })
    };
    let behind = {
        let label = label.replacen("Content of", "Sequences of", 1);
        move || {
            sequences.get().map(|found| {
                view! {
                    <div class="tool"><span class="dim">"Sequences follow the rows."</span></div>
                    <SequencesView id file=of.clone() found label=label.clone()/>
                }
            })
        }
    };
    view! {
        <div class="tool">
            <span class="dim num">{says}</span>
            <span class="dim">{note}</span>
            <span class="dim" role="status">{among}</span>
            <span class="dim">{figures}</span>
            {again}
        </div>
        <About about more=more_about raw/>
        <div class="scroller" tabindex="0" role="region" aria-label=label node_ref=windowed.scroller on:scroll=move |_| windowed.measure()>
            <table class="data">
                <thead>
                    <tr>
                        <th scope="col"><span class="sr">"Row"</span></th>
                        {heads}
                    </tr>
                </thead>
                <tbody>
                    {move || windowed.space(true)}
                    <For each=shown key=|at| *at children=row/>
                    {move || windowed.space(false)}
                </tbody>
            </table>
        </div>
        {behind}
    }
}

/// What the file says before its rows.
#[component]
fn About(about: Option<String>, more: u64, raw: String) -> impl IntoView {
    let shown = about.as_deref().map_or(0, |about| about.lines().count() as u64);
    if shown + more == 0 {
        return ().into_any();
    }
    let rest = (more > 0).then(|| {
        let lines = if more == 1 { "1 more line".to_owned() } else { format!("{} more lines", text::count(more as i64)) };
        view! { <p class="dim edge">{lines}" follow. "<a class="link" href=format!("{raw}&save=1") download="">"Download the file"</a>" for all of them."</p> }
    });
    view! { <details class="about"><summary>{lines_before(shown, more)}</summary>{about.map(|about| view! { <pre>{about}</pre> })}{rest}</details> }
        .into_any()
}

/// A column's name, type and summary. Its button sorts the loaded rows.
#[component]
fn Head(at: usize, column: Column, sort: RwSignal<Option<(usize, bool)>>) -> impl IntoView {
    let Column { name, kind, missing, distinct, range, shape } = column;
    let turn = move |_| {
        sort.update(|sort| {
            *sort = match *sort {
                Some((column, false)) if column == at => Some((at, true)),
                Some((column, true)) if column == at => None,
                _ => Some((at, false)),
            };
        });
    };
    let sorted = move || match sort.get() {
        Some((column, down)) if column == at => Some(if down { "descending" } else { "ascending" }),
        _ => None,
    };
    let bars = shape.into_iter().enumerate().map(|(step, high)| {
        let high = f64::from(high) * 0.24;
        view! { <rect x=step * 5 y=format!("{:.1}", 24.0 - high) width="4.2" height=format!("{high:.1}")></rect> }
    });
    let bars: Vec<_> = bars.collect();
    let picture = (!bars.is_empty()).then(|| view! { <svg viewBox="0 0 90 24" preserveAspectRatio="none" aria-hidden="true">{bars}</svg> });
    let says = match range {
        Some((least, most)) if least != most => view! { <span>{least}</span><span>{most}</span> }.into_any(),
        Some((least, _)) => view! { <span>{format!("all {least}")}</span> }.into_any(),
        None if distinct == 0 => ().into_any(),
        None => view! { <span>{if distinct == 1 { "1 value".to_owned() } else { format!("{} values", text::count(i64::from(distinct))) }}</span> }.into_any(),
    };
    view! {
        <th scope="col" aria-sort=sorted>
            <button class="nm" type="button" on:click=turn>{name}<Icon name="i-sort" small=true/></button>
            <span class="ty">{kind.label()}</span>
            {picture}
            <span class="rng">{says}</span>
            {(missing > 0).then(|| view! { <span class="ty">{format!("{missing} missing")}</span> })}
        </th>
    }
}

fn cell(rows: &[Arc<Vec<String>>], row: usize, column: usize) -> &str {
    rows.get(row).and_then(|row| row.get(column)).map_or("", String::as_str)
}
