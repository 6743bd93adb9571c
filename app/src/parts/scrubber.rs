//! Moves through a run's past: a slider over its life, steps from change to change, and a link back to now.

use crate::{
    paths::{self, RunPlace},
    ui::{Icon, local_precise},
};
use leptos::{ev, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use model::{Millis, RunId, text};
use std::time::Duration;
use view::runs::Then;

/// While the slider moves, the page updates at most this often.
const FOLLOW: Duration = Duration::from_millis(120);

/// Shown while the page is at a moment of the past.
#[component]
pub fn Scrubber(id: RunId, shown: RwSignal<Option<Then>>, place: Memo<RunPlace>) -> impl IntoView {
    // While this component is being removed, it stays as it was.
    let then = Memo::new(move |before: Option<&Then>| shown.get().or(before.copied()).unwrap_or_default());
    // The position of the slider until the page has followed.
    let moved = RwSignal::new(None::<Millis>);
    Effect::new(move |_| {
        then.track();
        moved.set(None);
    });
    let at = Memo::new(move |_| moved.get().unwrap_or_else(|| then.get().at));
    let to = move |at: Option<Millis>| paths::run_at(id, &place.get().of_moment(at));
    let step = move |of: fn(Then) -> Option<Millis>, label: &'static str, icon: &'static str| {
        let href = move || of(then.get()).map(|at| to(Some(at)));
        let none = move || href().is_none().then_some("true");
        view! {
            <a class="btn small icon" role="link" href=href aria-disabled=none aria-label=label title=label data-keep="">
                <Icon name=icon small=true/>
            </a>
        }
    };
    let navigate = use_navigate();
    let waiting = StoredValue::new(false);
    let follow = move |event: ev::Event| {
        let Ok(since) = event_target_value(&event).parse::<Millis>() else { return };
        moved.set(Some(then.get_untracked().first + since));
        if waiting.get_value() {
            return;
        }
        waiting.set_value(true);
        let navigate = navigate.clone();
        set_timeout(
            move || {
                waiting.try_set_value(false);
                let Some(Some(at)) = moved.try_get_untracked() else { return };
                let to = paths::run_at(id, &place.get_untracked().of_moment(Some(at)));
                navigate(&to, NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() });
            },
            FOLLOW,
        );
    };
    let awake = RwSignal::new(false);
    Effect::new(move |_| awake.set(true));
    let says = Memo::new(move |_| if awake.get() { local_precise(at.get()) } else { text::precise(at.get()) + " UTC" });
    let reach = Memo::new(move |_| then.with(|then| (then.first.min(then.at), then.last.max(then.at))));
    let back = move || to(None);
    view! {
        <section class="scrubber" aria-label="Time travel">
            <Icon name="i-undo" small=true/>
            <span class="then" role="status">"State at "<time datetime=move || text::iso(at.get())>{says}</time></span>
            {step(|then| then.before, "Previous change", "i-left")}
            <input
                type="range"
                aria-label="Moment"
                min="0"
                max=move || { let (first, last) = reach.get(); (last - first).max(1).to_string() }
                step="1"
                prop:value=move || (at.get() - reach.get().0).to_string()
                value=move || (at.get() - reach.get().0).to_string()
                aria-valuetext=says
                on:input=follow
            />
            {step(|then| then.after, "Next change", "i-right")}
            <a class="btn small" href=back>"Back to now"</a>
            <span class="dim">"Files and logs show their current content."</span>
        </section>
    }
}
