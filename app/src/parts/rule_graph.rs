//! The rules of a run and their dependencies: one SVG from the server, with bars that follow the jobs.
//!
//! The server computes the layout. Here boxes are links, lines light up, and the picture is zoomed inside a scroller,
//! so that touch, wheel and keyboard move it like any page.

mod drag;

use super::minimap::Minimap;
use crate::{
    paths::{self, RunPlace},
    ui::{Icon, If, navigate_in_place},
};
use chart::graph::{Direction, Layout, Step};
use drag::Drag;
use leptos::{ev, html, prelude::*};
use model::{
    JobStatus, RunId,
    cut::fitting,
    run::{JobCounts, RuleRow},
};
use std::{collections::HashMap, sync::Arc};
use view::rule_graph::RuleGraph;
use wasm_bindgen::JsCast as _;

/// Zoom factor of one press of a button, and the limits of the zoom, in percent.
const ZOOM_STEP: u32 = 125;
const ZOOM: (u32, u32) = (20, 300);
/// Unless the viewer zooms, the picture fits its column, but is never smaller than this, in percent.
const READABLE: f32 = 60.0;
/// Letters of a name and its number that fit into a box.
const LETTERS: usize = 18;
/// From this many rules on there is a search box.
const MANY: usize = 8;
/// From this many rules on there is a minimap.
const LARGE: usize = 30;

/// The graph with its tools.
#[component]
pub fn RuleGraphView(id: RunId, graph: RuleGraph, rules: RwSignal<Vec<RuleRow>>, place: Memo<RunPlace>) -> impl IntoView {
    match graph {
        RuleGraph::Absent => view! { <p class="graph-note">"No rule graph was reported."</p> }.into_any(),
        RuleGraph::Unreadable => view! { <p class="graph-note">"The reported rule graph is not valid."</p> }.into_any(),
        RuleGraph::TooLarge => {
            view! { <p class="graph-note">"This graph is too large for one picture. The rules are listed beside it."</p> }.into_any()
        }
        RuleGraph::Drawn { names, layout } => view! { <Picture id names layout rules place/> }.into_any(),
    }
}

