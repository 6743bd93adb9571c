//! The timeline of a run: a window of it, sums over a span, the job at a position, and the chain of jobs that
//! determined how long the run took.
//!
//! Times on the axis are milliseconds since the axis began; idle spans may be left out of the axis.

use super::prelude::*;
use chart::time::Place;
use model::{RunId, job::JobRow};
use view::timeline::{Arrangement, Ask, Chain, SpanSums, TimelineView};

/// A part of a run's timeline; `None` before any job began.
#[server(prefix = "/_fn", endpoint = "timeline/window", input = Json)]
pub async fn read_timeline(id: RunId, ask: Ask) -> Result<Option<TimelineView>, AppError> {
    let state = of_run(id).await?;
    state.reader.timelines.window(id, &ask).await.map_err(fail)
}

/// What happened between two places on the axis.
#[server(prefix = "/_fn", endpoint = "timeline/sums", input = Json)]
pub async fn read_sums(id: RunId, arrangement: Arrangement, from: Place, to: Place) -> Result<SpanSums, AppError> {
    let state = of_run(id).await?;
    state.reader.timelines.sums(id, &arrangement, from, to).await.map_err(fail)
}

/// The job on a lane at a position of the axis, or close enough to be the one meant.
#[server(prefix = "/_fn", endpoint = "timeline/at", input = Json)]
pub async fn read_at(
    id: RunId,
    arrangement: Arrangement,
    group: String,
    lane: u32,
    at: Place,
    reach: Place,
) -> Result<Option<JobRow>, AppError> {
    let state = of_run(id).await?;
    let Some(job) = state.reader.timelines.at(id, &arrangement, &group, lane, at, reach).await.map_err(fail)? else { return Ok(None) };
    let (rows, _) = store::jobs::changed(&mut *state.reader.store.conn().await?, id, &[job]).await?;
    Ok(rows.into_iter().next())
}

/// The chain of jobs that determined how long a run took.
#[server(prefix = "/_fn", endpoint = "timeline/critical", input = Json)]
pub async fn read_critical(id: RunId, arrangement: Arrangement) -> Result<Chain, AppError> {
    let state = of_run(id).await?;
    let Some(last) = state.reader.timelines.last(id, arrangement.at).await.map_err(fail)? else { return Ok(Chain::default()) };
    let (chain, more) = store::jobs::critical(&mut *state.reader.store.conn().await?, id, last).await?;
    let links = state.reader.timelines.links(id, &arrangement, &chain).await.map_err(fail)?;
    Ok(Chain { links, followed: more.then_some(chain.len() as u32) })
}
