//! Server functions: parse, authorise, store, map the error. They are public endpoints.

pub mod device;
pub mod lab;
pub mod runs;
