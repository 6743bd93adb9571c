//! Further facts about a run: how it was started, its plan, and its reports as received.

use super::prelude::*;
use model::RunId;
use view::info::InfoView;

/// Reports per page.
#[cfg(feature = "ssr")]
const REPORTS: u32 = 30;

/// A run with one page of its reports, starting after `after`.
#[server(prefix = "/_fn", endpoint = "runs/info", input = Json)]
pub async fn read_info(id: RunId, after: Option<String>) -> Result<InfoView, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(fail)?);
    let mut conn = state.reader.store.conn().await?;
    let wrong = |after: &str| AppError::from(model::Invalid::new("after", after, "a report's number"));
    let after = after.map_or(Ok(0), |text| text.parse::<i64>().map_err(|_| wrong(&text)))?;
    let detail = store::runs::detail(&mut conn, viewer.audience, id).await?.ok_or(AppError::NotFound).map_err(fail)?;
    let (events, more) = store::events::of_run(&mut conn, id, after, REPORTS).await?;
    let next = if more { events.last().map(|event| event.id.to_string()) } else { None };
    let unsent = state.clients.unsent.get(&detail.run.source).cloned();
    Ok(InfoView { detail, events, unsent, next })
}
