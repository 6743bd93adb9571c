//! Foreign client protocols, translated, and the batch writer that applies what they say.
//!
//! One folder a protocol: `wire` (exactly as sent), `translate` (wire to our events, pure),
//! `routes` (HTTP), `reply` (answers exactly as expected). A protocol's words end there; what it exports is its
//! [`Protocol`](protocol::Protocol).
#![forbid(unsafe_code)]

mod agent;
pub mod batch;
mod clients;
mod direct;
pub mod flowo;
pub mod journal;
mod marks;
pub mod mask;
pub mod panoptes;
pub mod protocol;
mod weight;

pub use batch::{Refused, Writer};
pub use clients::{Clients, retold};
pub use store::apply::{Receipt, Sender};
