//! The page's colours for painting on a canvas. They are read from invisible elements, so that theme and style sheet decide.

use crate::session::session;
use leptos::{html, prelude::*};
use wasm_bindgen::JsCast as _;
use web_sys::{CanvasRenderingContext2d, Element, HtmlCanvasElement};

/// The names of the colours; `style/parts/canvas-colours.css` gives them.
pub const INKS: [&str; 15] = [
    "success", "quiet", "running", "lost", "failed", "waiting", "line", "text", "strong", "area", "cores", "accent", "brush", "ground",
    "box",
];

/// The page's current colours, in the order of [`INKS`].
#[derive(Clone, Default)]
pub struct Inks(Vec<String>);

impl Inks {
    /// Reads the colours from an element that contains an [`InkPot`].
    fn read(inside: &Element) -> Self {
        let read = |ink: &str| {
            let probe = inside.query_selector(&format!("[data-ink={ink}]")).ok().flatten()?;
            window().get_computed_style(&probe).ok().flatten()?.get_property_value("color").ok()
        };
        Self(INKS.iter().map(|ink| read(ink).unwrap_or_default()).collect())
    }

    /// A colour by its name.
    pub fn of(&self, name: &str) -> &str {
        INKS.iter().position(|ink| *ink == name).and_then(|at| self.0.get(at)).map_or("gray", String::as_str)
    }
}

/// The invisible elements from which the colours are read.
#[component]
pub fn InkPot() -> impl IntoView {
    view! { <div class="ink-pot" aria-hidden="true">{INKS.iter().map(|ink| view! { <i data-ink=*ink></i> }).collect_view()}</div> }
}

/// A canvas with the page's colours, painted at most once per frame. Cheap to copy; its calls do nothing once the view is
/// gone.
#[derive(Clone, Copy)]
pub struct Easel {
    pub canvas: NodeRef<html::Canvas>,
    inks: StoredValue<Inks>,
    painting: StoredValue<bool>,
}

impl Easel {
    pub fn new() -> Self {
        Self { canvas: NodeRef::new(), inks: StoredValue::new(Inks::default()), painting: StoredValue::new(false) }
    }

    /// Calls `paint` when the colours may have changed; the colours are read anew then.
    pub fn follow_theme(self, paint: impl Fn() + 'static) {
        let wishes = session().wishes;
        Effect::new(move |_| {
            wishes.track();
            self.inks.set_value(Inks::default());
            paint();
        });
    }

    /// Calls `paint` in the next frame, once.
    pub fn soon(self, paint: impl FnOnce() + 'static) {
        if self.painting.try_update_value(|painting| std::mem::replace(painting, true)) != Some(false) {
            return;
        }
        request_animation_frame(move || {
            self.painting.try_set_value(false);
            paint();
        });
    }

    /// The pen and the colours for a picture of this size (CSS pixels); `inside` contains an [`InkPot`].
    pub fn pen(self, inside: &Element, width: f64, height: f64) -> Option<(CanvasRenderingContext2d, Inks)> {
        let pen = pen(&self.canvas.try_get_untracked().flatten()?, width, height)?;
        let mut inks = self.inks.try_get_value().unwrap_or_default();
        if inks.0.is_empty() {
            inks = Inks::read(inside);
            self.inks.try_set_value(inks.clone());
        }
        Some((pen, inks))
    }
}

/// Sets a canvas to its displayed size and returns its drawing context, with lengths in CSS pixels.
fn pen(canvas: &HtmlCanvasElement, width: f64, height: f64) -> Option<CanvasRenderingContext2d> {
    let ratio = window().device_pixel_ratio().clamp(1.0, 3.0);
    let (wide, high) = ((width * ratio) as u32, (height * ratio) as u32);
    if canvas.width() != wide || canvas.height() != high {
        canvas.set_width(wide);
        canvas.set_height(high);
        let _ = canvas.set_attribute("style", &format!("inline-size:{width}px;block-size:{height}px"));
    }
    let pen = canvas.get_context("2d").ok().flatten()?.dyn_into::<CanvasRenderingContext2d>().ok()?;
    pen.set_transform(ratio, 0.0, 0.0, ratio, 0.0, 0.0).ok()?;
    Some(pen)
}
