//! Windows of the list of runs, and one run, now or at a past moment.

use crate::{ReadError, Reader};
use model::{
    AsOf, Invalid, Millis, RunId,
    access::Viewer,
    filter::RunFilter,
    page::{Page, RunSort},
    run::{RunDetail, RunSummary},
};
use store::{
    Conn,
    past::{Past, Span},
    runs,
};
use view::runs::{PAGE, RunView, Then};

/// How many runs one deletion may name.
const MAX_IDS: usize = 1000;

/// Returns an error if a request names too many runs.
pub fn few(ids: &[RunId]) -> Result<(), ReadError> {
    if ids.len() <= MAX_IDS {
        return Ok(());
    }
    Err(Invalid::new("ids", format!("{} ids", ids.len()), "at most 1000 at a time").into())
}

/// Head, errors, attempts and rules of a run, now or at a past moment.
///
/// # Errors
/// The viewer may not see the run, or the database does not respond.
pub async fn view(reader: &Reader, viewer: &Viewer, id: RunId, at: Option<AsOf>) -> Result<RunView, ReadError> {
    let cursor = reader.hub.cursor();
    let mut conn = reader.store.conn().await?;
    let mut detail = runs::detail(&mut conn, viewer.audience, id).await?.ok_or(ReadError::NotFound)?;
    let then = match at {
        Some(at) => {
            let span = store::past::span(&mut conn, id).await?;
            drop(conn); // All jobs may have to be read.
            Some(then(reader, &mut detail, span, at).await?)
        }
        None => None,
    };
    Ok(RunView { detail, cursor, then })
}

/// Turns the data of a run into that of a past moment.
async fn then(reader: &Reader, detail: &mut RunDetail, span: Option<Span>, moment: AsOf) -> Result<Then, ReadError> {
    let at = moment.millis();
    let (first, last) = span.map_or((at, at), |span| (span.first, span.last));
    let then = reader.jobs.then(detail.run.id, moment).await?;
    let marks = &then.snapshot.marks;
    then.past.of_run(&mut detail.run, marks);
    Past::of_rules(&mut detail.rules, marks);
    detail.errors.retain(|error| error.at <= at);
    Ok(Then { at, first, last: last.max(first), before: then.past.before, after: then.past.after })
}

/// A window of the list of runs; `now` is what the filter's times count from.
///
/// # Errors
/// `sort` or `after` is invalid, or the database does not respond.
pub async fn page(
    conn: &mut Conn,
    viewer: &Viewer,
    filter: &RunFilter,
    sort: &str,
    after: Option<&str>,
    now: Millis,
) -> Result<Page<RunSummary>, ReadError> {
    let sort: RunSort = if sort.is_empty() { RunSort::default() } else { sort.parse()? };
    let after = after.filter(|text| !text.is_empty()).map(str::parse).transpose()?;
    let query = runs::list::Query { audience: viewer.audience, filter, sort, limit: PAGE, after: after.as_ref(), now };
    Ok(runs::list(conn, &query).await?)
}
