//! Above the list: tiles that count and filter, and a strip of the last hours.

use crate::{paths, ui::StatusMark};
use leptos::prelude::*;
use model::{
    Millis, RunStatus,
    filter::RunFilter,
    page::{RunSort, Total},
    text,
};
use std::fmt::Write as _;
use view::runs::{Overview, STEP_MS, STEPS};

/// The states that have a tile.
const TILES: [RunStatus; 5] = [RunStatus::Running, RunStatus::Failed, RunStatus::Success, RunStatus::Waiting, RunStatus::Lost];
/// The strip's own units; drawn in tenths of them, because floats would cost kilobytes of WASM.
const WIDTH: i64 = 6400;
const BASE: i64 = 390;

/// The tiles and the strip.
#[component]
pub fn OverviewBar(overview: RwSignal<Overview>, filter: RunFilter, sort: RunSort) -> impl IntoView {
    let tiles = TILES.map(|status| {
        let href = paths::runs_toggle(&filter, sort, status);
        let chosen = (filter.only_status() == Some(status)).then_some("true");
        let count = Memo::new(move |_| {
            let total = overview.with(|overview| overview.by_status.iter().find(|(held, _)| *held == status).map(|(_, total)| *total));
            let total = total.unwrap_or(Total { count: 0, is_exact: true });
            format!("{}{}", text::count(total.count), if total.is_exact { "" } else { "+" })
        });
        view! {
            <a href=href data-status=status.as_str() aria-current=chosen>
                <b>{count}</b>
                <span class="st" data-status=status.as_str()>
                    <StatusMark word=status.as_str()/>
                    {status.label()}
                </span>
            </a>
        }
    });
    view! {
        <section class="overview" aria-label="Overview">
            <nav class="tiles" aria-label="Runs by status">{tiles.into_iter().collect_view()}</nav>
            <Strip overview/>
        </section>
    }
}

/// Jobs running, finished and failed over time.
#[component]
fn Strip(overview: RwSignal<Overview>) -> impl IntoView {
    let drawn = Memo::new(move |_| overview.with(|overview| draw(&overview.activity)));
    let since = move || overview.with(|overview| clock(overview.until - STEP_MS * STEPS as Millis));
    let label = move || {
        let (finished, failed) = overview
            .with(|overview| overview.activity.iter().fold((0, 0), |(done, bad), (_, finished, failed)| (done + finished, bad + failed)));
        format!("In the last 12 hours {finished} jobs finished and {failed} failed")
    };
    let axis = move || {
        let until = overview.with(|overview| overview.until);
        (0..4).map(|at| view! { <span>{clock(until - STEP_MS * STEPS as Millis * (4 - at) / 4)}</span> }).collect_view()
    };
    view! {
        <div class="strip">
            <div class="legend">
                <b>{move || format!("Jobs since {}", since())}</b>
                <span>
                    <svg width="14" height="8" aria-hidden="true"><path d="M0 4h14" stroke="var(--running)" stroke-width="2"></path></svg>
                    "running"
                </span>
                <span>
                    <svg width="14" height="8" aria-hidden="true">
                        <path d="M0 4h14" stroke="var(--success)" stroke-width="2" stroke-dasharray="3 2.5"></path>
                    </svg>
                    "finished"
                </span>
                <span>
                    <svg width="8" height="8" aria-hidden="true"><rect x="1" y="1" width="6" height="6" fill="var(--failed)"></rect></svg>
                    "failed"
                </span>
            </div>
            <svg viewBox="0 0 640 48" preserveAspectRatio="none" role="img" aria-label=label>
                <path d=move || drawn.get().area fill="color-mix(in oklab, var(--running) 16%, transparent)"></path>
                <path d=move || drawn.get().running fill="none" stroke="var(--running)" stroke-width="1.25" vector-effect="non-scaling-stroke"></path>
                <path
                    d=move || drawn.get().finished
                    fill="none"
                    stroke="var(--success)"
                    stroke-width="1.25"
                    vector-effect="non-scaling-stroke"
                    stroke-dasharray="2 2.5"
                ></path>
                <path d="M0 39H640" stroke="var(--line-2)" vector-effect="non-scaling-stroke"></path>
                <path d=move || drawn.get().failed fill="var(--failed)"></path>
            </svg>
            <div class="axis" aria-hidden="true">{axis} <span>"now"</span></div>
        </div>
    }
}

/// The outlines drawn in the strip.
#[derive(Clone, Debug, Default, PartialEq)]
struct Drawn {
    area: String,
    running: String,
    finished: String,
    failed: String,
}

fn draw(activity: &[(i64, i64, i64)]) -> Drawn {
    if activity.is_empty() {
        return Drawn::default();
    }
    let x = |at: usize| WIDTH * at as i64 / (activity.len().max(2) as i64 - 1);
    let line = |value: fn(&(i64, i64, i64)) -> i64| {
        let most = activity.iter().map(value).max().unwrap_or(0).max(1);
        let mut path = String::new();
        for (at, entry) in activity.iter().enumerate() {
            path.push(if at == 0 { 'M' } else { 'L' });
            tenths(&mut path, x(at));
            tenths(&mut path, BASE - 10 - value(entry) * (BASE - 50) / most);
        }
        path
    };
    let running = line(|entry| entry.0);
    let most = activity.iter().map(|entry| entry.2).max().unwrap_or(0).max(1);
    let mut failed = String::new();
    for (at, entry) in activity.iter().enumerate().filter(|(_, entry)| entry.2 > 0) {
        let height = 20 + entry.2 * 60 / most;
        failed.push('M');
        tenths(&mut failed, (x(at) - 30).max(0));
        let _ = write!(failed, "40h6v{}.{}h-6z", height / 10, height % 10);
    }
    Drawn { area: format!("{running}L640 39L0 39Z"), finished: line(|entry| entry.1), running, failed }
}

fn tenths(path: &mut String, value: i64) {
    let _ = write!(path, "{}.{} ", value / 10, value % 10);
}

/// Hours and minutes in UTC, like every time before the viewer's zone is known.
fn clock(at: Millis) -> String {
    let minutes = at.rem_euclid(86_400_000) / 60_000;
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}
