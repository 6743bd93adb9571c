//! The invented lab behind `flowod demo`: what it reports, and when.
//!
//! Pure, except `play`, which sends the reports: no clock, no I/O, no randomness but the caller's seed.

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
