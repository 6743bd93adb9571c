//! All keys in one table: the help sheet lists exactly the keys that are bound.

use super::{palette, timeline};
use crate::{
    live::Chip,
    paths,
    session::session,
    ui::{Icon, open_when},
};
use leptos::{ev, html::Dialog, prelude::*};
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate},
};
use wasm_bindgen::JsCast as _;
use web_sys::{HtmlElement, KeyboardEvent};

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Help,
    Palette,
    Search,
    Runs,
    Logs,
    Down,
    Up,
    Open,
    Select,
    FailedOnly,
    Live,
    Theme,
    Close,
    /// A view of a run, by its position.
    Tab(u8),
    Earlier,
    Later,
}

/// Group, keys as shown, meaning, action. The second of two keys must follow within a second.
const KEYS: &[(&str, &[&str], &str, Act)] = &[
    ("Everywhere", &["?"], "This list", Act::Help),
    ("Everywhere", &["Ctrl", "K"], "Search or jump", Act::Palette),
    ("Everywhere", &["/"], "Filter", Act::Search),
    ("Everywhere", &["g", "r"], "Runs", Act::Runs),
    ("Everywhere", &["g", "l"], "Logs", Act::Logs),
    ("Everywhere", &["t"], "Next theme", Act::Theme),
    ("Everywhere", &["l"], "Live on or off", Act::Live),
    ("Everywhere", &["Escape"], "Close the panel beside the list", Act::Close),
    ("Lists", &["j"], "Next row", Act::Down),
    ("Lists", &["k"], "Previous row", Act::Up),
    ("Lists", &["Enter"], "Open the row", Act::Open),
    ("Lists", &["x"], "Select the row", Act::Select),
    ("Lists", &["f"], "Failed runs only", Act::FailedOnly),
    ("A run", &["1"], "Jobs", Act::Tab(1)),
    ("A run", &["2"], "Timeline", Act::Tab(2)),
    ("A run", &["3"], "Results", Act::Tab(3)),
    ("A run", &["4"], "Logs", Act::Tab(4)),
    ("A run", &["5"], "Code", Act::Tab(5)),
    ("A run", &["6"], "Files", Act::Tab(6)),
    ("A run", &["7"], "History", Act::Tab(7)),
    ("A run", &["8"], "Info", Act::Tab(8)),
    ("A run", &["["], "Previous attempt", Act::Earlier),
    ("A run", &["]"], "Next attempt", Act::Later),
];

/// Whether the help sheet is open.
#[derive(Clone, Copy)]
struct HelpOpen(RwSignal<bool>);

/// Opens the help sheet when set.
pub fn help() -> RwSignal<bool> {
    expect_context::<HelpOpen>().0
}

/// Provides the help sheet's state to all components below. Called once, at the root.
pub fn provide() {
    provide_context(HelpOpen(RwSignal::new(false)));
}

/// The list of keys, generated from the table that binds them.
#[component]
pub fn HelpSheet() -> impl IntoView {
    let open = help();
    let dialog = NodeRef::<Dialog>::new();
    open_when(dialog, move || open.get(), || ());
    let group = |name: &'static str| {
        let bound = KEYS.iter().filter(move |(group, ..)| *group == name).map(|(_, keys, what, _)| (*keys, *what));
        let timeline = timeline::KEYS.iter().filter(move |_| name == timeline::GROUP).map(|(keys, what)| (*keys, *what));
        let rows = bound.chain(timeline).map(|(keys, what)| {
            let keys = keys.iter().map(|key| view! { <kbd>{*key}</kbd> " " }).collect_view();
            view! {
                <div>
                    <dt>{what}</dt>
                    <dd>{keys}</dd>
                </div>
            }
        });
        view! {
            <section>
                <h3>{name}</h3>
                <dl>{rows.collect_view()}</dl>
            </section>
        }
    };
    view! {
        <dialog class="help" node_ref=dialog aria-labelledby="help-heading" on:close=move |_| open.set(false)>
            <header>
                <h2 id="help-heading">"Keys"</h2>
                <form method="dialog">
                    <button class="btn ghost icon" aria-label="Close"><Icon name="i-x"/></button>
                </form>
            </header>
            <div class="keys">{group("Everywhere")} {group("Lists")} {group("A run")} {group(timeline::GROUP)}</div>
        </dialog>
    }
}

