//! Server functions: each parses, authorises, queries, and maps the error. They are public endpoints.

pub mod code;
pub mod demo;
pub mod devices;
pub mod entries;
pub mod files;
pub mod graph;
pub mod history;
pub mod info;
pub mod job_graph;
pub mod jobs;
pub mod logs;
pub mod matrix;
mod prelude;
pub mod results;
pub mod runs;
pub mod timeline;
