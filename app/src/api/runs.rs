//! Runs for pages: a window of the list, the figures above it, one run, deletion and its undo.

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::state::{editor, state, viewer};
use leptos::prelude::*;
#[cfg(feature = "ssr")]
use model::filter::RunFilter;
use model::{
    AsOf, Millis, RunId,
    page::{Page, Total},
    run::RunSummary,
};
use server_fn::codec::Json;
use view::runs::{Overview, RunList, RunView};

/// The runs that pass a filter, from a place on, with everything around them.
#[server(prefix = "/_fn", endpoint = "runs/list", input = Json)]
pub async fn list_runs(q: String, sort: String, after: Option<String>) -> Result<RunList, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(AppError::told)?);
    let cursor = state.hub.cursor(); // Taken first: a change during the read is sent again, not lost.
    let (overview, tiles_at) = state.figures.overview(viewer.audience).await.map_err(AppError::told)?;
    let filter = RunFilter::parse(&q);
    let (total, total_at) = state.figures.total(viewer.audience, &filter).await.map_err(AppError::told)?;
    let mut conn = state.store.conn().await?;
    let page = server::page(&mut conn, &viewer, &filter, &sort, after.as_deref()).await.map_err(AppError::told)?;
    let any = !page.items.is_empty() || store::stats::any_run(&mut conn).await?;
    let (base_url, client_config) = (state.base_url.to_string(), state.client_config.to_string());
    Ok(RunList { page, filter, total, overview, cursor: cursor.min(tiles_at).min(total_at), any, base_url, client_config })
}

/// The next window of the same list.
#[server(prefix = "/_fn", endpoint = "runs/more", input = Json)]
pub async fn more_runs(q: String, sort: String, after: String) -> Result<Page<RunSummary>, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(AppError::told)?);
    let mut conn = state.store.conn().await?;
    server::page(&mut conn, &viewer, &RunFilter::parse(&q), &sort, Some(&after)).await.map_err(AppError::told)
}

/// The figures above the list, and how many runs pass a filter; both may be a quarter of a second old.
#[server(prefix = "/_fn", endpoint = "runs/overview", input = Json)]
pub async fn read_overview(q: String) -> Result<(Overview, Total), AppError> {
    let (state, viewer) = (state()?, viewer().map_err(AppError::told)?);
    let (overview, _) = state.figures.overview(viewer.audience).await.map_err(AppError::told)?;
    let (total, _) = state.figures.total(viewer.audience, &RunFilter::parse(&q)).await.map_err(AppError::told)?;
    Ok((overview, total))
}

/// Head, errors, attempts and rules of a run, now or at a moment of the past.
#[server(prefix = "/_fn", endpoint = "runs/read", input = Json)]
pub async fn read_run(id: RunId, at: Option<AsOf>) -> Result<RunView, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(AppError::told)?);
    let cursor = state.hub.cursor();
    let mut conn = state.store.conn().await?;
    let mut detail = store::runs::detail(&mut conn, viewer.audience, id).await?.ok_or(AppError::NotFound).map_err(AppError::told)?;
    let then = match at {
        Some(at) => {
            let span = store::past::span(&mut conn, id).await?;
            drop(conn); // All jobs may have to be read.
            Some(server::then(&state, &mut detail, span, at).await.map_err(AppError::told)?)
        }
        None => None,
    };
    Ok(RunView { detail, cursor, then })
}

/// Gives a run another name and other tags; both replace what is there.
#[server(prefix = "/_fn", endpoint = "runs/rename", input = Json)]
pub async fn rename_run(id: RunId, name: String, tags: Vec<String>) -> Result<(), AppError> {
    let (state, editor) = (state()?, editor().map_err(AppError::told)?);
    let (name, tags) = model::run::label(&name, &tags).map_err(AppError::from).map_err(AppError::told)?;
    let mut conn = state.store.conn().await?;
    let done = store::runs::edit::rename(&mut conn, editor.audience, id, &name, &tags, Some(editor.id)).await?;
    if done { Ok(()) } else { Err(AppError::NotFound.told()) }
}

