//! Results of a run: the outputs its jobs declare, which of them exist, its directory, and previews of files.

use super::prelude::*;
use model::{
    RunId,
    encoding::Encoding,
    file::{FileFacts, FileRef, NoFile},
    preview::Shown,
};
use view::results::{ResultsAsk, ResultsView};

/// The results of a run, or of one rule.
#[server(prefix = "/_fn", endpoint = "results/list", input = Json)]
pub async fn read_results(id: RunId, ask: ResultsAsk) -> Result<ResultsView, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(fail)?);
    read::results::view(&state.reader, &viewer, id, ask).await.map_err(fail)
}

/// The next window of a file, from where the previous one ended.
#[server(prefix = "/_fn", endpoint = "results/preview", input = Json)]
pub async fn read_preview(
    id: RunId,
    file: FileRef,
    at: u64,
    encoding: Option<Encoding>,
) -> Result<Result<(FileFacts, Shown), NoFile>, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(fail)?);
    read::results::preview(&state.reader, &viewer, id, file, at, encoding).await.map_err(fail)
}
