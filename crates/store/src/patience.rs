//! Waiting for a database that may hang: whoever waits has a bound, and who comes after one that waited in vain is
//! refused at once, until the database answers again.

use crate::{Store, StoreError};
use sqlx::{ConnectOptions, Connection};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

/// Between two questions whether it answers again.
const AGAIN: Duration = Duration::from_millis(250);
/// How long such a question may take, connecting included.
const ANSWER: Duration = Duration::from_secs(2);

/// Whether somebody waited in vain, and the database has not been heard since. Shared by all handles of a store.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hung(Arc<AtomicBool>);

impl Store {
    /// Whether the database kept somebody waiting too long, and has not said anything since when it was asked.
    pub fn hangs(&self) -> bool {
        self.hung.0.load(Ordering::Relaxed)
    }

    /// Does something that takes no longer than `patience`; while the database [hangs](Store::hangs) it is not tried.
    ///
    /// One that takes longer is dropped: a transaction in it is rolled back. From then on a task asks the database
    /// four times a second whether it answers, over a connection of its own.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if it took too long or was not tried; else what `work` says.
    pub async fn within<T>(
        &self,
        patience: Duration,
        doing: &'static str,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        if self.hangs() {
            return Err(StoreError::too_slow(doing));
        }
        if let Ok(done) = timeout(patience, work).await {
            return done;
        }
        self.has_hung(doing);
        Err(StoreError::too_slow(doing))
    }

    /// The same for what is not worth waiting for: that it took too long says nothing of the database.
    ///
    /// # Errors
    /// As [`within`](Store::within).
    pub async fn briefly<T>(
        &self,
        patience: Duration,
        doing: &'static str,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        if self.hangs() {
            return Err(StoreError::too_slow(doing));
        }
        timeout(patience, work).await.unwrap_or_else(|_| Err(StoreError::too_slow(doing)))
    }

    fn has_hung(&self, doing: &'static str) {
        if self.hung.0.swap(true, Ordering::Relaxed) {
            return;
        }
        warn!(doing, "The database does not answer; what needs an answer is refused until it does");
        let (hung, options) = (Arc::downgrade(&self.hung.0), Arc::clone(&self.options));
        tokio::spawn(async move {
            loop {
                sleep(AGAIN).await;
                let asked = async { options.connect().await?.ping().await };
                let answers = match timeout(ANSWER, asked).await {
                    Ok(Ok(())) => true,
                    // It has no room for another connection, and says so: it does not hang.
                    Ok(Err(sqlx::Error::Database(error))) => error.code().is_some_and(|code| code.starts_with("53")),
                    Ok(Err(_)) | Err(_) => false,
                };
                let Some(hung) = hung.upgrade() else { return };
                if answers {
                    hung.store(false, Ordering::Relaxed);
                    info!("The database answers again");
                    return;
                }
            }
        });
    }
}
