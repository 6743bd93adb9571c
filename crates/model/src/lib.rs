//! What runs, jobs and filters are, and what may happen to them.
//!
//! Shared by the server and the browser: no I/O, no clock, no randomness. Times are
//! [`Millis`]; the caller passes the current time, or hands in a [`clock::Clock`].
#![forbid(unsafe_code)]

pub mod access;
pub mod as_of;
pub mod clock;
pub mod cut;
pub mod encoding;
pub mod epoch;
pub mod event;
pub mod file;
pub mod filter;
pub mod fold;
pub mod history;
pub mod ids;
pub mod invalid;
pub mod job;
pub mod live;
pub mod log;
pub mod marks;
pub mod name_key;
pub mod nul;
pub mod page;
pub mod preview;
pub mod run;
pub mod status;
pub mod terminal;
pub mod text;

pub use as_of::AsOf;
pub use epoch::Epoch;
pub use ids::{JobKey, RunId, UserId};
pub use invalid::Invalid;
pub use name_key::NameKey;
pub use status::{JobStatus, RunStatus};

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type Millis = i64;
