//! A long list of rows of which only those near the view exist.

use leptos::{html, prelude::*};

/// Rows rendered beyond each edge of the view; lists shorter than five times that are rendered whole.
const BEYOND: usize = 30;
/// On pages narrower than this (px), rows are cards of varying height, and all exist.
const CARDS: f64 = 720.0;
/// The end counts as near when fewer rows than this follow.
const NEAR: f64 = 20.0;

/// The window over a list in a scroller. Cheap to copy.
#[derive(Clone, Copy)]
pub struct Windowed {
    pub scroller: NodeRef<html::Div>,
    window: RwSignal<(usize, usize)>,
    count: Signal<usize>,
    /// Height of a row, in pixels.
    row: u32,
    beyond: usize,
    /// Whether rows become cards on a narrow page, where they scroll with the page.
    cards: bool,
    near_end: Callback<()>,
}

impl Windowed {
    /// A window over `count` rows of `row` pixels each; calls `near_end` whenever the viewer comes near the end.
    pub fn new(count: Signal<usize>, row: u32, near_end: Callback<()>) -> Self {
        Self::with(count, row, BEYOND, true, near_end)
    }

    /// The same for rows that cost more and are never cards: only `beyond` of them are rendered beyond each edge.
    pub fn lean(count: Signal<usize>, row: u32, beyond: usize, near_end: Callback<()>) -> Self {
        Self::with(count, row, beyond, false, near_end)
    }

    fn with(count: Signal<usize>, row: u32, beyond: usize, cards: bool, near_end: Callback<()>) -> Self {
        let windowed = Self { scroller: NodeRef::new(), window: RwSignal::new((0, beyond * 5)), count, row, beyond, cards, near_end };
        Effect::new(move |_| {
            count.track();
            windowed.measure();
        });
        windowed
    }

    /// Measures the scroll position. Call it when the scroller scrolls.
    pub fn measure(self) {
        let Some(div) = self.scroller.try_get_untracked().flatten() else { return };
        let (Some(count), Some(held)) = (self.count.try_get_untracked(), self.window.try_get_untracked()) else { return };
        let (top, height, row) = (f64::from(div.scroll_top()), f64::from(div.client_height()), f64::from(self.row));
        let whole = self.beyond * 5;
        let cards = self.cards && f64::from(div.client_width()) < CARDS;
        let next = if cards || count <= whole {
            (0, count.max(whole))
        } else {
            let first = ((top / row) as usize).saturating_sub(self.beyond);
            (first / 10 * 10, ((top + height) / row) as usize / 10 * 10 + self.beyond + 10)
        };
        if held != next {
            self.window.try_set(next);
        }
        // Content that scrolls with the page always counts as seen to its end, so nothing is loaded; it has links to
        // further pages.
        let screen = window().inner_height().ok().and_then(|height| height.as_f64()).unwrap_or(height);
        let with_page = height > 2.0 * screen;
        if !with_page && f64::from(div.scroll_height()) - top - height < NEAR * row {
            self.near_end.try_run(());
        }
    }

    /// The first row that exists, and the one after the last.
    fn range(self) -> (usize, usize) {
        let ((first, last), count) = (self.window.get(), self.count.get());
        (first.min(count), last.min(count))
    }

    /// Those of `rows` that exist.
    pub fn of<T: Clone + 'static>(self, rows: &impl With<Value = Vec<T>>) -> Vec<T> {
        let (first, last) = self.range();
        rows.with(|rows| rows.get(first..last.min(rows.len())).unwrap_or_default().to_vec())
    }

    /// A spacer for the rows before or after those that exist.
    pub fn space(self, before: bool) -> impl IntoView {
        let (first, last) = self.range();
        let rows = if before { first } else { self.count.get() - last };
        (rows > 0).then(|| view! { <tr aria-hidden="true" style=format!("block-size:{}px", rows * self.row as usize)></tr> })
    }
}
