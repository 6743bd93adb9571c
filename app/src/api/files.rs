//! Files that a run's jobs name: by rule, of one rule, by search words, and one path with its jobs.

use super::prelude::*;
use model::RunId;
use view::files::{FilesAsk, FilesView};

/// Files of a run.
#[server(prefix = "/_fn", endpoint = "runs/files", input = Json)]
pub async fn read_files(id: RunId, ask: FilesAsk) -> Result<FilesView, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(fail)?);
    read::named_files::view(&state.reader, &viewer, id, ask).await.map_err(fail)
}
