//! Samples against rules: a cell for each job, which follows the stream. More rows are loaded as the viewer nears the
//! end. When the stream cannot determine a cell, the visible rows are read again.

mod live;

pub use live::LiveMatrix;

use crate::{
    api::matrix::read_matrix,
    paths::{self, RunPlace},
    ui::{Empty, Icon, StatusLabel, Windowed},
};
use leptos::{prelude::*, task::spawn_local};
use live::{Held, Row};
use model::{JobStatus, RunId, text};
use std::time::Duration;
use view::matrix::{MatrixAsk, MatrixView};

/// Height of a row, in pixels, and rows rendered beyond the view.
const ROW: u32 = 28;
const BEYOND: usize = 8;
/// Shortest time between two reads of visible rows.
const CROWDED: Duration = Duration::from_millis(1500);
/// Wildcards offered side by side.
const WILDCARDS: usize = 6;

/// The matrix with its head and its legend.
#[component]
pub fn Matrix(id: RunId, found: Option<MatrixView>, place: Memo<RunPlace>, live: LiveMatrix) -> impl IntoView {
    let Some(found) = found else {
        return view! { <Empty says="No job of this run has wildcards, so there are no samples to list."/> }.into_any();
    };
    let wildcards = (found.wildcards.clone(), found.more_wildcards);
    let first = place.with_untracked(RunPlace::first_row);
    let Held { by, columns, more_columns, order, total, longest, version, .. } = live.show(found, first);
    let asking = StoredValue::new(false);
    let now = version.clone();
    let ask = move |asked: MatrixAsk, version: u32, further: bool| {
        if asking.try_get_value() != Some(false) {
            return;
        }
        asking.try_set_value(true);
        live.awaited();
        let now = now.clone();
        spawn_local(async move {
            let found = read_matrix(id, asked).await;
            // The viewer may be elsewhere by now.
            if asking.try_set_value(false).is_some() || place.try_get_untracked().is_none() {
                return;
            }
            if let Ok(Some(found)) = found {
                live.read(found, version, further);
            }
            now.notify(); // More may have changed in the meantime.
        });
    };
    let more = {
        let ask = ask.clone();
        let (total, order, version) = (total.clone(), order.clone(), version.clone());
        Callback::new(move |()| {
            let from = live.read_to();
            let all = first.saturating_add(order.with_untracked(Vec::len) as u32) >= total.get_untracked();
            let Some(at) = place.try_get_untracked().filter(|_| !all && from < total.get_untracked()) else { return };
            ask(MatrixAsk { from, ..at.matrix_ask() }, version.get_untracked(), true);
        })
    };
    let count = {
        let order = order.clone();
        Signal::derive(move || order.with(Vec::len))
    };
    let windowed = Windowed::lean(count, ROW, BEYOND, more);
    let pages = pages(id, place, first, order.clone(), total.clone());
    let shown = move || windowed.of(&order);
    again(live, version, shown.clone(), move |values, version| {
        if let Some(at) = place.try_get_untracked() {
            ask(MatrixAsk { values, ..at.matrix_ask() }, version, false);
        }
    });
    let heads = {
        let columns = columns.clone();
        move || columns.get()
    };
    let head = move |name: String| {
        let rule = name.clone();
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
    };
    let key = JobStatus::ALL.iter().map(|status| view! { <StatusLabel word=status.as_str() label=status.label()/> });
    let rest = (more_columns > 0).then(|| {
        let rules = if more_columns == 1 { "rule has" } else { "rules have" };
        let says = format!("{} more {rules} no column here; choose one", text::count(i64::from(more_columns)));
        view! { <a class="link" href=move || paths::run_at(id, &place.get().of_tab(Some("info")))>{says}</a> }
    });
    let heading = by.clone();
    let caption = {
        let heading = heading.clone();
        move || format!("Jobs of {} values of {heading} by rule", total.get())
    };
    view! {
        <Sorts id place by wildcards/>
        <div class="scroller" tabindex="0" role="region" aria-label="Matrix" node_ref=windowed.scroller on:scroll=move |_| windowed.measure()>
            <table class="matrix" role="table">
                <caption class="sr">{caption}</caption>
                <thead role="rowgroup">
                    <tr role="row">
                        <th role="columnheader" scope="col">{heading}</th>
                        <For each=heads key=String::clone children=head/>
                        <th role="columnheader" scope="col" class="took">"Time in jobs"</th>
                    </tr>
                </thead>
                <tbody role="rowgroup">
                    {move || windowed.space(true)}
                    <For each=shown key=String::clone let:value>
                        {live.row(&value).map(|row| view! { <Line id value row columns=columns.clone() longest=longest.clone() place/> })}
                    </For>
                    {move || windowed.space(false)}
                </tbody>
            </table>
        </div>
        <div class="tool foot">{pages}{rest}<div class="legend-row">{key.collect_view()}</div></div>
    }
    .into_any()
}

