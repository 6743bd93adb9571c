//! One server with its loops, and clients with each kind of credential.

use flowo_server::{
    commands::serve,
    http::{
        listen::{Limits, Sockets},
        router::{self, router},
        site::Site,
    },
    running::{Plan, Running},
    secrets,
};
use ingest::protocol::Timeouts;
use metrics_exporter_prometheus::PrometheusBuilder;
use model::{UserId, access::Role};
use read::files::{Guard, Roots};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use std::{path::Path, time::Duration};
use store::people;
use tempfile::TempDir;
use testkit::{Tab, TestDatabase, client};
use tokio::net::TcpListener;

/// A server at work.
pub struct Lab {
    pub base: String,
    /// The port where Panoptes clients need no token.
    pub old_port: String,
    pub database: TestDatabase,
    pub owner: UserId,
    /// The owner's own token.
    pub admin: String,
    pub followers: read::files::Followers,
    secrets: secrets::Secrets,
    http: reqwest::Client,
    _site: TempDir,
    /// Lives as long as the server.
    journal: Option<TempDir>,
}

/// How a server differs from the default one.
pub struct Terms {
    pub roots: Roots,
    /// Streams and downloads that one person may have open.
    pub streams: usize,
}

impl Default for Terms {
    fn default() -> Self {
        Self { roots: Roots::default(), streams: 200 }
    }
}

impl Lab {
    pub async fn new() -> Self {
        let database = TestDatabase::new().await;
        let store = database.store.clone();
        Self::over(database, store).await
    }

    /// A server that reaches the database through `store`.
    pub async fn over(database: TestDatabase, store: store::Store) -> Self {
        let dir = TempDir::new().expect("a directory");
        let mut lab = Self::with_journal(database, store, dir.path()).await;
        lab.journal = Some(dir);
        lab
    }

    /// A server with given file roots and a given limit of open streams.
    pub async fn on(terms: Terms) -> Self {
        let database = TestDatabase::new().await;
        let store = database.store.clone();
        let dir = TempDir::new().expect("a directory");
        let mut lab = Self::built(database, store, dir.path(), terms).await;
        lab.journal = Some(dir);
        lab
    }

    /// A server with its journal in `journal`, which may already contain one.
    pub async fn with_journal(database: TestDatabase, store: store::Store, journal: &Path) -> Self {
        Self::built(database, store, journal, Terms::default()).await
    }

    async fn built(database: TestDatabase, store: store::Store, journal: &Path, terms: Terms) -> Self {
        let site = TempDir::new().expect("a directory");
        let pkg = "pkg-test".to_owned();
        std::fs::create_dir(site.path().join(&pkg)).expect("a directory");
        std::fs::write(site.path().join("site.json"), format!("{{\"pkg\":{pkg:?}}}")).expect("a file");
        std::fs::create_dir(site.path().join("fonts")).expect("a directory");
        std::fs::write(site.path().join(&pkg).join("flowo.css"), "a{}").expect("a file");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let base = format!("http://{address}");
        let secrets = serve::key(&store).await.expect("a key");
        let mut conn = store.conn().await.expect("a connection");
        let owner = people::os_user(&mut conn, "owner", "owner", Role::Admin).await.expect("an owner");
        drop(conn);
        let site_info = Site::find(Some(site.path()), &[]).expect("the pages");
        let lab_store = store.clone();
        let running = Running::start(Plan {
            store,
            secrets: secrets.clone(),
            metrics: PrometheusBuilder::new().build_recorder().handle(),
            site: site_info.clone(),
            address,
            base_url: base.clone(),
            client_config: "~/.config/flowo/config.toml".into(),
            silence: Timeouts { heartbeat: 60, quiet: 3600, stale: Some(48 * 3600) },
            sweep: Duration::from_hours(1),
            journal: Some(journal.to_owned()),
            program: env!("CARGO_BIN_EXE_flowod").into(),
            roots: terms.roots,
            guard: Guard::new(vec![journal.to_owned()], None),
            owner: UserId(owner.id),
            streams: terms.streams,
            policy: store::prune::Policy::default(),
            monitor: false,
            metrics_access: flowo_server::http::access::MetricsAccess::Local,
            masking: ingest::mask::Masking::default(),
        });
        let followers = running.state.app.reader.followers.clone();
        let owner = UserId(owner.id);
        let second = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let old_port = format!("http://{}", second.local_addr().expect("an address"));
        let trusted = flowo_server::owner::identity(&lab_store, owner).await.expect("an owner");
        let old = router::old_port(&running.state, Some(trusted));
        let service = router(running.state.clone(), &site_info);
        let (sockets, stopping) = (Sockets::new(Limits::of_process(), lab_store.clock().clone()), running.state.stopping.clone());
        tokio::spawn({
            let (sockets, stopping) = (sockets.clone(), stopping.clone());
            async move { sockets.serve(second, old, stopping).await }
        });
        tokio::spawn(async move {
            // Owned by the server's task, so that its loops live as long as the server.
            let _running = running;
            sockets.serve(listener, service, stopping).await;
        });
        let mut lab =
            Self { base, old_port, database, owner, admin: String::new(), followers, secrets, http: client(), _site: site, journal: None };
        lab.admin = lab.token(owner, "admin").await;
        lab
    }

