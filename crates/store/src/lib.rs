//! Every SQL statement of Flowo, as functions named after what they do.
//!
//! No other crate contains SQL. Functions take a connection, so that callers decide on transactions; absence is
//! `Ok(None)`. To add a query: a function in the file of its noun, a test with real rows in `tests/`, an `EXPLAIN`
//! snapshot if it reads a table that grows.
//!
//! The tools that all crates above use are here, too: the pool with its clock ([`clock`]), and the form of loops
//! ([`Loop`]).
#![forbid(unsafe_code)]

pub mod admin;
pub mod apply;
mod audience;
pub mod audit;
pub mod changes;
pub mod clock;
pub mod credentials;
pub mod devices;
pub mod error;
pub mod events;
pub mod graphs;
pub mod history;
pub mod jobs;
pub mod journals;
pub mod listen;
pub mod logs;
pub mod migrate;
pub mod monitor;
pub mod panoptes;
pub mod past;
pub mod patience;
pub mod people;
pub mod pool;
pub mod prune;
pub mod repeat;
pub mod run_logs;
pub mod runs;
pub mod stats;
mod status;
pub mod sweep;

pub use error::{Doing, StoreError};
pub use pool::{Store, begin, commit};
pub use repeat::Loop;
/// A connection that the caller owns: for reading, or a transaction's.
pub type Conn = sqlx::PgConnection;
