//! Rectangles in a plane.

use serde::{Deserialize, Serialize};

/// A rectangle by its upper left corner and its size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rect {
    pub x: f32,
    pub y: f32,
    pub w: f32,
    pub h: f32,
}

impl Rect {
    /// The smallest rectangle around points; empty for none.
    pub fn around(points: &[(f32, f32)]) -> Self {
        let Some(&(x, y)) = points.first() else { return Self::default() };
        let (mut low, mut high) = ((x, y), (x, y));
        for &(x, y) in points {
            low = (low.0.min(x), low.1.min(y));
            high = (high.0.max(x), high.1.max(y));
        }
        Self { x: low.0, y: low.1, w: high.0 - low.0, h: high.1 - low.1 }
    }

    pub fn centre(&self) -> (f32, f32) {
        (self.x + self.w / 2.0, self.y + self.h / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rectangle_holds_all_points_it_is_made_of() {
        assert_eq!(Rect::around(&[(3.0, 4.0), (1.0, 9.0)]), Rect { x: 1.0, y: 4.0, w: 2.0, h: 5.0 });
        assert_eq!(Rect::around(&[]), Rect::default());
    }
}
