//! Committed changes, from LISTEN to the frames of open pages.
//!
//! [`listener`] hears that something was committed and reads what; [`hub`] keeps the last
//! ticks and hands them to everybody who listens; [`sse`] turns them into a response body.
//! Nothing else feeds the hub: only a commit does.
#![forbid(unsafe_code)]

pub mod health;
pub mod hub;
pub mod listener;
pub mod sse;
mod tick;

pub use health::Health;
pub use hub::{Hub, Scope, Subscription};
