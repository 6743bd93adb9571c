//! The way in: a pool of connections, and the check that the server is one we can use.

use crate::{Conn, Doing, StoreError, patience::Hung};
use sqlx::{
    ConnectOptions, Connection, PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{str::FromStr, sync::Arc, time::Duration};

/// The oldest PostgreSQL whose triggers and functions carry us.
pub const OLDEST_MAJOR: i32 = 15;
/// How long a request waits for a free connection before it is told to come back.
const ACQUIRE: Duration = Duration::from_secs(5);

/// A handle on the database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    pool: PgPool,
    pub(crate) options: Arc<PgConnectOptions>,
    pub(crate) hung: Hung,
}

impl Store {
    /// A pool of at most `size` connections; opens none yet.
    ///
    /// # Errors
    /// [`StoreError::Unfit`] if `url` is not a PostgreSQL address.
    pub fn lazy(url: &str, size: u32) -> Result<Self, StoreError> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(StoreError::Unfit("the database address is not usable: it must begin with postgres://".into()));
        }
        let options = PgConnectOptions::from_str(url)
            .map_err(|error| StoreError::Unfit(format!("the database address is not usable: {error}")))?
            .application_name("flowo");
        Ok(Self::with_options(options, size))
    }

    /// A cluster reached through the socket in `dir`, without a password.
    pub fn local(dir: &std::path::Path, user: &str, database: &str, size: u32) -> Self {
        Self::with_options(
            PgConnectOptions::new_without_pgpass().socket(dir).username(user).database(database).application_name("flowo"),
            size,
        )
    }

    /// The same from options that are already made.
    pub fn with_options(options: PgConnectOptions, size: u32) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(size)
            .acquire_timeout(ACQUIRE)
            .idle_timeout(Duration::from_mins(10))
            // Compiling a statement takes longer than any of ours runs.
            .after_connect(|conn, _| Box::pin(async move { sqlx::raw_sql("set jit = off").execute(conn).await.map(drop) }))
            .connect_lazy_with(options.clone());
        Self { pool, options: Arc::new(options), hung: Hung::default() }
    }

    /// A connection for reading, or for a transaction of the caller's.
    pub async fn conn(&self) -> Result<PoolConnection<Postgres>, StoreError> {
        self.pool.acquire().await.doing("waiting for a connection")
    }

    /// A transaction; rolled back unless committed.
    pub async fn begin(&self) -> Result<sqlx::Transaction<'static, Postgres>, StoreError> {
        self.pool.begin().await.doing("beginning a transaction")
    }

    /// A connection outside the pool for the batch writer and the listener, whose statements all name
    /// rows by key.
    ///
    /// A plan made while a table was small would read it whole for as long as it is kept;
    /// here the planner may not.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the server does not answer within the pool's patience.
    pub async fn keyed(&self) -> Result<Conn, StoreError> {
        let doing = "connecting";
        let connecting = tokio::time::timeout(ACQUIRE, self.options.connect());
        let mut conn = connecting.await.unwrap_or(Err(sqlx::Error::PoolTimedOut)).doing(doing)?;
        sqlx::raw_sql("set enable_seqscan = off; set plan_cache_mode = force_generic_plan; set jit = off")
            .execute(&mut conn)
            .await
            .doing(doing)?;
        Ok(conn)
    }

    /// A connection of its own outside the pool, for LISTEN.
    pub fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// The server's version, such as 150018.
    ///
    /// # Errors
    /// [`StoreError::Unfit`] below [`OLDEST_MAJOR`].
    pub async fn check_version(&self) -> Result<i32, StoreError> {
        let mut conn = self.conn().await?;
        let version: i32 = sqlx::query_scalar("select current_setting('server_version_num')::int")
            .fetch_one(&mut *conn)
            .await
            .doing("asking for the server's version")?;
        if version / 10_000 < OLDEST_MAJOR {
            return Err(StoreError::Unfit(format!("this is PostgreSQL {}; Flowo needs {OLDEST_MAJOR} or newer", version / 10_000)));
        }
        Ok(version)
    }

    /// Waits for connections to come back and closes them.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// A transaction on a connection one already has; rolled back unless committed.
pub async fn begin(conn: &mut Conn) -> Result<sqlx::Transaction<'_, Postgres>, StoreError> {
    conn.begin().await.doing("beginning a transaction")
}

/// Commits: from here on the transaction survives whatever happens.
pub async fn commit(tx: sqlx::Transaction<'_, Postgres>) -> Result<(), StoreError> {
    tx.commit().await.doing("committing")
}