    /// The directory of the journal.
    pub fn journal_dir(&self) -> &Path {
        self.journal.as_ref().expect("a lab of its own directory").path()
    }

    /// The server's seal for a text.
    pub fn seal(&self, text: &str) -> String {
        self.secrets.seal(text)
    }

    /// Creates a token for a user.
    pub async fn token(&self, user: UserId, scope: &str) -> String {
        let token = secrets::token().expect("randomness");
        let mut conn = self.database.store.conn().await.expect("a connection");
        people::add_token(
            &mut conn,
            user,
            scope,
            &secrets::shown(&token),
            &self.secrets.hash(&token),
            scope.parse().expect("a scope"),
            None,
        )
        .await
        .expect("a token");
        token
    }

    /// Creates an account.
    pub async fn user(&self, name: &str, role: &str) -> UserId {
        let mut conn = self.database.store.conn().await.expect("a connection");
        UserId(people::os_user(&mut conn, name, name, role.parse().expect("a role")).await.expect("a user").id)
    }

    /// The key of a fresh sign-in link.
    pub async fn sign_in_key(&self, user: UserId) -> String {
        let key = secrets::random().expect("randomness");
        let mut conn = self.database.store.conn().await.expect("a connection");
        people::add_sign_in_key(&mut conn, user, &self.secrets.hash(&key), 5).await.expect("a key");
        key
    }

    /// The cookie of a session, obtained as people obtain it.
    pub async fn session(&self, user: UserId) -> String {
        let key = self.sign_in_key(user).await;
        let response = self.sign_in(&key).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        let cookie = response.headers()["set-cookie"].to_str().expect("text");
        cookie.split(';').next().expect("a cookie").to_owned()
    }

    /// Opens a live stream with a session.
    pub async fn open_as(&self, cookie: &str, query: &str) -> Tab {
        let response = self.request(Method::GET, &format!("/live?{query}")).header("cookie", cookie).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        Tab::new(response)
    }

    /// The URL of a file's bytes, for a session; `None` if there is none.
    pub async fn ticket(&self, cookie: &str, run: &str, file: &str) -> Option<String> {
        let path = format!("/runs/{run}/raw?file={file}");
        let response = self.request(Method::GET, &path).header("cookie", cookie).send().await.expect("an answer");
        (response.status() == StatusCode::TEMPORARY_REDIRECT).then(|| response.headers()["location"].to_str().expect("text").to_owned())
    }

    /// The filled-in form behind a sign-in link.
    pub fn pressed(&self, key: &str) -> RequestBuilder {
        let request = self.request(Method::POST, "/sign-in").header("content-type", "application/x-www-form-urlencoded");
        request.body(format!("key={key}"))
    }

    /// Presses the button behind a sign-in link.
    pub async fn sign_in(&self, key: &str) -> Response {
        self.pressed(key).send().await.expect("an answer")
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path).bearer_auth(&self.admin)
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path).bearer_auth(&self.admin)
    }

    /// Reads JSON from the public API.
    pub async fn api(&self, path: &str) -> Value {
        let response = self.get(&format!("/api/flowo/v1{path}")).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.expect("JSON")
    }

    /// All items of a list, over all its pages.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut after = String::new();
        loop {
            let glue = if path.contains('?') { '&' } else { '?' };
            let page = self.api(&format!("{path}{glue}limit=200{after}")).await;
            items.extend(page["items"].as_array().expect("items").iter().cloned());
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return items,
            }
        }
    }

    /// Sends one event as the logger plugin would.
    pub async fn event(&self, event: &str, record: Value, context: Value) -> Response {
        let body = serde_json::json!({ "event": event, "record": record, "context": context });
        self.post("/api/v1/reports/").json(&body).send().await.expect("an answer")
    }

    /// Opens a live stream.
    pub async fn open(&self, query: &str) -> Tab {
        let response = self.get(&format!("/live?{query}")).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        Tab::new(response)
    }
}
