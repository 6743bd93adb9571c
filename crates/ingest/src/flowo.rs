//! Flowo's own protocol: what `snakemake-logger-plugin-flowo` sends over HTTP, versions 0.1.11 to 2.2.0.
//!
//! The clients send one report at a time, wait for each answer, never repeat a report, and drop it on any status but
//! 200; so every well-formed report gets status 200.

mod protocol;
pub mod reply;
pub mod routes;
pub mod translate;
pub mod wire;

pub use protocol::PROTOCOL;
pub use routes::routes;
