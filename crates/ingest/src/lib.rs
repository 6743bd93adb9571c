//! Translates the protocols of foreign clients, and contains the batch writer that applies their reports.
//!
//! One folder per protocol: `wire` (exactly as sent), `translate` (wire to the model's events, pure), `routes` (HTTP),
//! `reply` (answers exactly as expected). A protocol's own words are used nowhere else; it exports a
//! [`Protocol`](protocol::Protocol).
#![forbid(unsafe_code)]

mod agent;
pub mod batch;
mod clients;
mod direct;
pub mod flowo;
pub mod journal;
pub mod mask;
pub mod panoptes;
pub mod protocol;
#[cfg(test)]
mod recorded;
mod weight;

pub use batch::{Refused, Writer};
pub use clients::{Clients, journal_reader};
pub use store::apply::{Receipt, Sender};
