//! Runs for pages: a window of the list, the figures above it, one run, deletion and its undo.

use super::prelude::*;
#[cfg(feature = "ssr")]
use model::filter::RunFilter;
use model::{
    AsOf, Millis, RunId,
    page::{Page, Total},
    run::RunSummary,
};
use view::runs::{Overview, RunList, RunView};

/// The runs that pass a filter, from a position on, with everything around the list.
#[server(prefix = "/_fn", endpoint = "runs/list", input = Json)]
pub async fn list_runs(q: String, sort: String, after: Option<String>) -> Result<RunList, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(fail)?);
    let cursor = state.reader.hub.cursor(); // Taken first: a change during the read is sent again, not lost.
    let (overview, tiles_at) = state.reader.overview.overview(viewer.audience).await.map_err(fail)?;
    let filter = RunFilter::parse(&q);
    let (total, total_at) = state.reader.overview.total(viewer.audience, &filter).await.map_err(fail)?;
    let mut conn = state.reader.store.conn().await?;
    let now = state.reader.store.clock().now();
    let page = read::run_pages::page(&mut conn, &viewer, &filter, &sort, after.as_deref(), now).await.map_err(fail)?;
    let any = !page.items.is_empty() || store::stats::any_run(&mut conn).await?;
    let (base_url, ways) = (state.base_url.to_string(), if any { Vec::new() } else { state.clients.ways.clone() });
    Ok(RunList { page, filter, total, overview, cursor: cursor.min(tiles_at).min(total_at), any, base_url, ways })
}

/// The next window of the same list.
#[server(prefix = "/_fn", endpoint = "runs/more", input = Json)]
pub async fn more_runs(q: String, sort: String, after: String) -> Result<Page<RunSummary>, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(fail)?);
    let mut conn = state.reader.store.conn().await?;
    let now = state.reader.store.clock().now();
    read::run_pages::page(&mut conn, &viewer, &RunFilter::parse(&q), &sort, Some(&after), now).await.map_err(fail)
}

/// The figures above the list, and how many runs pass a filter; both may be up to 250 ms old.
#[server(prefix = "/_fn", endpoint = "runs/overview", input = Json)]
pub async fn read_overview(q: String) -> Result<(Overview, Total), AppError> {
    let (state, viewer) = (state()?, viewer().map_err(fail)?);
    let (overview, _) = state.reader.overview.overview(viewer.audience).await.map_err(fail)?;
    let (total, _) = state.reader.overview.total(viewer.audience, &RunFilter::parse(&q)).await.map_err(fail)?;
    Ok((overview, total))
}

/// Head, errors, attempts and rules of a run, now or at a moment of the past.
#[server(prefix = "/_fn", endpoint = "runs/read", input = Json)]
pub async fn read_run(id: RunId, at: Option<AsOf>) -> Result<RunView, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(fail)?);
    read::run_pages::view(&state.reader, &viewer, id, at).await.map_err(fail)
}

/// Sets the name and tags of a run; both replace the old ones.
#[server(prefix = "/_fn", endpoint = "runs/rename", input = Json)]
pub async fn rename_run(id: RunId, name: String, tags: Vec<String>) -> Result<(), AppError> {
    let (state, editor) = (state()?, editor().map_err(fail)?);
    let (name, tags) = model::run::label(&name, &tags).map_err(AppError::from).map_err(fail)?;
    let mut conn = state.reader.store.conn().await?;
    let done = store::runs::edit::rename(&mut conn, editor.audience, id, &name, &tags, Some(editor.id)).await?;
    if done { Ok(()) } else { Err(AppError::NotFound.failed()) }
}

/// The shortest and longest time that a run can be expected to take from now on, in milliseconds.
///
/// `None` if the run is not running, or if too little of it has ended for an estimate.
#[server(prefix = "/_fn", endpoint = "runs/left", input = Json)]
pub async fn read_left(id: RunId) -> Result<Option<(Millis, Millis)>, AppError> {
    let state = of_run(id).await?;
    read::time_left::left(&state.reader, id).await.map_err(fail)
}

/// Hides runs; [`restore_runs`] can bring them back for some seconds. Returns those that were hidden by this call.
#[server(prefix = "/_fn", endpoint = "runs/delete", input = Json)]
pub async fn delete_runs(ids: Vec<RunId>) -> Result<Vec<RunId>, AppError> {
    let (state, viewer) = (state()?, editor().map_err(fail)?);
    read::run_pages::few(&ids).map_err(fail)?;
    Ok(store::runs::delete(&mut *state.reader.store.conn().await?, viewer.audience, &ids, Some(viewer.id)).await?)
}

/// Undoes [`delete_runs`].
#[server(prefix = "/_fn", endpoint = "runs/restore", input = Json)]
pub async fn restore_runs(ids: Vec<RunId>) -> Result<Vec<RunId>, AppError> {
    let (state, viewer) = (state()?, editor().map_err(fail)?);
    read::run_pages::few(&ids).map_err(fail)?;
    Ok(store::runs::restore(&mut *state.reader.store.conn().await?, viewer.audience, &ids, Some(viewer.id)).await?)
}
