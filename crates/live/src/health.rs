//! How well the server receives notifications: the state behind the live chip and `/healthz`.

use model::{Millis, live::Listening};

/// What the listener knows about its own connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    pub state: Listening,
    /// Milliseconds from the newest self-ping's commit to its arrival; `None` before the first.
    pub lag_ms: Option<Millis>,
}

impl Default for Health {
    fn default() -> Self {
        Self { state: Listening::Down, lag_ms: None }
    }
}
