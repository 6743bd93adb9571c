//! The figures around the list of runs, read once for everybody who asks within a moment. Server only.
//!
//! They count up to ten thousand rows each, and every open page wants them after every change.
//! What is handed out may be [`FRESH`] old and says from which point of the live stream on it
//! must be read again: a page that follows the stream from there misses nothing.

use crate::{
    api::runs::{Overview, STEP_MS, STEPS},
    error::AppError,
};
use live::Hub;
use model::{RunStatus, filter::RunFilter, live::LiveCursor, page::Total};
use moka::future::Cache;
use std::{sync::Arc, time::Duration};
use store::{
    Store, clock,
    runs::{self, Audience},
    stats::{self, Activity},
};

/// How old a figure may be. Pages wait a little longer than this after a change before they ask.
const FRESH: Duration = Duration::from_millis(250);
/// How old the activity strip may be: one of its steps is twelve minutes.
const STRIP: Duration = Duration::from_secs(2);
/// Filters whose totals are kept at a time.
const FILTERS: u64 = 512;

/// A figure, and the point from which changes are not in it.
type Since<T> = (T, LiveCursor);
type Tiles = Arc<Vec<(RunStatus, Total)>>;

/// The figures of all readers.
pub struct Figures {
    store: Store,
    hub: Hub,
    tiles: Cache<Audience, Since<Tiles>>,
    totals: Cache<(Audience, String), Since<Total>>,
    strip: Cache<(), Arc<Vec<Activity>>>,
}

impl Figures {
    pub fn new(store: Store, hub: Hub) -> Self {
        Self {
            store,
            hub,
            tiles: Cache::builder().max_capacity(FILTERS).time_to_live(FRESH).build(),
            totals: Cache::builder().max_capacity(FILTERS).time_to_live(FRESH).build(),
            strip: Cache::builder().max_capacity(1).time_to_live(STRIP).build(),
        }
    }

    /// The tiles and the strip above the list.
    pub async fn overview(&self, audience: Audience) -> Result<Since<Overview>, AppError> {
        let until = clock::now();
        let strip = self.strip.try_get_with((), async {
            let mut conn = self.store.conn().await?;
            Ok::<_, AppError>(Arc::new(stats::activity(&mut conn, until, STEP_MS, STEPS).await?))
        });
        let strip = strip.await.map_err(shared)?;
        let tiles = self.tiles.try_get_with(audience, async {
            let cursor = self.hub.cursor();
            let mut conn = self.store.conn().await?;
            Ok::<_, AppError>((Arc::new(stats::by_status(&mut conn, audience).await?), cursor))
        });
        let (tiles, cursor) = tiles.await.map_err(shared)?;
        let activity = strip.iter().map(|step| (step.running, step.finished, step.failed)).collect();
        Ok((Overview { by_status: tiles.to_vec(), activity, until }, cursor))
    }

    /// How many runs pass a filter.
    pub async fn total(&self, audience: Audience, filter: &RunFilter) -> Result<Since<Total>, AppError> {
        let total = self.totals.try_get_with((audience, filter.to_string()), async {
            let cursor = self.hub.cursor();
            let mut conn = self.store.conn().await?;
            Ok::<_, AppError>((runs::total(&mut conn, audience, filter, clock::now()).await?, cursor))
        });
        total.await.map_err(shared)
    }
}

/// One failed read is told to everybody who waited for it.
fn shared(error: Arc<AppError>) -> AppError {
    AppError::clone(&error)
}
