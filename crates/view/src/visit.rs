//! What server and browser must agree on before the first render: who is signed in, the time, and the preferences.

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
    /// The value of `data-theme`; `None` to follow the system.
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

/// A person's preferences; stored in cookies, so that the server renders them right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wishes {
    pub theme: Theme,
    pub slim_rail: bool,
}

/// The state of a visit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Visit {
    /// Who is signed in.
    pub user: Option<String>,
    pub may_write: bool,
    /// The server's time.
    pub now: Millis,
    pub wishes: Wishes,
    pub version: String,
}

impl Wishes {
    /// Reads the preferences from the lines of a request's cookies.
    pub fn of<'a>(lines: impl Iterator<Item = &'a str>) -> Self {
        let mut wishes = Self::default();
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_read_among_other_cookies() {
        let of = |lines: &[&str]| Wishes::of(lines.iter().copied());
        assert_eq!(of(&["a=b; flowo_theme=dark", "flowo_rail=slim"]), Wishes { theme: Theme::Dark, slim_rail: true });
        assert_eq!(of(&["flowo_theme=system; flowo_rail=wide; my_flowo_theme=dark"]), Wishes::default());
    }
}
