//! The timeline of a run: when each attempt ran, by rule, on lanes; above them the number of running jobs.
//!
//! The server computes the layout and sends windows at the screen's resolution. Here they are painted on a canvas,
//! moved immediately by pointer, touch and keys, and fetched again when the view leaves them. Before hydration, and
//! without script, the first window is shown as SVG.

mod board;
mod labels;
mod paint;
mod still;
mod table;

use super::canvas_colours::InkPot;
use crate::{
    paths::{self, RunPlace},
    ui::{Empty, Icon, If, JobBadge, StatusLabel, Took, Zoom, ZoomButtons},
};
use board::Board;
pub use board::{GROUP, KEYS};
use labels::Labels;
use leptos::{ev, prelude::*};
use model::{RunId, text};
use still::Still;
use table::GroupTable;
use view::timeline::{TimelineView, few_wildcards};

/// The view with its tools. `changed` is incremented with every change of the run's jobs.
#[component]
pub fn Timeline(id: RunId, found: Option<TimelineView>, place: Memo<RunPlace>, changed: RwSignal<u32>) -> impl IntoView {
    let Some(found) = found else {
        return view! { <Empty says="No job has started yet. The timeline fills as jobs start."/> }.into_any();
    };
    let as_table = place.with_untracked(|place| place.form.as_deref() == Some("table"));
    let still = (!as_table).then(|| found.clone());
    let groups = found.groups.clone();
    let origin = found.origin;
    let board = Board::new(id, place, found);
    if !as_table {
        board.wake(changed);
    }
    view! {
        <Tools id place board as_table/>
        {match still {
            None => view! { <GroupTable id place groups origin breaks=board.breaks()/> }.into_any(),
            Some(first) => view! { <Lanes board first/> }.into_any(),
        }}
    }
    .into_any()
}

/// A link that toggles a part of the URL.
#[component]
fn Switch(
    id: RunId,
    place: Memo<RunPlace>,
    read: fn(&mut RunPlace) -> &mut Option<String>,
    on: &'static str,
    icon: Option<&'static str>,
    label: &'static str,
) -> impl IntoView {
    let here = Memo::new(move |_| read(&mut place.get()).as_deref() == Some(on));
    let href = move || {
        let mut next = place.get();
        *read(&mut next) = (!here.get()).then(|| on.to_owned());
        paths::run_at(id, &next)
    };
    view! {
        <a class="btn small" href=href aria-current=move || here.get().then_some("true")>
            {icon.map(|name| view! { <Icon name small=true/> })}
            {label}
        </a>
    }
}

#[component]
fn Tools(id: RunId, place: Memo<RunPlace>, board: Board, as_table: bool) -> impl IntoView {
    let key = |word: &'static str, label: &'static str| view! { <StatusLabel word label/> };
    let zoom = move |to: Zoom| match to {
        Zoom::Out => board.zoom(1.5, None),
        Zoom::In => board.zoom(1.0 / 1.5, None),
        Zoom::Fit => board.fit(),
    };
    view! {
        <div class="tool">
            <Switch id place read=|place| &mut place.critical on="1" icon=Some("i-gantt") label="Critical path"/>
            <Switch id place read=|place| &mut place.idle on="skip" icon=None label="Skip idle time"/>
            <span class="dim" role="status">{move || board.path_says()}</span>
            <span class="grow"></span>
            {(!as_table)
                .then(|| {
                    view! {
                        <div class="legend-row">{key("success", "Done")} {key("running", "Running")} {key("failed", "Failed")} {key("lost", "Lost")}</div>
                    }
                })}
            <Switch id place read=|place| &mut place.form on="table" icon=Some("i-table") label="As table"/>
            {(!as_table).then(|| view! { <ZoomButtons to=zoom/> })}
        </div>
    }
}

