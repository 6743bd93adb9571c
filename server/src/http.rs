//! Everything that speaks HTTP: access, routes, the API, streams and downloads, the pages' files, and the connections
//! themselves. The data comes from other crates.

pub mod access;
pub mod api;
pub mod bodies;
pub mod health;
pub mod kept;
pub mod listen;
pub mod live;
pub mod pages;
pub mod problem;
pub mod raw;
pub mod router;
pub mod run_report;
pub mod site;
mod state;

pub use state::{ServerState, Shared};
