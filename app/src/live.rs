//! Keeps what is shown in step with what is committed.
//!
//! `stream` is the connection, `chip` what is said about it, `rows` how a list takes frames in, `watch` the file
//! that is followed besides.

pub mod chip;
pub mod rows;
pub mod stream;
pub mod watch;

pub use chip::{Chip, provide};
pub use rows::LiveRuns;
pub use stream::{Wanted, follow};
pub use watch::Watch;
