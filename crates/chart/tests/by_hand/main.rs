//! Small drawings worked out by hand: exact results for reasonable numbers.
//!
//! The tests beside the code compare with slower ways to the same result; `extremes` tries numbers at the limits.
#![forbid(unsafe_code)]

mod curve;
mod graph;
mod lanes;
mod stack;
mod time;
