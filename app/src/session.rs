//! What server and browser must agree on before the first render: who is signed in, the time, and the preferences.

use crate::codec::Json;
use leptos::prelude::*;
use model::Millis;
use view::visit::Visit;
pub use view::visit::{Theme, Wishes};

/// This visit, as components use it.
#[derive(Clone, Copy)]
pub struct Session {
    /// Who is signed in.
    pub user: StoredValue<Option<String>>,
    pub may_write: bool,
    pub wishes: RwSignal<Wishes>,
    /// The current time: the server's at first, then updated once a second while the tab is visible.
    pub now: RwSignal<Millis>,
    /// The moment of the past that the page shows.
    pub then: RwSignal<Option<Millis>>,
    pub version: StoredValue<String>,
}

/// The present visit.
pub fn session() -> Session {
    expect_context::<Session>()
}

/// Provides the visit to all components below. Called once, at the root.
pub fn provide() {
    let visit = SharedValue::<Visit, Json>::new_with_encoding(visit).into_inner();
    let session = Session {
        user: StoredValue::new(visit.user),
        may_write: visit.may_write,
        wishes: RwSignal::new(visit.wishes),
        now: RwSignal::new(visit.now),
        then: RwSignal::new(None),
        version: StoredValue::new(visit.version),
    };
    provide_context(session);
    tick(session.now);
}

/// Starts the clock: in the browser, while the tab is visible.
fn tick(now: RwSignal<Millis>) {
    Effect::new(move |_| {
        let beat = move || {
            if !document().hidden() {
                now.set(js_sys::Date::now() as Millis);
            }
        };
        beat();
        let handle = set_interval_with_handle(beat, std::time::Duration::from_secs(1));
        on_cleanup(move || {
            if let Ok(handle) = handle {
                handle.clear();
            }
        });
    });
}

impl Session {
    /// The time for the shown content: now, or a moment of the past.
    pub fn clock(self) -> Signal<Millis> {
        let Self { now, then, .. } = self;
        Signal::derive(move || then.get().unwrap_or_else(|| now.get()))
    }

    /// Switches the theme, on the page and in the cookie.
    pub fn set_theme(self, theme: Theme) {
        self.wishes.update(|wishes| wishes.theme = theme);
        if let Some(root) = document().document_element() {
            let _ = match theme.as_str() {
                Some(word) => root.set_attribute("data-theme", word),
                None => root.remove_attribute("data-theme"),
            };
        }
        keep("flowo_theme", theme.label());
    }

    /// Folds or unfolds the rail.
    pub fn toggle_rail(self) {
        let slim = !self.wishes.get_untracked().slim_rail;
        self.wishes.update(|wishes| wishes.slim_rail = slim);
        if let Some(body) = document().body() {
            let _ = if slim { body.set_attribute("data-rail", "slim") } else { body.remove_attribute("data-rail") };
        }
        keep("flowo_rail", if slim { "slim" } else { "wide" });
    }
}

/// Stores a preference for a year. Uses the generic setter, because the typed one needs another binding.
fn keep(name: &str, value: &str) {
    let text = format!("{name}={value}; Path=/; Max-Age=31536000; SameSite=Lax");
    let _ = js_sys::Reflect::set(&document(), &"cookie".into(), &text.into());
}

#[cfg(not(feature = "ssr"))]
fn visit() -> Visit {
    // Used only without a value from the server; hydration always has one.
    Visit { user: None, may_write: false, now: js_sys::Date::now() as Millis, wishes: Wishes::default(), version: String::new() }
}

#[cfg(feature = "ssr")]
fn visit() -> Visit {
    use model::access::{Permission, may};
    let viewer = crate::state::viewer().ok();
    Visit {
        may_write: viewer.as_ref().is_some_and(|viewer| may(viewer.grant, Permission::ChangeRuns).is_ok()),
        user: viewer.map(|viewer| viewer.name),
        now: crate::state::state().map_or(0, |state| state.reader.store.clock().now()),
        wishes: wishes(),
        version: env!("CARGO_PKG_VERSION").into(),
    }
}

/// The preferences in the cookies.
#[cfg(feature = "ssr")]
pub fn wishes() -> Wishes {
    let Some(parts) = use_context::<http::request::Parts>() else { return Wishes::default() };
    Wishes::of(parts.headers.get_all(http::header::COOKIE).into_iter().filter_map(|value| value.to_str().ok()))
}
