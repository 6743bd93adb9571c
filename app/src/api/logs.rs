//! Logs of a run: the list of them, and windows of one. No log is read whole.

use super::prelude::*;
use model::{
    RunId,
    encoding::Encoding,
    file::{FileRef, NoFile},
    log::{Hits, Level, LogPart},
};
use view::logs::{LogsAsk, LogsView, OpenLog};

/// The logs of a run, or of one rule's jobs, with a window of one of them.
#[server(prefix = "/_fn", endpoint = "logs/list", input = Json)]
pub async fn read_logs(id: RunId, ask: LogsAsk) -> Result<LogsView, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(fail)?);
    read::logs::view(&state.reader, &viewer, id, ask).await.map_err(fail)
}

/// A window of one log.
#[server(prefix = "/_fn", endpoint = "logs/window", input = Json)]
pub async fn read_log(id: RunId, file: FileRef, part: LogPart, encoding: Option<Encoding>) -> Result<OpenLog, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(fail)?);
    read::logs::open(&state.reader, &viewer, id, file, part, encoding).await.map_err(fail)
}

/// Lines of one log, from a byte on, that contain `words`, or that have at least `level` if there are none. Searches
/// for a moment; to go on, the caller repeats the request from where it stopped.
#[server(prefix = "/_fn", endpoint = "logs/find", input = Json)]
pub async fn find_in_log(
    id: RunId,
    file: FileRef,
    words: Option<String>,
    level: Option<Level>,
    from: u64,
    encoding: Option<Encoding>,
) -> Result<Result<Hits, NoFile>, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(fail)?);
    let look = read::logs::looked_for(words, level, from, encoding).map_err(fail)?;
    read::logs::find(&state.reader, &viewer, id, file, look).await.map_err(fail)
}

/// The byte at which line `number` begins, counted from 1. `None` while lines are still being counted: ask again.
#[server(prefix = "/_fn", endpoint = "logs/line", input = Json)]
pub async fn line_of_log(id: RunId, file: FileRef, number: u64) -> Result<Result<Option<u64>, NoFile>, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(fail)?);
    read::logs::line(&state.reader, &viewer, id, file, number).await.map_err(fail)
}

/// The number of line ends before a byte. `None` while they are still being counted: ask again.
#[server(prefix = "/_fn", endpoint = "logs/count", input = Json)]
pub async fn count_lines(id: RunId, file: FileRef, before: u64) -> Result<Result<Option<u64>, NoFile>, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(fail)?);
    read::logs::count(&state.reader, &viewer, id, file, before).await.map_err(fail)
}
