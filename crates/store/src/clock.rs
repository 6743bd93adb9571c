//! The machine's clock: the one place that reads it. All other code is handed a [`Clock`].

use model::{Millis, clock::Clock};
use std::{
    sync::LazyLock,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// The clock of this machine. A program hands it on, mostly with its [`Store`](crate::Store). All copies are the same clock.
pub const fn system() -> Clock {
    Clock::new(now, passed)
}

/// Milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "this is the machine's clock")]
fn now() -> Millis {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as Millis)
}

/// The time since this was first asked.
#[expect(clippy::disallowed_methods, reason = "this is the machine's clock")]
fn passed() -> Duration {
    static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    BEGIN.elapsed()
}
