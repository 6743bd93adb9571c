//! The first window of a timeline as SVG, shown before hydration.

use super::paint::{HEAD, SIDE};
use chart::{
    lanes::{Kind, unpack},
    stack::{LANE, Stack},
    strip,
};
use leptos::prelude::*;
use std::fmt::Write as _;
use view::timeline::{Drawn, TimelineView};

/// The bars as one path per kind, and the curve above them. Times are in the table.
#[component]
pub fn Still(first: TimelineView) -> impl IntoView {
    let stack = Stack::new(first.groups.iter().map(|group| group.lanes).collect(), |_| false);
    let mut paths: Vec<String> = vec![String::new(); Kind::ALL.len()];
    let mut area = String::new();
    for (group, drawn) in &first.drawn {
        let group = *group as usize;
        match drawn {
            Drawn::Lanes { first, lanes } => {
                for (lane, words) in lanes.iter().enumerate() {
                    let y = stack.lane_top(group, first + lane as u32);
                    for (from, to, kind) in unpack(words) {
                        let _ = write!(paths[kind as usize], "M{from} {y}h{}v{}h-{}z", to - from, LANE - 2, to - from);
                    }
                }
            }
            Drawn::Area { counts, .. } => {
                let bottom = stack.span(group).1 - 4;
                strip::area(&mut area, counts, first.groups[group].peak, first.quarters, (bottom, 28));
            }
        }
    }
    let mut top = String::new();
    let counts: Vec<u32> = first.curve.iter().map(|(running, _)| *running).collect();
    strip::area(&mut top, &counts, first.peak.0, first.quarters, (HEAD - 12, 48));
    let (width, height) = (first.quarters, stack.height().max(1));
    let bars = Kind::ALL.into_iter().zip(paths).filter(|(_, path)| !path.is_empty());
    let bars = bars.map(|(kind, path)| view! { <path class="mark" data-status=word(kind) d=path></path> }).collect_view();
    view! {
        <div class="tl-still" style=format!("inset-inline-start:{SIDE}px")>
            <svg viewBox=format!("0 0 {width} {HEAD}") preserveAspectRatio="none" style=format!("block-size:{HEAD}px") aria-hidden="true">
                <path class="area-r" d=top></path>
            </svg>
            <svg viewBox=format!("0 0 {width} {height}") preserveAspectRatio="none" style=format!("block-size:{height}px") aria-hidden="true">
                <path class="area-r" d=area></path>
                {bars}
            </svg>
        </div>
    }
}

const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Done => "success",
        Kind::Quiet => "skipped",
        Kind::Running => "running",
        Kind::Lost => "lost",
        Kind::Failed => "failed",
    }
}
