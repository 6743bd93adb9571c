//! Access to the database: a pool of connections, and the check that the server's version is supported.

use crate::{Conn, Doing, StoreError, patience::Hung};
use model::clock::Clock;
use sqlx::{
    ConnectOptions, Connection, PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{str::FromStr, sync::Arc, time::Duration};

/// The oldest PostgreSQL that supports Flowo's triggers and functions.
pub const OLDEST_MAJOR: i32 = 15;
/// How long a request waits for a free connection before it fails and the client is asked to retry.
const ACQUIRE: Duration = Duration::from_secs(5);

/// A handle on the database, and the clock of all who work with it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    pool: PgPool,
    pub(crate) options: Arc<PgConnectOptions>,
    pub(crate) hung: Hung,
    clock: Clock,
}

impl Store {
    /// A pool of at most `size` connections; opens none yet.
    ///
    /// # Errors
    /// [`StoreError::Unfit`] if `url` is not a PostgreSQL address.
    pub fn lazy(url: &str, size: u32, clock: Clock) -> Result<Self, StoreError> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(StoreError::Unfit("the database address is not usable: it must begin with postgres://".into()));
        }
        let options = PgConnectOptions::from_str(url)
            .map_err(|error| StoreError::Unfit(format!("the database address is not usable: {error}")))?
            .application_name("flowo");
        Ok(Self::with_options(options, size, clock))
    }

    /// Connects to a cluster through the socket in `dir`, without a password.
    pub fn local(dir: &std::path::Path, user: &str, database: &str, size: u32, clock: Clock) -> Self {
        Self::with_options(
            PgConnectOptions::new_without_pgpass().socket(dir).username(user).database(database).application_name("flowo"),
            size,
            clock,
        )
    }

    /// Like [`lazy`](Self::lazy), from existing options.
    pub fn with_options(options: PgConnectOptions, size: u32, clock: Clock) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(size)
            .acquire_timeout(ACQUIRE)
            .idle_timeout(Duration::from_mins(10))
            // Just-in-time compilation takes longer than any of Flowo's statements runs.
            .after_connect(|conn, _| Box::pin(async move { sqlx::raw_sql("set jit = off").execute(conn).await.map(drop) }))
            .connect_lazy_with(options.clone());
        Self { pool, options: Arc::new(options), hung: Hung::default(), clock }
    }

    /// The clock that was handed in with the pool.
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The same pool with another clock.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// A connection for reading, or for a transaction that the caller begins.
    pub async fn conn(&self) -> Result<PoolConnection<Postgres>, StoreError> {
        self.pool.acquire().await.doing("waiting for a connection")
    }

    /// A transaction; rolled back unless committed.
    pub async fn begin(&self) -> Result<sqlx::Transaction<'static, Postgres>, StoreError> {
        self.pool.begin().await.doing("beginning a transaction")
    }

    /// A connection outside the pool for the batch writer and the listener, whose statements all name rows by key.
    ///
    /// A cached plan made while a table was small would keep reading the whole table; the settings of this connection
    /// prevent such plans.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the server does not answer within the pool's timeout.
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

    /// Options for a connection outside the pool, for LISTEN.
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

    /// Waits until all connections are returned, and closes them.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Begins a transaction on the caller's connection; rolled back unless committed.
pub async fn begin(conn: &mut Conn) -> Result<sqlx::Transaction<'_, Postgres>, StoreError> {
    conn.begin().await.doing("beginning a transaction")
}

/// Commits. Once this returns, the transaction is durable.
pub async fn commit(tx: sqlx::Transaction<'_, Postgres>) -> Result<(), StoreError> {
    tx.commit().await.doing("committing")
}
