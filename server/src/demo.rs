//! The invented lab behind `flowod demo`: what it would report, and when.
//!
//! Pure: no clock, no I/O, no chance but the caller's seed. Sending is not done here.

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
