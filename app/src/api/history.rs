//! The history of a run: every line of the change log about the run, its jobs and its log entries.

use super::prelude::*;
use model::RunId;
use view::history::HistoryView;

/// Lines per page.
#[cfg(feature = "ssr")]
const LINES: u32 = 100;

/// Lines about a run, only those older than `before` if given; `of` is `run`, `jobs` or `log`, or `None` for all.
#[server(prefix = "/_fn", endpoint = "runs/history", input = Json)]
pub async fn read_history(id: RunId, of: Option<String>, before: Option<String>) -> Result<HistoryView, AppError> {
    use model::{Invalid, history::Subject};
    let (state, viewer) = (state()?, viewer().map_err(fail)?);
    let wrong = |field: &'static str, value: &str, wanted: &'static str| AppError::from(Invalid::new(field, value, wanted)).failed();
    let subject = match of.as_deref() {
        None => None,
        Some(word) => Some(Subject::of_word(word).ok_or_else(|| wrong("as", word, "run, jobs or log"))?),
    };
    let before = match before.as_deref() {
        None => None,
        Some(text) => Some(text.parse::<i64>().map_err(|_| wrong("after", text, "a line's number"))?),
    };
    let mut conn = state.reader.store.conn().await?;
    read::check(&mut conn, &viewer, id).await.map_err(fail)?;
    let (changes, more) = store::history::of_run(&mut conn, id, subject, before, LINES).await?;
    let next = if more { changes.last().map(|change| change.id.to_string()) } else { None };
    Ok(HistoryView { changes, next })
}
