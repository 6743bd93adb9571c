//! From "which database" to a store that is ready: started, reachable, and of a supported version.

use crate::{
    config::Database,
    postgres::{self, Cluster, Lock},
};
use anyhow::{Context as _, Result};
use std::{path::Path, time::Duration};
use store::{Store, clock, error::chain};
use tokio::{task::JoinHandle, time::sleep};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// Connections of one process; the private cluster allows 60 in all.
const POOL: u32 = 20;
/// The name of the server command; only the server waits for its database.
pub const SERVE: &str = "serve";

/// A database in use, with everything that must be released at the end.
pub struct Open {
    pub store: Store,
    cluster: Option<Cluster>,
    lock: Option<Lock>,
    kept: Option<(JoinHandle<Cluster>, CancellationToken)>,
}

/// For the server: locks the data directory, starts what must be started, and waits for the database.
pub async fn open(database: &Database, what: &str) -> Result<Open> {
    match database {
        Database::Named(url) => {
            let store = Store::lazy(url, POOL, clock::system())?;
            wait(&store, what == SERVE).await?;
            Ok(Open { store, cluster: None, lock: None, kept: None })
        }
        Database::Private(dir) => {
            postgres::make_dir(dir)?;
            let lock = Lock::take(dir, what)?;
            let cluster = Cluster::start(dir, clock::system()).await?;
            let store = cluster.store(POOL);
            store.check_version().await?;
            Ok(Open { store, cluster: Some(cluster), lock: Some(lock), kept: None })
        }
    }
}

/// For a command: uses the database of a running server if there is one, else works like [`open`].
pub async fn join(database: &Database, what: &str) -> Result<Open> {
    if let Database::Private(dir) = database
        && Lock::is_held(dir)
    {
        let cluster = Cluster::running_at(dir, clock::system()).with_context(|| held(dir))?;
        let store = cluster.store(4);
        store.check_version().await.with_context(|| held(dir))?;
        return Ok(Open { store, cluster: None, lock: None, kept: None });
    }
    open(database, what).await
}

fn held(dir: &Path) -> String {
    format!("{} is held by another process whose database does not answer", dir.display())
}

impl Open {
    /// Watches a private database from now on and restarts it when it ends.
    pub fn keep(&mut self, database: &Database) {
        if let (Some(cluster), Database::Private(dir)) = (self.cluster.take(), database) {
            let cancel = CancellationToken::new();
            self.kept = Some((tokio::spawn(cluster.keep(dir.clone(), cancel.clone())), cancel));
        }
    }

    /// Closes connections, stops what we started, and unlocks the directory.
    pub async fn close(mut self) {
        self.store.close().await;
        if let Some((keeping, cancel)) = self.kept {
            cancel.cancel();
            self.cluster = keeping.await.ok();
        }
        if let Some(cluster) = self.cluster {
            cluster.stop().await;
        }
        drop(self.lock);
    }
}

/// Waits for a database that is not reachable yet, and logs that it waits. A command does not wait and fails at once.
///
/// # Errors
/// The database is reachable but cannot be used.
async fn wait(store: &Store, patiently: bool) -> Result<()> {
    let mut pause = Duration::from_millis(250);
    loop {
        match store.check_version().await {
            Ok(_) => return Ok(()),
            Err(error) if error.is_unavailable() && patiently => {
                warn!(error = chain(&error), "Waiting for the database; trying again in {pause:?}");
                sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(10));
            }
            Err(error) => return Err(error.into()),
        }
    }
}
