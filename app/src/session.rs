//! What both sides must agree on before the first row: who looks, when, and what they like.

use crate::codec::Json;
use leptos::prelude::*;
use model::Millis;
use serde::{Deserialize, Serialize};

/// Light, dark, or as the system has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    /// The value of `data-theme`; nothing for the system's.
    pub const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::System => None,
            Self::Light => Some("light"),
            Self::Dark => Some("dark"),
        }
    }

    pub const fn label(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub const fn next(self) -> Self {
        match self {
            Self::System => Self::Light,
            Self::Light => Self::Dark,
            Self::Dark => Self::System,
        }
    }
}

/// What a person chose; kept in cookies, so that the server renders it right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wishes {
    pub theme: Theme,
    pub slim_rail: bool,
}

/// The state of this visit.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Visit {
    user: Option<String>,
    may_write: bool,
    now: Millis,
    wishes: Wishes,
    version: String,
}

/// This visit, as components use it.
#[derive(Clone, Copy)]
pub struct Session {
    /// Who is signed in.
    pub user: StoredValue<Option<String>>,
    pub may_write: bool,
    pub wishes: RwSignal<Wishes>,
    /// The clock: once a second while something is shown, the server's time at first.
    pub now: RwSignal<Millis>,
    /// The moment of the past that the page shows.
    pub then: RwSignal<Option<Millis>>,
    pub version: StoredValue<String>,
}

/// The present visit.
pub fn session() -> Session {
    expect_context::<Session>()
}

/// Makes the visit known to everything below. Called once, at the root.
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

/// Lets the clock go: in the browser, while the tab is to be seen.
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
    /// When it is for what is shown: now, or a moment of the past.
    pub fn clock(self) -> Signal<Millis> {
        let Self { now, then, .. } = self;
        Signal::derive(move || then.get().unwrap_or_else(|| now.get()))
    }

    /// Switches the theme, here and in the cookie.
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

    /// Folds the rail or unfolds it.
    pub fn toggle_rail(self) {
        let slim = !self.wishes.get_untracked().slim_rail;
        self.wishes.update(|wishes| wishes.slim_rail = slim);
        if let Some(body) = document().body() {
            let _ = if slim { body.set_attribute("data-rail", "slim") } else { body.remove_attribute("data-rail") };
        }
        keep("flowo_rail", if slim { "slim" } else { "wide" });
    }
}

/// Remembers a wish for a year. Written through the generic setter: the typed one needs another binding.
fn keep(name: &str, value: &str) {
    let text = format!("{name}={value}; Path=/; Max-Age=31536000; SameSite=Lax");
    let _ = js_sys::Reflect::set(&document(), &"cookie".into(), &text.into());
}

#[cfg(not(feature = "ssr"))]
fn visit() -> Visit {
    // Only without a server's value, which hydration always has.
    Visit { user: None, may_write: false, now: js_sys::Date::now() as Millis, wishes: Wishes::default(), version: String::new() }
}

#[cfg(feature = "ssr")]
fn visit() -> Visit {
    use model::access::{Permission, may};
    let viewer = crate::state::viewer().ok();
    Visit {
        may_write: viewer.as_ref().is_some_and(|viewer| may(viewer.grant, Permission::ChangeRuns).is_ok()),
        user: viewer.map(|viewer| viewer.name),
        now: store::clock::now(),
        wishes: wishes(),
        version: env!("CARGO_PKG_VERSION").into(),
    }
}

/// What the cookies say.
#[cfg(feature = "ssr")]
pub fn wishes() -> Wishes {
    let Some(parts) = use_context::<http::request::Parts>() else { return Wishes::default() };
    let lines = parts.headers.get_all(http::header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut wishes = Wishes::default();
    for pair in lines.flat_map(|line| line.split(';')) {
        match pair.trim() {
            "flowo_theme=light" => wishes.theme = Theme::Light,
            "flowo_theme=dark" => wishes.theme = Theme::Dark,
            "flowo_rail=slim" => wishes.slim_rail = true,
            _ => {}
        }
    }
    wishes
}
