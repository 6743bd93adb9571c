//! Server functions: parse, authorise, store, map the error. They are public endpoints.

pub mod graph;
pub mod jobs;
pub mod lab;
pub mod runs;