#[component]
fn Picture(id: RunId, names: Vec<String>, layout: Layout, rules: RwSignal<Vec<RuleRow>>, place: Memo<RunPlace>) -> impl IntoView {
    let zoom = RwSignal::new(None::<u32>);
    let lit = RwSignal::new(None::<usize>);
    let looked = RwSignal::new(0_u32);
    Effect::new(move |_| {
        zoom.track();
        request_animation_frame(move || {
            looked.try_update(|looked| *looked = looked.wrapping_add(1));
        });
    });
    let scroller = NodeRef::<html::Div>::new();
    let (names, layout) = (Arc::new(names), Arc::new(layout));
    let counts = Memo::new(move |_| rules.with(|rules| rules.iter().map(|rule| (rule.name.clone(), rule.jobs)).collect::<HashMap<_, _>>()));

    let chosen = {
        let names = Arc::clone(&names);
        Memo::new(move |_| place.with(|place| names.iter().position(|name| place.rule.as_ref() == Some(name))))
    };
    let kin = {
        let layout = Arc::clone(&layout);
        Memo::new(move |_| lit.get().or(chosen.get()).map(|node| layout.kin(node)))
    };
    let (width, height) = (layout.width, layout.height);
    let size = move || match zoom.get() {
        None => format!("inline-size:min(100%,{width}px);min-inline-size:{}px", width * READABLE / 100.0),
        Some(percent) => format!("inline-size:{}px", width * percent as f32 / 100.0),
    };
    let scale = move || shown(scroller).map_or(1.0, |shown| shown / f64::from(width));
    let step = move |larger: bool| {
        let now = (scale() * 100.0) as u32;
        let next = if larger { now * ZOOM_STEP / 100 + 1 } else { now * 100 / ZOOM_STEP };
        zoom.set(Some(next.clamp(ZOOM.0, ZOOM.1)));
    };
    let bring = {
        let layout = Arc::clone(&layout);
        move |node: usize| {
            let (Some(div), Some(held)) = (element(scroller), layout.boxes.get(node)) else { return };
            let ((x, y), scale) = (held.centre(), scale());
            div.set_scroll_left((f64::from(x) * scale) as i32 - div.client_width() / 2);
            div.set_scroll_top((f64::from(y) * scale) as i32 - div.client_height() / 2);
        }
    };
    // The selected rule, else one that failed, else one that runs, else the beginning, is scrolled into view at first.
    Effect::new({
        let (bring, names) = (bring.clone(), Arc::clone(&names));
        let begins = layout.first();
        move |_| {
            let with = |is: fn(&JobCounts) -> bool| {
                let held = counts.get_untracked();
                names.iter().position(|name| held.get(name).is_some_and(is))
            };
            let lively = || with(|jobs| jobs.failed > 0).or_else(|| with(|jobs| jobs.running > 0));
            if let Some(node) = chosen.get_untracked().or_else(lively).or(begins) {
                let bring = bring.clone();
                request_animation_frame(move || bring(node)); // Before the next frame, the picture has no size.
            }
        }
    });
    let wheel = move |event: ev::WheelEvent| {
        if event.ctrl_key() || event.meta_key() {
            event.prevent_default();
            step(event.delta_y() < 0.0);
        }
    };
    let find = {
        let names = Arc::clone(&names);
        move |event: ev::Event| {
            let word = event_target_value(&event).to_lowercase();
            let found = (!word.is_empty()).then(|| names.iter().position(|name| name.to_lowercase().contains(&word))).flatten();
            lit.set(found);
            if let Some(node) = found {
                bring(node);
            }
        }
    };
    let keys = {
        let layout = Arc::clone(&layout);
        move |event: ev::KeyboardEvent| {
            let at = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
            let at = at.and_then(|at| at.id().strip_prefix("g-").and_then(|at| at.parse::<usize>().ok()));
            let step = match event.key().as_str() {
                "ArrowLeft" => Step::Left,
                "ArrowRight" => Step::Right,
                "ArrowUp" => Step::Up,
                "ArrowDown" => Step::Down,
                _ => return,
            };
            if let Some(next) = at.and_then(|at| layout.step(at, step)) {
                event.prevent_default();
                focus(next);
            }
        }
    };
    let drag = Drag::new(scroller);

    let lines = layout.lines.iter().map(|line| {
        let (from, to) = (line.from as usize, line.to as usize);
        let on = move || kin.with(|kin| kin.as_ref().is_some_and(|kin| kin[from] && kin[to])).then_some("");
        view! { <path class="edge" d=layout.path(line) data-lit=on></path> }
    });
    let lines = lines.collect_view();
    let nodes = names.iter().zip(&layout.boxes).enumerate().map(|(at, (name, held))| {
        let jobs = {
            let name = name.clone();
            Memo::new(move |_| counts.with(|counts| counts.get(&name).copied().unwrap_or_default()))
        };
        let dim = move || kin.with(|kin| kin.as_ref().is_some_and(|kin| !kin[at])).then_some("");
        view! { <Node at id name=name.clone() x=held.x y=held.y width=held.w jobs place dim lit/> }
    });
    let nodes = nodes.collect_view();
    let says = match layout.direction {
        Direction::Down => "top to bottom",
        Direction::Right => "left to right",
    };
    let fold = move || paths::run_at(id, &RunPlace { graph: Some("closed".into()), ..place.get() });
    let many = names.len() >= MANY;
    let large = names.len() >= LARGE;
    let label = format!("Rule graph, {} rules, {says}", names.len());
    view! {
        <div class="picture" style=format!("--w:{width}px")>
        <div class="tool">
            <b class="grow">"Rules"</b>
            {many
                .then(|| {
                    view! { <input class="field" type="search" placeholder="Find a rule" aria-label="Find a rule in the graph" autocomplete="off" on:input=find.clone()/> }
                })}
            <Directions id place/>
            <button class="btn ghost small icon" type="button" aria-label="Zoom out" on:click=move |_| step(false)><Icon name="i-minus" small=true/></button>
            <button class="btn ghost small icon" type="button" aria-label="Zoom in" on:click=move |_| step(true)><Icon name="i-plus" small=true/></button>
            <button class="btn ghost small icon" type="button" aria-label="Fit" on:click=move |_| zoom.set(None)><Icon name="i-fit" small=true/></button>
            <a class="btn ghost small icon" href=fold aria-label="Hide the graph" title="Hide the graph"><Icon name="i-panel" small=true/></a>
        </div>
        <div
            class="rule-graph"
            node_ref=scroller
            on:wheel=wheel
            on:keydown=keys
            on:pointerdown=move |event| drag.begin(&event)
            on:pointermove=move |event| drag.go(&event)
            on:pointerup=move |_| drag.end()
            on:pointercancel=move |_| drag.end()
            on:scroll=move |_| { looked.try_update(|looked| *looked = looked.wrapping_add(1)); }
        >
            <svg viewBox=format!("0 0 {width} {height}") style=size role="group" aria-label=label>
                {lines}
                {nodes}
            </svg>
        </div>
        {large.then(|| view! { <Minimap layout=Arc::clone(&layout) scroller looked/> })}
        </div>
    }
}

/// Down or to the right; links, so that they work without script.
#[component]
fn Directions(id: RunId, place: Memo<RunPlace>) -> impl IntoView {
    let one = move |word: Option<&'static str>, label: &'static str, says: &'static str| {
        let here = move || (place.with(|place| place.dir.as_deref() == word)).then_some("true");
        let href = move || paths::run_at(id, &RunPlace { dir: word.map(str::to_owned), ..place.get() });
        view! { <a href=href aria-current=here aria-label=says>{label}</a> }
    };
    view! {
        <div class="seg" role="group" aria-label="Direction">
            {one(None, "TB", "Top to bottom")}
            {one(Some("lr"), "LR", "Left to right")}
        </div>
    }
}

