//! The data that pages show, as plain values that travel as JSON, the words about it, and the URLs of pages.
//!
//! Reads nothing and draws nothing; the same in the server and in the browser.
#![forbid(unsafe_code)]

pub mod causes;
pub mod clients;
pub mod code;
pub mod devices;
pub mod entries;
pub mod files;
pub mod history;
pub mod info;
pub mod job_graph;
pub mod jobs;
pub mod logs;
pub mod matrix;
pub mod paths;
pub mod query;
pub mod results;
pub mod rule_graph;
pub mod runs;
pub mod sequences;
pub mod table;
pub mod tabs;
pub mod timeline;
pub mod visit;
