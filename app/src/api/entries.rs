//! Messages and errors that clients reported, over all runs.

use super::prelude::*;
use view::entries::Entries;

/// Log entries, newest first: those that contain `q`, or all.
#[server(prefix = "/_fn", endpoint = "logs/search", input = Json)]
pub async fn search_entries(q: String, errors: bool, after: Option<i64>) -> Result<Entries, AppError> {
    /// Entries per page, and the longest search text in letters.
    const PAGE: u32 = 50;
    const LONGEST: usize = 200;
    let (state, viewer) = (state()?, viewer().map_err(fail)?);
    if q.chars().count() > LONGEST {
        let short = q.chars().take(40).collect::<String>();
        return Err(AppError::from(model::Invalid::new("q", short, "at most 200 letters")).failed());
    }
    let query = store::logs::Query { words: q.trim().to_owned(), errors, before: after, limit: PAGE };
    let mut conn = state.reader.store.conn().await?;
    let (entries, more) = store::logs::search(&mut conn, viewer.audience, &query).await?;
    let next = entries.last().map(|entry| entry.id).filter(|_| more);
    Ok(Entries { entries, next })
}
