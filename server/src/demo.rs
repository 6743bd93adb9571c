//! The invented lab behind `flowod demo`: what it reports, and when.
//!
//! Pure: no clock, no I/O, no randomness but the caller's seed. Sending happens elsewhere.

mod big;
mod data;
mod dice;
mod lab;
mod records;
mod schedule;
mod script;
mod work;

pub use big::{Big, Size};
pub use lab::{USERS, history, running};
pub use script::{Report, ReportKind, ScriptedRun};
