//! Timeouts for a database that may hang. Every wait is bounded. After one timeout, requests fail immediately until the
//! database responds again.

use crate::{Loop, Store, StoreError};
use sqlx::{ConnectOptions, Connection};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// The pause between two checks whether the database responds again.
const AGAIN: Duration = Duration::from_millis(250);
/// How long such a check may take, including connecting.
const ANSWER: Duration = Duration::from_secs(2);

/// Whether a request timed out and the database has not responded since. Shared by all handles of a store.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hung(Arc<AtomicBool>);

impl Store {
    /// Whether a request timed out and the database has not responded to any check since.
    pub fn hangs(&self) -> bool {
        self.hung.0.load(Ordering::Relaxed)
    }

    /// Runs `work` with the timeout `patience`; while the database [hangs](Store::hangs) it is not tried.
    ///
    /// If `work` takes longer, it is dropped, which rolls back its transaction. From then on a task checks four times a
    /// second, over a connection of its own, whether the database responds.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if it timed out or was not tried; otherwise the errors of `work`.
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

    /// Like [`within`](Store::within), for work that is not worth waiting for: a timeout here does not mean that the database hangs.
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
        warn!(doing, "The database does not answer; requests that need it are refused until it does");
        let (hung, options) = (Arc::downgrade(&self.hung.0), Arc::clone(&self.options));
        tokio::spawn(async move {
            let mut rounds = Loop::new("Asking whether the database answers", AGAIN, CancellationToken::new());
            rounds.next().await; // Due at once, but the database gets a moment.
            while rounds.next().await {
                let asked = async { options.connect().await?.ping().await };
                let answers = match timeout(ANSWER, asked).await {
                    Ok(Ok(())) => true,
                    // The database has no room for another connection and reports that, so it does not hang.
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
