//! The state of a timeline: the part in view, the cached data, and when to fetch more.
//!
//! While another page is loading, the old one is still shown and can be touched although its signals are gone, so
//! nothing here relies on them (`try_…`).

mod input;
mod show;

pub use input::{GROUP, KEYS};

use super::{
    super::canvas_colours::Easel,
    paint::{EDGE, HEAD, SIDE},
};
use crate::{
    api::timeline::read_critical,
    paths::{self, RunPlace},
    session::session,
    ui::on_resize,
};
use chart::{stack::Stack, time::Breaks};
use leptos::{ev, html, prelude::*, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use model::{Millis, RunId, job::JobRow};
use std::{collections::HashMap, sync::Arc, time::Duration};
use view::timeline::{Arrangement, Chain, Group, SpanSums, TimelineView};

/// Shortest time between two reads while jobs change.
const BEAT: Duration = Duration::from_secs(1);
/// The URL is updated when the view has not moved for this long.
const SETTLED: Duration = Duration::from_millis(400);
/// The shortest span that can be viewed (ms).
const CLOSEST: f64 = 20.0;

/// A job under the pointer, and the position in the view.
#[derive(Clone, Debug, PartialEq)]
pub struct Pointed {
    pub job: JobRow,
    pub x: i32,
    pub y: i32,
}

/// What dragging does.
#[derive(Clone, Copy, PartialEq)]
enum Grip {
    Pan { from: (f64, f64), scroll: i32, x: i32, y: i32 },
    Brush { at: f64, x: i32 },
}

/// The state of one timeline. Cheap to copy.
#[derive(Clone, Copy)]
pub struct Board {
    id: RunId,
    place: Memo<RunPlace>,
    arrangement: StoredValue<Arrangement>,
    held: RwSignal<Arc<TimelineView>>,
    /// The range of heights that is cached.
    reach: StoredValue<(u32, u32)>,
    turned: RwSignal<Vec<String>>,
    span: RwSignal<(f64, f64)>,
    /// Whether the whole run is in view and stays so.
    whole: StoredValue<bool>,
    brush: RwSignal<Option<(f64, f64)>>,
    sums: RwSignal<Option<(i64, i64, SpanSums)>>,
    hint: RwSignal<Option<Pointed>>,
    critical: RwSignal<Chain>,
    grip: StoredValue<Option<Grip>>,
    /// Touching pointers, as ids and positions, for pinching.
    touches: StoredValue<Vec<(i32, i32)>>,
    asking: StoredValue<bool>,
    again: StoredValue<bool>,
    rested: StoredValue<u32>,
    stirred: StoredValue<u32>,
    now: Signal<Millis>,
    go: StoredValue<Arc<dyn Fn(String, bool) + Send + Sync>>,
    pub easel: Easel,
    pub scroller: NodeRef<html::Div>,
}

impl Board {
    pub fn new(id: RunId, place: Memo<RunPlace>, found: TimelineView) -> Self {
        let at = place.get_untracked();
        let span = at.time_span();
        let turned = at.turned.as_deref().unwrap_or("").split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let navigate = use_navigate();
        let go = move |path: String, replace: bool| {
            navigate(&path, NavigateOptions { scroll: false, replace, ..NavigateOptions::default() });
        };
        Self {
            id,
            place,
            arrangement: StoredValue::new(at.arrangement()),
            span: RwSignal::new(span.map_or((0.0, found.end as f64), |(from, to)| (from as f64, to as f64))),
            whole: StoredValue::new(span.is_none()),
            held: RwSignal::new(Arc::new(found)),
            reach: StoredValue::new((0, 0)),
            turned: RwSignal::new(turned),
            brush: RwSignal::new(None),
            sums: RwSignal::new(None),
            hint: RwSignal::new(None),
            critical: RwSignal::new(Chain::default()),
            grip: StoredValue::new(None),
            touches: StoredValue::new(Vec::new()),
            asking: StoredValue::new(false),
            again: StoredValue::new(false),
            rested: StoredValue::new(0),
            stirred: StoredValue::new(0),
            now: session().clock(),
            go: StoredValue::new(Arc::new(go)),
            easel: Easel::new(),
            scroller: NodeRef::new(),
        }
    }

    /// Follows the run, the theme, the clock and the size of the view. In the browser only.
    pub fn wake(self, changed: RwSignal<u32>) {
        Effect::new(move |_| {
            if self.easel.canvas.get().is_some() {
                self.ask();
            }
        });
        let waiting = StoredValue::new(false);
        Effect::watch(
            move || changed.get(),
            move |_, _, _| {
                if !waiting.try_update_value(|waiting| std::mem::replace(waiting, true)).unwrap_or(true) {
                    set_timeout(
                        move || {
                            waiting.try_set_value(false);
                            self.ask();
                        },
                        BEAT,
                    );
                }
            },
            false,
        );
        self.easel.follow_theme(move || self.paint());
        // Bars of running jobs grow.
        Effect::new(move |_| {
            self.now.track();
            if self.held.with_untracked(|held| held.running) {
                if self.whole.get_value() {
                    self.show_all();
                }
                self.paint();
            }
        });
        Effect::new(move |_| {
            self.span.track();
            self.brush.track();
            self.critical.track();
            self.paint();
        });
        let wanted = Memo::new(move |_| self.place.with(|place| place.critical.is_some()));
        Effect::new(move |_| {
            if !wanted.get() {
                self.critical.set(Chain::default());
                return;
            }
            let (id, arrangement) = (self.id, self.arrangement.get_value());
            spawn_local(async move {
                if let Ok(chain) = read_critical(id, arrangement).await {
                    self.critical.try_set(chain);
                }
            });
        });
        let sizes = window_event_listener(ev::resize, move |_| self.resized());
        on_cleanup(move || sizes.remove());
        on_resize(self.scroller, move || self.resized());
    }

    fn resized(self) {
        self.paint();
        self.need();
    }

    /// The scroller with its width and height.
    fn sight(self) -> Option<(web_sys::HtmlDivElement, f64, f64)> {
        let scroller = self.scroller.try_get_untracked().flatten()?;
        let (width, height) = (f64::from(scroller.client_width()), f64::from(scroller.client_height()));
        (width > f64::from(SIDE) + 50.0 && height > 50.0).then_some((scroller, width, height))
    }

    pub fn stack(self) -> Stack {
        let turned = self.turned.get();
        self.held.with(|held| stack(held, &turned))
    }

    fn stack_now(self) -> Option<Stack> {
        let turned = self.turned.try_get_untracked()?;
        self.held.try_with_untracked(|held| stack(held, &turned))
    }

    /// What the critical path lacks, if anything.
    pub fn path_says(self) -> Option<String> {
        self.critical.with(Chain::says)
    }

    /// The groups' names, in order.
    pub fn names(self) -> Vec<String> {
        self.held.with(|held| held.groups.iter().map(|group| group.name.clone()).collect())
    }

    /// Maps each group's name to the result of `label` for the group, its upper and lower end, and whether it is folded.
    pub fn labels<L>(self, label: impl Fn(&Group, (u32, u32), bool) -> L) -> HashMap<String, L> {
        let stack = self.stack();
        let one = |(at, group): (usize, &Group)| (group.name.clone(), label(group, stack.span(at), stack.is_folded(at)));
        self.held.with(|held| held.groups.iter().enumerate().map(one).collect())
    }

    pub fn breaks(self) -> Breaks {
        self.held.with_untracked(|held| held.breaks.clone())
    }

    pub fn peaks(self) -> Option<(u32, u32)> {
        self.held.try_with(|held| held.peak)
    }

    /// The total height.
    pub fn height(self) -> u32 {
        self.stack().height() + HEAD
    }

    pub fn hint(self) -> Option<Pointed> {
        self.hint.get()
    }

    /// The selected span in local time, and what happened in it.
    pub fn brushed(self) -> Option<(String, String, SpanSums)> {
        let (from, to, sums) = self.sums.get()?;
        let time = |at: i64| self.held.with_untracked(|held| clock(held.origin + held.breaks.stretch(at)));
        Some((time(from), time(to), sums))
    }

    /// The current time on the axis.
    fn present(self, held: &TimelineView) -> Option<f64> {
        held.running.then(|| held.breaks.squeeze(self.now.try_get_untracked().unwrap_or(0) - held.origin).max(0) as f64)
    }

    fn all(self) -> (f64, f64) {
        self.held.with_untracked(|held| {
            let end = self.present(held).unwrap_or(held.end as f64).max(CLOSEST);
            (0.0, if held.running { end * 1.03 } else { end })
        })
    }

    fn show_all(self) {
        self.span.set(self.all());
    }

    /// Shows the whole run, and keeps doing so.
    pub fn fit(self) {
        self.whole.set_value(true);
        self.show_all();
        self.need();
        self.settle();
    }

    fn look_at(self, (from, to): (f64, f64)) {
        let (_, end) = self.all();
        let long = (to - from).clamp(CLOSEST, end * 1.5);
        let from = from.clamp(-long * 0.5, (end - long * 0.5).max(-long * 0.5));
        self.whole.try_set_value(false);
        self.hint.try_set(None);
        self.span.try_set((from, from + long));
        self.need();
        self.settle();
    }

    /// Scales the span in view by `times` around a position in the view, or around its middle.
    pub fn zoom(self, times: f64, around: Option<f64>) {
        let Some((from, to)) = self.span.try_get_untracked() else { return };
        let share = around.and_then(|x| self.share(x)).unwrap_or(0.5).clamp(0.0, 1.0);
        let at = from + (to - from) * share;
        self.look_at((at - (at - from) * times, at + (to - at) * times));
    }

    fn pan(self, share: f64) {
        let Some((from, to)) = self.span.try_get_untracked() else { return };
        let by = (to - from) * share;
        self.look_at((from + by, to + by));
    }

    /// The position on the axis for a position in the view, as a share of the span in view.
    fn share(self, x: f64) -> Option<f64> {
        let (_, width, _) = self.sight()?;
        Some((x - f64::from(SIDE)) / (width - f64::from(SIDE) - EDGE))
    }

    fn time_at(self, x: f64) -> Option<f64> {
        let (from, to) = self.span.try_get_untracked()?;
        Some(from + (to - from) * self.share(x)?)
    }

    /// The view was scrolled.
    pub fn moved(self) {
        self.hint.try_set(None);
        self.paint();
        self.need();
    }

    /// Folds or unfolds a group.
    pub fn turn(self, name: &str) {
        self.turned.update(|turned| match turned.iter().position(|held| held == name) {
            Some(at) => {
                turned.remove(at);
            }
            None => turned.push(name.to_owned()),
        });
        self.reach.set_value((0, 0));
        self.ask();
        self.paint();
        self.settle();
    }

    /// Writes the view into the URL once it has stopped moving.
    fn settle(self) {
        let Some(turn) = count_up(self.stirred) else {
            return;
        };
        set_timeout(
            move || {
                let (Some(place), Some((from, to))) = (self.place.try_get_untracked(), self.span.try_get_untracked()) else { return };
                if self.stirred.try_get_value() != Some(turn) {
                    return;
                }
                let span = (self.whole.try_get_value() == Some(false)).then(|| format!("{}~{}", from as i64, to as i64));
                let turned = self.turned.try_get_untracked().filter(|turned| !turned.is_empty()).map(|turned| turned.join(","));
                let next = RunPlace { span, turned, ..place.clone() };
                if next != place {
                    self.go.try_with_value(|go| go(paths::run_at(self.id, &next), true));
                }
            },
            SETTLED,
        );
    }
}

/// Increments a counter, so that a delayed task can see that a newer one exists; `None` if the view is gone.
fn count_up(turns: StoredValue<u32>) -> Option<u32> {
    turns.try_update_value(|turn| {
        *turn = turn.wrapping_add(1);
        *turn
    })
}

fn stack(held: &TimelineView, turned: &[String]) -> Stack {
    Stack::new(held.groups.iter().map(|group| group.lanes).collect(), |group| turned.contains(&held.groups[group].name))
}

/// A time in the viewer's zone, to the second.
fn clock(at: Millis) -> String {
    let date = js_sys::Date::new(&(at as f64).into());
    format!("{:02}:{:02}:{:02}", date.get_hours(), date.get_minutes(), date.get_seconds())
}
