//! The live chip: actual latency and state, with details on a click.

use crate::ui::If;
use crate::{
    live::{Chip, chip::Link},
    session::session,
    ui::Icon,
};
use leptos::prelude::*;
use model::text;

/// Shows how live the page is.
#[component]
pub fn LiveChip() -> impl IntoView {
    let chip = Chip::get();
    let now = session().now;
    let words = move || match chip.link.get() {
        Link::Idle => String::new(),
        Link::Connecting => "connecting".into(),
        Link::Live => "live".into(),
        Link::CatchingUp => "catching up".into(),
        Link::Polling => "polling every 5 s".into(),
        Link::Offline(since) => format!("offline for {}", text::duration((now.get() - since).max(0) / 1000 * 1000)),
        Link::Paused => "paused".into(),
    };
    // Announced when the state changes, not with every second of "offline for …".
    let state = move || match chip.link.get() {
        Link::Offline(_) => "offline".to_owned(),
        _ => words(),
    };
    let latency = move || (chip.link.get() == Link::Live).then(|| chip.latency.get()).flatten();
    let icon = move || match chip.link.get() {
        Link::Paused => "#i-pause".to_owned(),
        link => format!("#live-{}", link.word()),
    };
    let meaning = move || match chip.link.get() {
        Link::Idle => "This page has no live data.",
        Link::Connecting => "Not connected yet. This page shows the state when it was loaded.",
        Link::Live => "Changes appear on this page at once.",
        Link::CatchingUp => "Loading missed changes.",
        Link::Polling => "Changes are not pushed at the moment. Flowo checks for them every five seconds.",
        Link::Offline(_) => "No connection to the server. This page may be out of date, and keeps trying to reconnect.",
        Link::Paused => "You paused this page. It does not change until you resume.",
    };
    view! {
        <span class="sr" role="status" aria-label="Connection">{state}</span>
        <button class="live" hidden=move || chip.link.get() == Link::Idle data-live=move || chip.link.get().word() type="button" popovertarget="live-card">
            <svg class="i" viewBox="0 0 12 12" aria-hidden="true"><use href=icon></use></svg>
            <span>{words}</span>
            <If when=Signal::derive(move || latency().is_some())>
                <span class="num">{move || latency().map(text::duration)}</span>
            </If>
        </button>
        <div class="live-card" id="live-card" popover="auto" aria-label="Connection">
            <h2>{words}</h2>
            <p>{meaning}</p>
            <dl>
                <dt>"Commit to screen"</dt>
                <dd class="num">{move || chip.latency.get().map_or_else(|| "no change yet".to_owned(), text::duration)}</dd>
                <dt>"Last change"</dt>
                <dd>{move || chip.last.get().map_or_else(|| "none yet".to_owned(), |at| text::ago(at, now.get()))}</dd>
                <dt>"Changes"</dt>
                <dd class="num">{move || text::count(chip.count.get() as i64)}</dd>
            </dl>
            <div class="acts">
                <button class="btn small" type="button" on:click=move |_| chip.paused.update(|paused| *paused = !*paused)>
                    {move || if chip.paused.get() {
                        view! { <Icon name="i-play" small=true/> "Resume" }.into_any()
                    } else {
                        view! { <Icon name="i-pause" small=true/> "Pause" }.into_any()
                    }}
                </button>
            </div>
        </div>
    }
}
