//! Committed changes, from LISTEN to the frames of open pages.
//!
//! [`listener`] receives notifications of commits and reads what changed; [`hub`] keeps the last
//! ticks and sends them to all readers; [`sse`] turns them into a response body.
//! Only commits feed the hub.
#![forbid(unsafe_code)]

pub mod health;
pub mod hub;
pub mod listener;
pub mod sse;
mod tick;

pub use health::Health;
pub use hub::{Hub, Scope, Subscription};
pub use tick::Standing;
