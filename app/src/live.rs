//! Keeps the page in step with the database.
//!
//! `stream` is the connection, `chip` shows its state, `rows` applies frames to a list, and `watch` is the one file
//! that a page may follow as well.

pub mod chip;
pub mod rows;
pub mod stream;
pub mod watch;

pub use chip::{Chip, provide};
pub use rows::LiveRuns;
pub use stream::{Wanted, follow};
pub use watch::Watch;
