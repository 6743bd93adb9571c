//! The jobs of a run as a matrix of samples and rules.

use super::prelude::*;
use model::RunId;
use view::matrix::{MatrixAsk, MatrixView};

/// A part of the matrix of a run; `None` if none of its jobs has a wildcard.
#[server(prefix = "/_fn", endpoint = "jobs/matrix", input = Json)]
pub async fn read_matrix(id: RunId, ask: MatrixAsk) -> Result<Option<MatrixView>, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(fail)?);
    let cursor = state.reader.hub.cursor(); // Taken first: a change during the read is sent again, not lost.
    let mut conn = state.reader.store.conn().await?;
    read::check(&mut conn, &viewer, id).await.map_err(fail)?;
    let wildcards = store::jobs::marks::wildcards(&mut conn, id, ask.by.as_deref()).await?;
    drop(conn); // Released here, because the whole matrix may have to be read.
    read::matrix::view(&state.reader, id, ask, wildcards, cursor).await.map_err(fail)
}
