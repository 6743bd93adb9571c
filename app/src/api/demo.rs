//! The demo lab: loaded and removed from the first-run card.

use super::prelude::*;

/// Starts to play the demo lab in the background.
#[server(prefix = "/_fn", endpoint = "demo/load", input = Json)]
pub async fn load_demo() -> Result<(), AppError> {
    editor().map_err(fail)?;
    state()?.demo.load().await.map_err(fail)
}

/// Removes every run and user of the demo lab.
#[server(prefix = "/_fn", endpoint = "demo/clear", input = Json)]
pub async fn clear_demo() -> Result<(), AppError> {
    editor().map_err(fail)?;
    state()?.demo.clear().await.map_err(fail)
}
