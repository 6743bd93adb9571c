//! Foreign client protocols, translated, and the batch writer that applies what they say.
//!
//! One folder a protocol: `wire` (exactly as sent), `translate` (wire to our events, pure),
//! `routes` (HTTP), `reply` (answers exactly as expected). A protocol's words end there.
#![forbid(unsafe_code)]

mod agent;
pub mod batch;
pub mod flowo;
pub mod journal;
mod marks;
pub mod mask;
pub mod panoptes;
mod weight;

pub use batch::{Refused, Writer};
pub use store::apply::{Receipt, Sender};