#[component]
fn Lanes(board: Board, first: TimelineView) -> impl IntoView {
    let awake = RwSignal::new(false);
    Effect::new(move |_| awake.set(true));
    let (peak, cores) = first.peak;
    let stack = board.stack();
    let label = format!("Timeline of {} rules; the same data is a table under “As table”", first.groups.len());
    let peaks = Memo::new(move |_| board.peaks().unwrap_or((peak, cores)));
    let names = Memo::new(move |_| board.names());
    let labels = Memo::new(move |_| board.labels(labels::label));
    let turn = Callback::new(move |name: String| board.turn(&name));
    let sheet = move || format!("block-size:{}px", board.height().max(stack.height()));
    view! {
        <div
            class="timeline"
            node_ref=board.scroller
            tabindex="0"
            role="region"
            aria-label=label
            on:scroll=move |_| board.moved()
            on:wheel=move |event| board.wheel(&event)
            on:keydown=move |event| board.key(&event)
            on:pointerdown=move |event| board.press(&event)
            on:pointermove=move |event| board.drag(&event)
            on:pointerup=move |event| board.release(&event)
            on:pointercancel=move |_| board.let_go()
            on:pointerleave=move |_| board.leave()
        >
            <div class="tl-sheet" style=sheet>
                <div class="tl-view">
                    <If when=Signal::derive(move || !awake.get())><Still first=first.clone()/></If>
                    <canvas node_ref=board.easel.canvas aria-hidden="true"></canvas>
                    <InkPot/>
                </div>
                <Labels names labels turn/>
                <div class="tl-top">
                    <div class="tl-corner">
                        <b>"Running"</b>
                        <span class="num">{move || format!("peak {} jobs", text::count(i64::from(peaks.get().0)))}</span>
                        <span class="num">{move || format!("{} cores", text::count(i64::from(peaks.get().1)))}</span>
                    </div>
                    <Sums board/>
                </div>
            </div>
            <Hint board/>
        </div>
    }
}

/// The tooltip for the job under the pointer.
#[component]
fn Hint(board: Board) -> impl IntoView {
    move || {
        board.hint().map(|hint| {
            let job = hint.job;
            let wildcards = few_wildcards(&job.wildcards);
            let (started, ended) = (job.started_at, job.ended_at);
            let status = job.status;
            view! {
                <div class="hover-card tl-hint" role="tooltip" style=format!("inset-block-start:{}px;inset-inline-start:{}px", hint.y, hint.x)>
                    <JobBadge status=Signal::derive(move || status)/>
                    <b>{job.rule.unwrap_or_default()}</b>
                    {(!wildcards.is_empty()).then(|| view! { <code>{wildcards.join(" ")}</code> })}
                    <dl>
                        <dt>"Took"</dt>
                        <dd><Took started=Signal::derive(move || started) ended=Signal::derive(move || ended)/></dd>
                        {(job.attempt > 1).then(|| view! { <dt>"Attempt"</dt><dd class="num">{job.attempt}</dd> })}
                        {job.threads.map(|threads| view! { <dt>"Cores"</dt><dd class="num">{threads}</dd> })}
                    </dl>
                </div>
            }
        })
    }
}

/// What happened in the selected span.
#[component]
fn Sums(board: Board) -> impl IntoView {
    move || {
        board.brushed().map(|(from, to, sums)| {
            let hours = text::hours(sums.core_ms / 1_000);
            let close = move |event: ev::MouseEvent| {
                event.stop_propagation();
                board.unbrush();
            };
            view! {
                <div class="sums hover-card" role="status">
                    <div class="wide">
                        <span class="num">{format!("{from} – {to}")}</span>
                        <button class="btn ghost small icon" type="button" aria-label="Clear the selection" data-close="" on:click=close><Icon name="i-x" small=true/></button>
                    </div>
                    <dl>
                        <dt>"Jobs"</dt><dd class="num">{text::count(i64::from(sums.jobs))}</dd>
                        <dt>"CPU-hours"</dt><dd class="num">{hours}</dd>
                        <dt>"Busiest moment"</dt><dd class="num">{format!("{} jobs, {} cores", text::count(i64::from(sums.busiest)), text::count(i64::from(sums.cores)))}</dd>
                    </dl>
                    <button class="btn small" type="button" on:click=move |_| board.zoom_to_brush()>"Zoom to it"</button>
                </div>
            }
        })
    }
}