/// A rule: its name, the state of its jobs, and a link that shows only them.
#[component]
fn Node(
    at: usize,
    id: RunId,
    name: String,
    x: f32,
    y: f32,
    width: f32,
    jobs: Memo<JobCounts>,
    place: Memo<RunPlace>,
    dim: impl Fn() -> Option<&'static str> + Send + Sync + 'static,
    lit: RwSignal<Option<usize>>,
) -> impl IntoView {
    let status = Memo::new(move |_| jobs.get().overall());
    let word = move || status.get().map_or("none", JobStatus::as_str);
    let here = {
        let name = name.clone();
        Memo::new(move |_| place.with(|place| place.rule.as_ref() == Some(&name)))
    };
    let href = {
        let name = name.clone();
        move || {
            let next = (!here.get()).then_some(name.as_str());
            paths::run_at(id, &place.get().of_rule(next))
        }
    };
    // The router handles only HTML links.
    let navigate = navigate_in_place();
    let rule = name.clone();
    let go = move |event: ev::MouseEvent| {
        let plain = event.button() == 0 && !(event.ctrl_key() || event.meta_key() || event.alt_key());
        let link = if event.shift_key() {
            // The jobs of the rule and their neighbours.
            place
                .try_get_untracked()
                .map(|place| paths::run_at(id, &RunPlace { form: Some("graph".into()), ..place.of_tab(None).of_rule(Some(&rule)) }))
        } else {
            event.current_target().and_then(|link| link.dyn_into::<web_sys::Element>().ok()).and_then(|link| link.get_attribute("href"))
        };
        if let (true, Some(link)) = (plain, link) {
            event.prevent_default();
            navigate(&link);
        }
    };
    let label = {
        let name = name.clone();
        move || {
            let jobs = jobs.get();
            match status.get() {
                None => format!("{name}, no jobs"),
                Some(status) => {
                    format!("{name}, {}, {} of {} jobs done, {} failed", status.label(), jobs.success, jobs.total(), jobs.failed)
                }
            }
        }
    };
    let total = move || {
        let total = jobs.get().total();
        if total > 0 { total.to_string() } else { String::new() }
    };
    let short = {
        let name = name.clone();
        Memo::new(move |_| fitting(&name, LETTERS - total().len().min(LETTERS / 2)))
    };
    let (left, room) = (x + 10.0, width - 20.0);
    let parts = move || {
        let jobs = jobs.get();
        let scale = room / jobs.total().max(1) as f32;
        let mut from = left;
        jobs.segments()
            .map(|(status, count)| {
                let wide = count as f32 * scale;
                let start = from;
                from += wide;
                view! { <rect class="part" data-status=status.as_str() x=start y=y + 29.0 width=wide height="4" rx="1"></rect> }
            })
            .collect_view()
    };
    view! {
        // Inside a group, so that the link is created as an SVG element.
        <g>
        <a
            class="node"
            id=format!("g-{at}")
            href=href
            data-status=word
            data-dim=dim
            aria-current=move || here.get().then_some("true")
            aria-label=label
            on:click=go
            on:pointerenter=move |_| lit.set(Some(at))
            on:pointerleave=move |_| lit.set(None)
            on:focus=move |_| lit.set(Some(at))
            on:blur=move |_| lit.set(None)
        >
            <title>{name}</title>
            <rect class="box" x=x y=y width=width height="40" rx="6"></rect>
            <If when=Signal::derive(move || status.get().is_some())>
                // A spinning icon spins around its own centre.
                <use
                    class="st-i"
                    href=move || format!("#st-{}", word())
                    style=format!("transform-origin:{}px {}px", x + 16.0, y + 14.0)
                    x=x + 9.0
                    y=y + 7.0
                    width="14"
                    height="14"
                ></use>
            </If>
            <text x=x + 29.0 y=y + 18.0>{short}</text>
            <text class="n" x=x + width - 10.0 y=y + 18.0>{total}</text>
            <rect class="track" x=left y=y + 29.0 width=room height="4" rx="2"></rect>
            {parts}
        </a>
        </g>
    }
}

fn node(at: usize) -> Option<web_sys::Element> {
    document().get_element_by_id(&format!("g-{at}"))
}

/// The displayed width of the picture, in pixels.
fn shown(scroller: NodeRef<html::Div>) -> Option<f64> {
    Some(element(scroller)?.query_selector("svg").ok()??.get_bounding_client_rect().width())
}

/// The element while it exists. A picture is still shown, and can be touched, while the next one is loading and its own
/// signals are gone.
fn element(scroller: NodeRef<html::Div>) -> Option<web_sys::HtmlDivElement> {
    scroller.try_get_untracked().flatten()
}

fn focus(at: usize) {
    if let Some(found) = node(at).and_then(|node| node.dyn_into::<web_sys::SvgElement>().ok()) {
        let _ = found.focus();
    }
}
