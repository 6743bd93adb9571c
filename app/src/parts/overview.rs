//! Above the list: tiles that count and filter, and a strip of the last hours.

use crate::{paths, ui::StatusLabel};
use chart::strip::Outlines;
use leptos::prelude::*;
use model::{
    Millis, RunStatus,
    filter::RunFilter,
    page::{RunSort, Total},
    text,
};
use view::runs::{Overview, STEP_MS, STEPS};

/// The states that have a tile.
const TILES: [RunStatus; 5] = [RunStatus::Running, RunStatus::Failed, RunStatus::Success, RunStatus::Waiting, RunStatus::Lost];

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
                <StatusLabel word=status.as_str() label=status.label()/>
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
    let drawn = Memo::new(move |_| overview.with(|overview| Outlines::of(&overview.activity)));
    let since = move || overview.with(|overview| text::clock(overview.until - STEP_MS * STEPS as Millis));
    let label = move || {
        let (finished, failed) = overview
            .with(|overview| overview.activity.iter().fold((0, 0), |(done, bad), (_, finished, failed)| (done + finished, bad + failed)));
        format!("In the last 12 hours {finished} jobs finished and {failed} failed")
    };
    let axis = move || {
        let until = overview.with(|overview| overview.until);
        (0..4).map(|at| view! { <span>{text::clock(until - STEP_MS * STEPS as Millis * (4 - at) / 4)}</span> }).collect_view()
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
