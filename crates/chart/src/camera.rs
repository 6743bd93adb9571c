//! The part of a large drawing that a view shows: panned, zoomed, fitted.
//!
//! Positions in the view are pixels from its upper left corner; positions in the drawing are its own units.

/// The position of the view's upper left corner in the drawing, and the pixels per unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    pub x: f64,
    pub y: f64,
    pub scale: f64,
}

impl Camera {
    /// Shows all of a drawing of size `whole` in the middle of a view of size `view`, never enlarged and never smaller
    /// than `least` pixels per unit.
    pub fn fit(view: (f64, f64), whole: (f64, f64), least: f64) -> Self {
        let scale = (view.0 / whole.0).min(view.1 / whole.1).min(1.0).max(least);
        Self { x: (whole.0 - view.0 / scale) / 2.0, y: (whole.1 - view.1 / scale) / 2.0, scale }
    }

    /// The position in the drawing of a position in the view.
    pub fn at(self, (x, y): (f64, f64)) -> (f64, f64) {
        (self.x + x / self.scale, self.y + y / self.scale)
    }

    /// Zooms to `scale` pixels per unit; what the view shows at `around` stays there.
    pub fn zoomed(self, scale: f64, around: (f64, f64)) -> Self {
        let (x, y) = self.at(around);
        Self { x: x - around.0 / scale, y: y - around.1 / scale, scale }
    }

    /// Moves the view by a number of pixels.
    pub fn panned(self, x: f64, y: f64) -> Self {
        let (x, y) = self.at((x, y));
        Self { x, y, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_fits_in_the_middle_and_is_not_enlarged() {
        let wide = Camera::fit((100.0, 100.0), (200.0, 50.0), 0.01);
        assert_eq!((wide.scale, wide.at((0.0, 50.0)), wide.at((100.0, 50.0))), (0.5, (0.0, 25.0), (200.0, 25.0)));
        assert_eq!(Camera::fit((100.0, 100.0), (50.0, 50.0), 0.01), Camera { x: -25.0, y: -25.0, scale: 1.0 });
    }

    #[test]
    fn zooming_keeps_the_point_under_the_pointer_and_panning_back_keeps_all() {
        let camera = Camera { x: 8.0, y: -4.0, scale: 0.5 };
        let pointer = (32.0, 16.0);
        assert_eq!(camera.zoomed(2.0, pointer).at(pointer), camera.at(pointer));
        assert_eq!(camera.panned(12.0, 6.0).panned(-12.0, -6.0), camera);
    }
}
