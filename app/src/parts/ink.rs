//! The page's colours for painting on a canvas. They are read from invisible elements, so that theme and style sheet decide.

use leptos::prelude::*;
use web_sys::Element;

/// The names of the colours; `style/parts/ink.css` gives them.
pub const INKS: [&str; 15] = [
    "success", "quiet", "running", "lost", "failed", "waiting", "line", "text", "strong", "area", "cores", "accent", "brush", "ground",
    "box",
];

/// The page's current colours, in the order of [`INKS`].
#[derive(Clone, Default)]
pub struct Inks(Vec<String>);

impl Inks {
    /// Reads the colours from an element that contains an [`InkPot`].
    pub fn read(inside: &Element) -> Self {
        let read = |ink: &str| {
            let probe = inside.query_selector(&format!("[data-ink={ink}]")).ok().flatten()?;
            window().get_computed_style(&probe).ok().flatten()?.get_property_value("color").ok()
        };
        Self(INKS.iter().map(|ink| read(ink).unwrap_or_default()).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
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

/// Sets a canvas to its displayed size and returns its drawing context, with lengths in CSS pixels.
pub fn pen(canvas: &web_sys::HtmlCanvasElement, width: f64, height: f64) -> Option<web_sys::CanvasRenderingContext2d> {
    use wasm_bindgen::JsCast as _;
    let ratio = window().device_pixel_ratio().clamp(1.0, 3.0);
    let (wide, high) = ((width * ratio) as u32, (height * ratio) as u32);
    if canvas.width() != wide || canvas.height() != high {
        canvas.set_width(wide);
        canvas.set_height(high);
        let _ = canvas.set_attribute("style", &format!("inline-size:{width}px;block-size:{height}px"));
    }
    let pen = canvas.get_context("2d").ok().flatten()?.dyn_into::<web_sys::CanvasRenderingContext2d>().ok()?;
    pen.set_transform(ratio, 0.0, 0.0, ratio, 0.0, 0.0).ok()?;
    Some(pen)
}
