//! The buttons that zoom a drawing.

use super::Icon;
use leptos::prelude::*;

/// What a button of [`ZoomButtons`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zoom {
    Out,
    In,
    /// Show all of the drawing.
    Fit,
}

#[component]
pub fn ZoomButtons(to: impl Fn(Zoom) + Copy + Send + 'static) -> impl IntoView {
    view! {
        <div class="seg" role="group" aria-label="Zoom">
            <button type="button" aria-label="Zoom out" on:click=move |_| to(Zoom::Out)><Icon name="i-minus" small=true/></button>
            <button type="button" aria-label="Zoom in" on:click=move |_| to(Zoom::In)><Icon name="i-plus" small=true/></button>
            <button type="button" on:click=move |_| to(Zoom::Fit)>"Fit"</button>
        </div>
    }
}
