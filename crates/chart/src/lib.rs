//! Geometry of drawings, shared by the server that lays out and the browser that draws.
//!
//! Knows neither runs nor pages: no I/O, no clock, no randomness. Lengths are CSS pixels at
//! zoom 1, `x` to the right and `y` down.
//!
//! All functions are total: for every number, including NaN, they return without a panic. `tests/extremes.rs` tests
//! every public function.
#![forbid(unsafe_code)]

pub mod camera;
pub mod curve;
pub mod graph;
pub mod lanes;
pub mod rect;
pub mod stack;
pub mod strip;
pub mod time;

/// The position at a fraction of the distance between two positions, rounded; as exact as `f64` allows, and never
/// outside the range of `i64`.
fn along(from: i64, to: i64, share: f64) -> i64 {
    if let Some(way) = to.checked_sub(from) {
        return from.saturating_add((way as f64 * share).round() as i64);
    }
    let way = i128::from(to) - i128::from(from);
    let at = i128::from(from) + (way as f64 * share).round() as i128;
    i64::try_from(at).unwrap_or(if at < 0 { i64::MIN } else { i64::MAX })
}
