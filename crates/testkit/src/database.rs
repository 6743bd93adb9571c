//! A migrated database for one test, cloned from a template that is created once.

use crate::Proxy;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions};
use std::{str::FromStr as _, time::Duration};
use store::{Store, clock, migrate};
use uuid::Uuid;

/// Serialises the creation of the template between test programs.
const LOCK: i64 = 0x7465_7374;

/// A database that nobody else uses.
pub struct TestDatabase {
    pub store: Store,
    pub name: String,
    options: PgConnectOptions,
}

impl TestDatabase {
    /// Clones the template; makes it first if this is the first test.
    pub async fn new() -> Self {
        let (admin, mut conn) = server().await;
        let template = format!("flowo_template_{}", std::process::id());
        sqlx::query("select pg_advisory_lock($1)").bind(LOCK).execute(&mut conn).await.expect("a lock");
        let there: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
            .bind(&template)
            .fetch_one(&mut conn)
            .await
            .expect("a look at the databases");
        if !there {
            create(&mut conn, &template, "template1").await;
            let store = Store::with_options(admin.clone().database(&template), 2, clock::system());
            migrate::migrate(&store).await.expect("the schema migrates");
            store.close().await;
        }
        let name = format!("flowo_test_{}", Uuid::new_v4().simple());
        create(&mut conn, &name, &template).await;
        sqlx::query("select pg_advisory_unlock($1)").bind(LOCK).execute(&mut conn).await.expect("the lock back");
        let options = admin.database(&name);
        Self { store: Store::with_options(options.clone(), 12, clock::system()), name, options }
    }

    /// A database without a schema.
    pub async fn empty() -> Self {
        let (admin, mut conn) = server().await;
        let name = format!("flowo_test_{}", Uuid::new_v4().simple());
        // Only one database may be cloned from a template at a time.
        sqlx::query("select pg_advisory_lock($1)").bind(LOCK).execute(&mut conn).await.expect("a lock");
        create(&mut conn, &name, "template1").await;
        sqlx::query("select pg_advisory_unlock($1)").bind(LOCK).execute(&mut conn).await.expect("the lock back");
        let options = admin.database(&name);
        Self { store: Store::with_options(options.clone(), 12, clock::system()), name, options }
    }

    /// A separate connection, for what the product never does.
    pub async fn raw(&self) -> PgConnection {
        PgConnection::connect_with(&self.options).await.expect("the test database answers")
    }

    /// Another handle on the same database.
    pub fn again(&self) -> Self {
        Self { store: self.store.clone(), name: self.name.clone(), options: self.options.clone() }
    }

    /// Another handle on the same database, whose connections live `by` later: what its SQL asks of `flowo_now()` has
    /// expired, fallen silent or grown old by then. The handle's clock in Rust is not moved; [`Store::with_clock`] hands in
    /// another.
    pub fn later(&self, by: Duration) -> Self {
        let options = self.options.clone().options([("flowo.clock_shift", format!("{}s", by.as_secs_f64()))]);
        let store = Store::with_options(options.clone(), 12, self.store.clock().clone());
        Self { store, name: self.name.clone(), options }
    }

    /// A proxy to the database's server, and a pool of its own that connects through the proxy.
    pub async fn through(&self, size: u32) -> (Proxy, Store) {
        let socket = self.options.get_socket().cloned().unwrap_or_else(|| self.options.get_host().into());
        let proxy = Proxy::to(socket.join(format!(".s.PGSQL.{}", self.options.get_port()))).await;
        let store = Store::with_options(self.options.clone().socket(proxy.dir()).port(crate::proxy::PORT), size, clock::system());
        (proxy, store)
    }

    /// Its URL, for programs that connect themselves.
    pub fn url(&self) -> String {
        self.options.to_url_lossy().to_string()
    }

    /// Its address in parts, named as in the settings of `flowod`.
    pub fn parts(&self) -> [(&'static str, String); 4] {
        let socket = self.options.get_socket().map(|dir| dir.display().to_string());
        [
            ("POSTGRES_HOST", socket.unwrap_or_else(|| self.options.get_host().to_owned())),
            ("POSTGRES_PORT", self.options.get_port().to_string()),
            ("POSTGRES_USER", self.options.get_username().to_owned()),
            ("POSTGRES_DB", self.name.clone()),
        ]
    }

    /// Runs statements as somebody at a prompt would.
    pub async fn sql(&self, statements: &str) {
        let mut conn = self.raw().await;
        sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(&mut conn).await.expect("the statements run");
    }

    /// Why the database refuses statements.
    ///
    /// # Panics
    /// If it does not.
    pub async fn refusal(&self, statements: &str) -> String {
        let mut conn = self.raw().await;
        let done = sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(&mut conn).await;
        done.err().unwrap_or_else(|| panic!("{statements} was not refused")).to_string()
    }

    /// One value of one row, as text.
    pub async fn text(&self, query: &str) -> Option<String> {
        let mut conn = self.raw().await;
        sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_one(&mut conn).await.expect("the query runs")
    }

    /// All rows of a query that returns one text each.
    pub async fn texts(&self, query: &str) -> Vec<String> {
        let mut conn = self.raw().await;
        sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_all(&mut conn).await.expect("the query runs")
    }
}

/// The test server: how to reach it, and a connection to it.
async fn server() -> (PgConnectOptions, PgConnection) {
    let url = std::env::var("DATABASE_URL").expect("tests need a throw-away PostgreSQL in DATABASE_URL; `cargo xtask test` provides one");
    let admin = PgConnectOptions::from_str(&url).expect("DATABASE_URL is an address");
    let conn = PgConnection::connect_with(&admin).await.expect("the test server answers");
    (admin, conn)
}

async fn create(conn: &mut PgConnection, name: &str, template: &str) {
    let statement = format!("create database \"{name}\" template \"{template}\"");
    sqlx::query(AssertSqlSafe(statement)).execute(conn).await.expect("a new database");
}

/// A connection to the private database of a `flowod`, if it accepts one.
pub async fn private(socket: &std::path::Path) -> Option<PgConnection> {
    let options = PgConnectOptions::new_without_pgpass().socket(socket).username("flowo").database("flowo");
    PgConnection::connect_with(&options).await.ok()
}

/// Runs statements on a connection that stays open, such as one with an open transaction.
pub async fn run(conn: &mut PgConnection, statements: &str) {
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(conn).await.expect("the statements run");
}
