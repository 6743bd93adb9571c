//! The system clock: the one place that reads it. All other code is passed the time.

use model::Millis;
use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970, by this machine's clock.
#[expect(clippy::disallowed_methods, reason = "this is the system clock")]
pub fn now() -> Millis {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as Millis)
}
