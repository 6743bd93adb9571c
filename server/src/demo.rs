//! The invented lab behind `flowod demo`: what it reports, and when.
//!
//! Everything but `play` is pure: no clock, no I/O, no randomness but the caller's seed. `play` sends the reports.

mod big;
mod data;
mod dice;
pub mod play;
mod records;
mod runs;
mod schedule;
mod script;
mod work;

pub use big::{Big, Size};
pub use runs::{USERS, history, running};
pub use script::{ReportKind, ScriptedReport, ScriptedRun};
