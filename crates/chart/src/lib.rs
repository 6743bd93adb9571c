//! Geometry of drawings, shared by the server that lays out and the browser that draws.
//!
//! Knows neither runs nor pages: no I/O, no clock, no randomness. Lengths are CSS pixels at
//! zoom 1, `x` to the right and `y` down.
#![forbid(unsafe_code)]

pub mod curve;
pub mod graph;
pub mod lanes;
pub mod rect;
pub mod stack;
pub mod time;
