//! The demo lab: loaded and removed from the first-run card.

use super::prelude::*;

/// Starts to play the demo lab in the background.
#[server(prefix = "/_fn", endpoint = "lab/load", input = Json)]
pub async fn load_lab() -> Result<(), AppError> {
    editor().map_err(fail)?;
    state()?.lab.load().await.map_err(fail)
}

/// Removes every run and user of the demo lab.
#[server(prefix = "/_fn", endpoint = "lab/clear", input = Json)]
pub async fn clear_lab() -> Result<(), AppError> {
    editor().map_err(fail)?;
    state()?.lab.clear().await.map_err(fail)
}