/// How many of all rows are loaded, and the link to the others. With script they are loaded automatically.
fn pages(id: RunId, place: Memo<RunPlace>, first: u32, order: ArcRwSignal<Vec<String>>, total: ArcRwSignal<u32>) -> impl IntoView {
    let at = move |after: u32| {
        let after = (after > 0).then(|| after.to_string());
        paths::run_at(id, &RunPlace { after, job: None, ..place.get() })
    };
    move || {
        let (here, total) = (order.with(Vec::len) as u32, total.get());
        let last = first.saturating_add(here);
        let count = |n: u32| text::count(i64::from(n));
        let says = match (first, here) {
            (0, _) => format!("{} of {} rows", count(here), count(total)),
            (_, 0) => format!("0 of {} rows", count(total)),
            _ => format!("{}–{} of {} rows", count(first + 1), count(last), count(total)),
        };
        let back = (first > 0).then(|| view! { <a class="btn small" href=at(0)>"First rows"</a> });
        let forth = (here > 0 && last < total)
            .then(|| view! { <a class="btn small" href=at(last)>"Further rows"<Icon name="i-right" small=true/></a> });
        (back.is_some() || forth.is_some()).then(|| view! { <span class="dim num">{says}</span>{back}{forth} })
    }
}

/// Reads outdated visible rows again, at most once per interval.
fn again(
    live: LiveMatrix,
    version: ArcRwSignal<u32>,
    shown: impl Fn() -> Vec<String> + Send + Sync + 'static,
    read: impl Fn(Vec<String>, u32) + Clone + Send + Sync + 'static,
) {
    let waiting = StoredValue::new(false);
    let shown = Memo::new(move |_| shown());
    Effect::new(move |_| {
        let behind = shown.with(|shown| !live.behind(shown, version.get()).is_empty());
        if !behind || waiting.try_update_value(|waiting| std::mem::replace(waiting, true)).unwrap_or(true) {
            return;
        }
        let (version, read) = (version.clone(), read.clone());
        set_timeout(
            move || {
                if waiting.try_set_value(false).is_some() {
                    return; // The matrix is gone.
                }
                let now = version.get_untracked();
                let values = shown.try_with_untracked(|shown| live.behind(shown, now)).unwrap_or_default();
                if !values.is_empty() {
                    read(values, now);
                }
            },
            CROWDED,
        );
    });
}

/// The choice of what makes the rows, and of their order.
#[component]
fn Sorts(id: RunId, place: Memo<RunPlace>, by: String, wildcards: (Vec<String>, u32)) -> impl IntoView {
    let (wildcards, unlisted) = wildcards;
    let several = wildcards.len() > 1;
    // The first wildcards and the current one side by side; the others in a menu labelled with their number.
    let (first, others): (Vec<_>, Vec<_>) = wildcards.into_iter().enumerate().partition(|(at, name)| *at < WILDCARDS || *name == by);
    let way = |(_, name): (usize, String), class: Option<&'static str>| {
        let here = (name == by).then_some("true");
        let label = name.clone();
        let href = move || paths::run_at(id, &RunPlace { by: Some(name.clone()), after: None, ..place.get() });
        view! { <a class=class href=href aria-current=here>{label}</a> }
    };
    let others = (!others.is_empty()).then(|| {
        let says = format!("{} more", text::count(others.len() as i64 + i64::from(unlisted)));
        let ways = others.into_iter().map(|one| way(one, Some("link"))).collect_view();
        let rest = (unlisted > 0).then(|| {
            let says = format!("{} not listed; add by=NAME to the URL", text::things(unlisted.into(), "wildcard"));
            view! { <p class="dim" role="note">{says}</p> }
        });
        view! { <details class="further"><summary>{says}</summary><div role="group" aria-label="More rows by">{ways}{rest}</div></details> }
    });
    let rows = first.into_iter().map(|one| way(one, None));
    let sort = move |word: Option<&'static str>, label: &'static str| {
        let here = move || (place.with(|place| place.sort.as_deref() == word)).then_some("true");
        let href = move || paths::run_at(id, &RunPlace { sort: word.map(str::to_owned), after: None, ..place.get() });
        view! { <a href=href aria-current=here>{label}</a> }
    };
    view! {
        <div class="tool">
            {several.then(|| view! { <span>"Rows"</span><div class="seg" role="group" aria-label="Rows by">{rows.collect_view()}</div>{others} })}
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
fn Line(
    id: RunId,
    value: String,
    row: Row,
    columns: ArcRwSignal<Vec<String>>,
    longest: ArcRwSignal<i64>,
    place: Memo<RunPlace>,
) -> impl IntoView {
    let ms = row.ms.clone();
    let share = {
        let ms = ms.clone();
        move || format!("--n:{}", ms.get() * 100 / longest.get().max(1))
    };
    let cell = {
        let value = value.clone();
        move |rule: String| {
            let (value, cell) = (value.clone(), row.cell(&rule));
            // One effect per cell, because there are thousands of cells.
            let mark = move || {
                let cell = cell.get()?;
                let at = place.get();
                let here = (at.job.as_deref() == Some(cell.job.to_string().as_str())).then_some("true");
                // Several jobs are shown as a list.
                let next = if cell.jobs > 1 {
                    RunPlace { find: Some(value.clone()), ..at.of_tab(None).of_rule(Some(&rule)) }
                } else {
                    at.of_job(Some(cell.job))
                };
                let says = cell.says(&value, &rule);
                Some(view! {
                    <a href=paths::run_at(id, &next) data-status=cell.status.as_str() aria-label=says.clone() title=says aria-current=here>
                        <svg class="st-i" aria-hidden="true"><use href=format!("#st-{}", cell.status.as_str())></use></svg>
                    </a>
                })
            };
            view! { <td role="cell">{mark}</td> }
        }
    };
    view! {
        <tr role="row">
            <th role="rowheader" scope="row" title=value.clone()>{value.clone()}</th>
            <For each=move || columns.get() key=String::clone children=cell/>
            <td role="cell" class="took"><div><i style=share></i><span class="num">{move || text::duration(ms.get())}</span></div></td>
        </tr>
    }
}
