//! The rules of states, filters and access as tables, tested as other crates use them.
//!
//! The tests beside the code test the observed sequences of clients, and `recorded` tests whole conversations.
#![forbid(unsafe_code)]

mod access;
mod fill;
mod filter;
mod filter_text;
mod fold;
mod fold_jobs;
mod moves;
mod story;
