//! Server functions: parse, authorise, store, map the error. They are public endpoints.

pub mod lab;
pub mod runs;
