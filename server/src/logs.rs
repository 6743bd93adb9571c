//! Logging: text on a terminal, JSON lines elsewhere, always on stderr.
//!
//! Events may contain text written by strangers. So each event is one line, and nothing in it can control a terminal.
//! Libraries are never logged below `info`, even on request: at those levels they log whole requests, with the tokens
//! in them.

use crate::config::env;
use model::terminal;
use std::{
    borrow::Cow,
    io::{self, IsTerminal as _, Write},
};
use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, Layer as _, filter::filter_fn, fmt::MakeWriter, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

/// The default filter.
const DEFAULT: &str = "info,sqlx=warn,hyper=warn,tower_http=warn";
/// Targets of our own events: crates, and names of our own.
const OURS: [&str; 8] = ["flowo_server", "flowod", "flowo", "app", "store", "live", "ingest", "peek"];

/// Starts logging. `FLOWO_LOG` is the filter; `FLOWO_LOG_FORMAT` is `text` or `json`.
pub fn start() {
    let filter = env("FLOWO_LOG").or_else(|| env("LOG_LEVEL").map(|level| level.to_lowercase()));
    let filter = EnvFilter::try_new(filter.unwrap_or_else(|| DEFAULT.into())).unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let json = match env("FLOWO_LOG_FORMAT").as_deref() {
        Some("json") => true,
        Some("text") => false,
        _ => !io::stderr().is_terminal(),
    };
    let colours = !json && io::stderr().is_terminal();
    let layer = tracing_subscriber::fmt::layer().with_writer(Quiet { json, colours });
    let layer = if json { layer.json().flatten_event(true).boxed() } else { layer.compact().with_target(false).with_ansi(colours).boxed() };
    // Both filters are global: a filter of one layer loses spans after it has dropped a record of the crate `log`.
    tracing_subscriber::registry().with(layer).with(filter).with(filter_fn(may_be_logged)).init();
}

/// Whether an event may be logged at all.
fn may_be_logged(metadata: &Metadata<'_>) -> bool {
    let crate_name = metadata.target().split("::").next().unwrap_or("");
    *metadata.level() <= Level::INFO || OURS.contains(&crate_name)
}

/// Standard error, with terminal control characters escaped.
#[derive(Clone, Copy)]
struct Quiet {
    json: bool,
    /// Whether our own colours pass.
    colours: bool,
}

impl<'a> MakeWriter<'a> for Quiet {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        *self
    }
}

impl Write for Quiet {
    /// Writes one whole event.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let body = text.strip_suffix('\n').unwrap_or(&text);
        let mut line = match (self.json, self.colours) {
            (true, _) => terminal::json(body),
            (false, true) => Cow::Owned(coloured(body)),
            (false, false) => terminal::line(body),
        }
        .into_owned();
        if body.len() < text.len() {
            line.push('\n');
        }
        io::stderr().write_all(line.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Escapes everything in a line that could control a terminal, except colours.
fn coloured(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\u{1b}[") {
        let (before, from) = rest.split_at(at);
        out.push_str(&terminal::line(before));
        let end = from[2..].find(|letter: char| !letter.is_ascii_digit() && letter != ';').map(|end| end + 2);
        rest = if let Some(end) = end.filter(|end| from[*end..].starts_with('m')) {
            out.push_str(&from[..=end]);
            &from[end + 1..]
        } else {
            out.push_str(&terminal::line(&from[..1]));
            &from[1..]
        };
    }
    out.push_str(&terminal::line(rest));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_colours_act_in_a_coloured_line() {
        let text = "\u{1b}[32m INFO\u{1b}[0m run \u{1b}[2J\u{9b}2J\u{202e}\nx \u{1b}]0;t\u{7}\u{1b}[1;31mred\u{1b}[";
        let shown = "\u{1b}[32m INFO\u{1b}[0m run \\u{1b}[2J\\u{9b}2J\\u{202e}\\nx \\u{1b}]0;t\\u{7}\u{1b}[1;31mred\\u{1b}[";
        assert_eq!(coloured(text), shown);
    }
}
