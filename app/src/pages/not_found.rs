//! The page for unknown URLs.

use crate::{error::AppError, parts::error::ErrorPage};
use leptos::prelude::*;

/// The 404 page.
#[component]
pub fn NotFound() -> impl IntoView {
    #[cfg(feature = "ssr")]
    let _ = AppError::NotFound.failed();
    view! { <ErrorPage error=AppError::NotFound/> }
}
