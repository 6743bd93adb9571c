//! The figures around the list of runs, read once for all requests within a short time.
//!
//! Each figure counts up to ten thousand rows, and every open page requests them after every change. A returned figure
//! may be up to [`FRESH`] old. It comes with a position in the live stream. The figure may lack changes after that
//! position, so a page that follows the stream from there misses nothing.

use crate::{ReadError, error::shared};
use live::Hub;
use model::{RunStatus, filter::RunFilter, live::LiveCursor, page::Total};
use moka::{Expiry, future::Cache};
use std::{
    sync::Arc,
    time::{Duration, Instant as Created},
};
use store::{
    Store,
    runs::{self, Audience},
    stats::{self, Activity},
};
use view::runs::{Overview, STEP_MS, STEPS};

/// How old a figure may be, counted from when its reading began. After a change, pages wait a little longer than this
/// before they request the figures.
const FRESH: Duration = Duration::from_millis(250);
/// How old the activity strip may be: one of its steps is twelve minutes.
const STRIP: Duration = Duration::from_secs(2);
/// How many filters have their totals cached.
const FILTERS: u64 = 512;

/// A figure, and the position from which changes are not included.
type Since<T> = (T, LiveCursor);
type Tiles = Arc<Vec<(RunStatus, Total)>>;

/// A cached figure.
#[derive(Clone)]
struct Kept<T> {
    figure: T,
    at: LiveCursor,
    /// How long its reading took.
    took: Duration,
}

impl<T> Kept<T> {
    /// How much longer it may be shown, once it is read.
    fn left(&self) -> Duration {
        FRESH.saturating_sub(self.took)
    }
}

/// Counts the age of a figure from the start of its reading: changes that were committed during the reading are not included.
struct FromItsBeginning;

impl<K, T> Expiry<K, Kept<T>> for FromItsBeginning {
    fn expire_after_create(&self, _: &K, kept: &Kept<T>, _: Created) -> Option<Duration> {
        Some(kept.left())
    }
}

/// The figures for all readers.
pub struct Overviews {
    store: Store,
    hub: Hub,
    tiles: Cache<Audience, Kept<Tiles>>,
    totals: Cache<(Audience, String), Kept<Total>>,
    strip: Cache<(), Arc<Vec<Activity>>>,
}

impl Overviews {
    pub fn new(store: Store, hub: Hub) -> Self {
        Self {
            store,
            hub,
            tiles: Cache::builder().max_capacity(FILTERS).expire_after(FromItsBeginning).build(),
            totals: Cache::builder().max_capacity(FILTERS).expire_after(FromItsBeginning).build(),
            strip: Cache::builder().max_capacity(1).time_to_live(STRIP).build(),
        }
    }

    /// The tiles and the strip above the list.
    pub async fn overview(&self, audience: Audience) -> Result<Since<Overview>, ReadError> {
        let clock = self.store.clock();
        let until = clock.now();
        let strip = self.strip.try_get_with((), async {
            let mut conn = self.store.conn().await?;
            Ok::<_, ReadError>(Arc::new(stats::activity(&mut conn, until, STEP_MS, STEPS).await?))
        });
        let strip = strip.await.map_err(shared)?;
        let tiles = self.tiles.try_get_with(audience, async {
            let (at, began) = (self.hub.cursor(), clock.instant());
            let mut conn = self.store.conn().await?;
            let figure = Arc::new(stats::by_status(&mut conn, audience).await?);
            Ok::<_, ReadError>(Kept { figure, at, took: clock.since(began) })
        });
        let tiles = tiles.await.map_err(shared)?;
        let activity = strip.iter().map(|step| (step.running, step.finished, step.failed)).collect();
        Ok((Overview { by_status: tiles.figure.to_vec(), activity, until }, tiles.at))
    }

    /// How many runs pass a filter.
    pub async fn total(&self, audience: Audience, filter: &RunFilter) -> Result<Since<Total>, ReadError> {
        let clock = self.store.clock();
        let total = self.totals.try_get_with((audience, filter.to_string()), async {
            let (at, began) = (self.hub.cursor(), clock.instant());
            let mut conn = self.store.conn().await?;
            let figure = runs::total(&mut conn, audience, filter, clock.now()).await?;
            Ok::<_, ReadError>(Kept { figure, at, took: clock.since(began) })
        });
        let total = total.await.map_err(shared)?;
        Ok((total.figure, total.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_took_long_to_read_is_kept_for_less() {
        let left = |took| Kept { figure: (), at: LiveCursor { epoch: 1, seq: 1 }, took }.left();

        assert_eq!(left(Duration::ZERO), FRESH);
        assert_eq!(left(Duration::from_millis(100)), Duration::from_millis(150));
        assert_eq!(left(FRESH * 4), Duration::ZERO);
    }
}
