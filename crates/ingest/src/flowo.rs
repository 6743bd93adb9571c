//! Flowo's own protocol: what `snakemake-logger-plugin-flowo` sends over HTTP, versions 0.1.11 to 2.2.0.
//!
//! Serial clients that wait for each answer, never repeat a report, and drop it on anything
//! but status 200; so every well-formed report gets that.

mod protocol;
pub mod reply;
pub mod routes;
pub mod translate;
pub mod wire;

pub use protocol::PROTOCOL;
pub use routes::routes;
