//! Reads runs: combines `store`, `live` and files into the data of [`view`].
//!
//! Pages, the API and background loops read through one [`Reader`]. It decides nothing about rights but asks
//! `model::access`; it contains no HTTP and draws nothing.
#![forbid(unsafe_code)]

mod benchmarks;
pub mod code;
mod error;
pub mod failures;
pub mod files;
pub mod followed;
pub mod highlight;
pub mod job_graphs;
pub mod job_pages;
pub mod jobs;
pub mod logs;
pub mod matrix;
pub mod named_files;
pub mod overview;
mod previews;
mod reader;
pub mod results;
pub mod rule_graphs;
pub mod run_pages;
mod seen;
mod tail;
pub mod time_left;
pub mod timelines;
mod work;

pub use error::ReadError;
pub use reader::Reader;
pub use seen::{Seen, check, note_read, run};
