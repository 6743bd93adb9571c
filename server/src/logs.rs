//! Where logs go and in what form: text on a terminal, JSON lines elsewhere, always on stderr.

use crate::config::env;
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// What is logged when nobody says otherwise.
const DEFAULT: &str = "info,sqlx=warn,hyper=warn,tower_http=warn";

/// Starts logging. `FLOWO_LOG` is the filter, `FLOWO_LOG_FORMAT` is `text` or `json`.
pub fn start() {
    let filter = env("FLOWO_LOG").or_else(|| env("LOG_LEVEL").map(|level| level.to_lowercase()));
    let filter = EnvFilter::try_new(filter.unwrap_or_else(|| DEFAULT.into())).unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let json = match env("FLOWO_LOG_FORMAT").as_deref() {
        Some("json") => true,
        Some("text") => false,
        _ => !std::io::stderr().is_terminal(),
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if json {
        builder.json().flatten_event(true).init();
    } else {
        builder.compact().with_target(false).with_ansi(std::io::stderr().is_terminal()).init();
    }
}
