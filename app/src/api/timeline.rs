//! The timeline of a run: a window of it, what happened in a span, what stands at a place, and the
//! chain of jobs that decided how long it took.
//!
//! Times on the axis are milliseconds since its start; idle spans may be left out of it.

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::state::{state, viewer};
use chart::time::Breaks;
use leptos::prelude::*;
use model::{JobKey, Millis, RunId, job::JobRow};
use serde::{Deserialize, Serialize};
use server_fn::codec::Json;

/// How the jobs of a run are laid out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Arrangement {
    /// Only the jobs of this rule.
    pub rule: Option<String>,
    /// Leave idle spans out of the axis.
    pub skip_idle: bool,
    /// As they were at a moment of the past.
    pub at: Option<Millis>,
}

/// Which part of a timeline.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    pub arrangement: Arrangement,
    /// On the axis; `None` is all of it.
    pub span: Option<(i64, i64)>,
    /// Pixels the span is drawn on.
    pub pixels: u32,
    /// The heights between which groups are wanted, in pixels.
    pub top: u32,
    pub bottom: u32,
    /// Names of groups that are folded or unfolded against what they begin as.
    pub turned: Vec<String>,
}

/// A rule in the timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    pub name: String,
    /// Jobs that began, and their attempts.
    pub jobs: u32,
    pub attempts: u32,
    pub running: u32,
    /// Jobs whose newest attempt failed.
    pub failed: u32,
    pub lanes: u32,
    /// Most at once.
    pub peak: u32,
    /// When the first began and the last ended, on the axis; `None` while one runs.
    pub from: i64,
    pub to: Option<i64>,
    /// Core-seconds used.
    pub core_s: i64,
}

/// What is drawn of one group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Drawn {
    /// Marks of lanes from the first one named on, as `chart::lanes::pack` packs them.
    Lanes { first: u32, lanes: Vec<Vec<u32>> },
    /// How many ran in each of equal parts of the span, and in which parts one failed.
    Area { counts: Vec<u32>, failed: Vec<u32> },
}

/// A part of a timeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimelineView {
    /// The time at the start of the axis.
    pub origin: Millis,
    /// The end of the axis; while something runs, where it was when this was read.
    pub end: i64,
    pub running: bool,
    pub breaks: Breaks,
    /// Most jobs and most cores at once.
    pub peak: (u32, u32),
    /// All of them, by start.
    pub groups: Vec<Group>,
    /// The part that is drawn.
    pub from: i64,
    pub to: i64,
    /// Quarters of a pixel to the whole part, which is what marks count in.
    pub quarters: u32,
    pub drawn: Vec<(u32, Drawn)>,
    /// Jobs running and cores taken in equal parts of the span.
    pub curve: Vec<(u32, u32)>,
}

/// What happened in a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpanSums {
    pub jobs: u32,
    pub core_ms: i64,
    pub busiest: u32,
    pub cores: u32,
    /// On the axis.
    pub busiest_at: i64,
}

/// One job of the chain that decided how long the run took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub job: JobKey,
    pub group: u32,
    pub lane: u32,
    pub from: i64,
    /// `None` while it runs.
    pub to: Option<i64>,
}

/// A part of a run's timeline; `None` before any job began.
#[server(prefix = "/_fn", endpoint = "timeline/window", input = Json)]
pub async fn read_timeline(id: RunId, ask: Ask) -> Result<Option<TimelineView>, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(AppError::told)?);
    viewer.sees(&mut *state.store.conn().await?, id).await.map_err(AppError::told)?;
    state.timelines.window(id, &ask).await.map_err(AppError::told)
}

/// What happened between two places on the axis.
#[server(prefix = "/_fn", endpoint = "timeline/sums", input = Json)]
pub async fn read_sums(id: RunId, arrangement: Arrangement, from: i64, to: i64) -> Result<SpanSums, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(AppError::told)?);
    viewer.sees(&mut *state.store.conn().await?, id).await.map_err(AppError::told)?;
    state.timelines.sums(id, &arrangement, from, to).await.map_err(AppError::told)
}

/// The job on a lane at a place on the axis, or so near that it is meant.
#[server(prefix = "/_fn", endpoint = "timeline/at", input = Json)]
pub async fn read_at(
    id: RunId,
    arrangement: Arrangement,
    group: String,
    lane: u32,
    at: i64,
    reach: i64,
) -> Result<Option<JobRow>, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(AppError::told)?);
    viewer.sees(&mut *state.store.conn().await?, id).await.map_err(AppError::told)?;
    let Some(job) = state.timelines.at(id, &arrangement, &group, lane, at, reach).await.map_err(AppError::told)? else { return Ok(None) };
    let (rows, _) = store::jobs::changed(&mut *state.store.conn().await?, id, &[job]).await?;
    Ok(rows.into_iter().next())
}

/// The chain of jobs that decided how long a run took, the last one first; empty where nobody knows
/// which job waited for which.
#[server(prefix = "/_fn", endpoint = "timeline/critical", input = Json)]
pub async fn read_critical(id: RunId, arrangement: Arrangement) -> Result<Vec<Link>, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(AppError::told)?);
    viewer.sees(&mut *state.store.conn().await?, id).await.map_err(AppError::told)?;
    let Some(last) = state.timelines.last(id, arrangement.at).await.map_err(AppError::told)? else { return Ok(Vec::new()) };
    let chain = store::jobs::critical(&mut *state.store.conn().await?, id, last).await?;
    state.timelines.links(id, &arrangement, &chain).await.map_err(AppError::told)
}