/// How much longer a run takes, in milliseconds: the least and the most to be expected.
///
/// `None` if it does not run, or too little of it has ended to tell.
#[server(prefix = "/_fn", endpoint = "runs/left", input = Json)]
pub async fn read_left(id: RunId) -> Result<Option<(Millis, Millis)>, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(AppError::told)?);
    let mut conn = state.store.conn().await?;
    viewer.sees(&mut conn, id).await.map_err(AppError::told)?;
    drop(conn); // The run may have to be read whole.
    crate::eta::left(&state, id).await.map_err(AppError::told)
}

/// Hides runs; [`restore_runs`] brings them back for some seconds. Says which were hidden now.
#[server(prefix = "/_fn", endpoint = "runs/delete", input = Json)]
pub async fn delete_runs(ids: Vec<RunId>) -> Result<Vec<RunId>, AppError> {
    let (state, viewer) = (state()?, editor().map_err(AppError::told)?);
    server::few(&ids).map_err(AppError::told)?;
    Ok(store::runs::delete(&mut *state.store.conn().await?, viewer.audience, &ids, Some(viewer.id)).await?)
}

/// Undoes [`delete_runs`].
#[server(prefix = "/_fn", endpoint = "runs/restore", input = Json)]
pub async fn restore_runs(ids: Vec<RunId>) -> Result<Vec<RunId>, AppError> {
    let (state, viewer) = (state()?, editor().map_err(AppError::told)?);
    server::few(&ids).map_err(AppError::told)?;
    Ok(store::runs::restore(&mut *state.store.conn().await?, viewer.audience, &ids, Some(viewer.id)).await?)
}

#[cfg(feature = "ssr")]
mod server {
    use crate::{
        error::AppError,
        state::{AppState, Viewer},
    };
    use model::{
        AsOf, RunId,
        filter::RunFilter,
        page::{Page, RunSort},
        run::{RunDetail, RunSummary},
    };
    use store::{
        Conn, clock,
        past::{Past, Span},
        runs,
    };
    use view::runs::{PAGE, Then};

    /// Runs one deletion names.
    const MAX_IDS: usize = 1000;

    pub fn few(ids: &[RunId]) -> Result<(), AppError> {
        if ids.len() <= MAX_IDS {
            return Ok(());
        }
        Err(AppError::Invalid { field: "ids".into(), rule: format!("at most {MAX_IDS} at a time") })
    }

    /// Makes what is known of a run that of a moment.
    pub async fn then(state: &AppState, detail: &mut RunDetail, span: Option<Span>, moment: AsOf) -> Result<Then, AppError> {
        let at = moment.millis();
        let (first, last) = span.map_or((at, at), |span| (span.first, span.last));
        let then = state.marks.then(detail.run.id, moment).await?;
        let marks = &then.snapshot.marks;
        then.past.of_run(&mut detail.run, marks);
        Past::of_rules(&mut detail.rules, marks);
        detail.errors.retain(|error| error.at <= at);
        Ok(Then { at, first, last: last.max(first), before: then.past.before, after: then.past.after })
    }

    pub async fn page(
        conn: &mut Conn,
        viewer: &Viewer,
        filter: &RunFilter,
        sort: &str,
        after: Option<&str>,
    ) -> Result<Page<RunSummary>, AppError> {
        let sort: RunSort = if sort.is_empty() { RunSort::default() } else { sort.parse()? };
        let after = after.filter(|text| !text.is_empty()).map(str::parse).transpose()?;
        let query = runs::list::Query { audience: viewer.audience, filter, sort, limit: PAGE, after: after.as_ref(), now: clock::now() };
        Ok(runs::list(conn, &query).await?)
    }
}