/// Listens to the keyboard, except while somebody types.
#[component]
pub fn Keys() -> impl IntoView {
    let (help, palette, session, chip) = (help(), palette::opener(), session(), Chip::get());
    let navigate = use_navigate();
    let path = use_location().pathname;
    let pending = StoredValue::new(None::<(String, f64)>);
    let act = move |act: Act| match act {
        Act::Help => help.set(true),
        Act::Palette => palette.set(true),
        Act::Search => focus("main input:is([name=q], [type=search])"),
        Act::Close => click("main [data-close]"),
        Act::Logs => navigate(paths::LOGS, NavigateOptions::default()),
        Act::Runs => navigate(paths::RUNS, NavigateOptions::default()),
        Act::FailedOnly if path.get_untracked() == paths::RUNS => navigate(&paths::runs_where("status:failed"), NavigateOptions::default()),
        Act::FailedOnly => {}
        Act::Theme => session.set_theme(session.wishes.get_untracked().theme.next()),
        Act::Live => chip.paused.update(|paused| *paused = !*paused),
        Act::Tab(nth) => click(&format!("main .tabs[aria-label='Views of the run'] a:nth-of-type({nth})")),
        Act::Earlier => click("main .tries a:has(+ [aria-current])"),
        Act::Later => click("main .tries [aria-current] + a"),
        Act::Down => step(1),
        Act::Up => step(-1),
        Act::Open => in_row("a[href]"),
        Act::Select => in_row("input[type=checkbox]"),
    };
    Effect::new(move |_| {
        let act = act.clone();
        let handle = window_event_listener(ev::keydown, move |event: KeyboardEvent| {
            let key = event.key();
            let control = event.ctrl_key() || event.meta_key();
            if control && key.eq_ignore_ascii_case("k") {
                event.prevent_default();
                act(Act::Palette);
                return;
            }
            if control || event.alt_key() || busy(&event) {
                return;
            }
            let at = event.time_stamp();
            let first = pending.get_value().filter(|(_, then)| at - then < 1000.0).map(|(key, _)| key);
            let found = KEYS.iter().find(|(_, keys, _, _)| match (keys, &first) {
                ([a, b], Some(first)) => *a == first && *b == key,
                ([only], _) => *only == key,
                _ => false,
            });
            pending.set_value(Some((key.clone(), at)));
            if let Some((.., what)) = found {
                // A focused link or button handles Enter itself.
                if *what == Act::Open && !on_row() {
                    return;
                }
                event.prevent_default();
                act(*what);
            }
        });
        on_cleanup(move || handle.remove());
    });
}

/// Whether somebody types, or a dialog has the keyboard.
fn busy(event: &KeyboardEvent) -> bool {
    let typing = event.target().and_then(|target| target.dyn_into::<HtmlElement>().ok()).is_some_and(|element| {
        let name = element.tag_name();
        let text = name == "INPUT" && !matches!(element.get_attribute("type").as_deref(), Some("checkbox" | "radio"));
        // A dialog that has just been closed may still have the focus.
        let shut = element.closest("dialog:not([open])").is_ok_and(|dialog| dialog.is_some());
        !shut && (text || name == "TEXTAREA" || name == "SELECT" || element.is_content_editable())
    });
    typing || document().query_selector("dialog[open]").ok().flatten().is_some()
}

fn element(selector: &str) -> Option<HtmlElement> {
    document().query_selector(selector).ok()??.dyn_into().ok()
}

fn click(selector: &str) {
    if let Some(element) = element(selector) {
        element.click();
    }
}

fn focus(selector: &str) {
    if let Some(element) = element(selector) {
        let _ = element.focus();
    }
}

fn on_row() -> bool {
    document().active_element().is_some_and(|element| element.tag_name() == "TR")
}

/// Moves the focus from row to row.
fn step(by: i32) {
    let here = document().active_element().and_then(|element| element.closest("tr[data-row]").ok().flatten());
    let next = match (&here, by) {
        (Some(row), 1) => row.next_element_sibling(),
        (Some(row), _) => row.previous_element_sibling(),
        (None, _) => document().query_selector("tr[data-row]").ok().flatten(),
    };
    let next = next.filter(|row| row.has_attribute("data-row")).and_then(|row| row.dyn_into::<HtmlElement>().ok());
    if let Some(row) = next {
        let _ = row.focus();
        row.scroll_into_view_with_bool(false);
    }
}

/// Clicks an element in the focused row.
fn in_row(selector: &str) {
    let row = document().active_element().and_then(|element| element.closest("tr[data-row]").ok().flatten());
    let target = row.and_then(|row| row.query_selector(selector).ok().flatten()).and_then(|element| element.dyn_into::<HtmlElement>().ok());
    if let Some(target) = target {
        target.click();
    }
}
