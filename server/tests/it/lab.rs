//! One server with its loops, and clients with each kind of credential.

use flowo_server::{
    access::Peer,
    commands::serve,
    files::Roots,
    router::{panoptes, router},
    running::{Plan, Running},
    secrets,
    site::Site,
};
use metrics_exporter_prometheus::PrometheusBuilder;
use model::UserId;
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
    /// Where clients of Panoptes need no token.
    pub old_port: String,
    pub database: TestDatabase,
    pub owner: UserId,
    /// The owner's own token.
    pub admin: String,
    pub followers: app::followers::Followers,
    secrets: secrets::Secrets,
    http: reqwest::Client,
    _site: TempDir,
    /// Kept as long as the server.
    journal: Option<TempDir>,
}

impl Lab {
    pub async fn new() -> Self {
        let database = TestDatabase::new().await;
        let store = database.store.clone();
        Self::over(database, store).await
    }

    /// A server whose way to the database is one of its own.
    pub async fn over(database: TestDatabase, store: store::Store) -> Self {
        let dir = TempDir::new().expect("a directory");
        let mut lab = Self::with_journal(database, store, dir.path()).await;
        lab.journal = Some(dir);
        lab
    }

    /// A server with its journal in a directory that may hold one already.
    pub async fn with_journal(database: TestDatabase, store: store::Store, journal: &Path) -> Self {
        let site = TempDir::new().expect("a directory");
        let pkg = "pkg-test".to_owned();
        std::fs::create_dir(site.path().join(&pkg)).expect("a directory");
        std::fs::create_dir(site.path().join("fonts")).expect("a directory");
        std::fs::write(site.path().join(&pkg).join("flowo.css"), "a{}").expect("a file");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let base = format!("http://{address}");
        let secrets = serve::key(&store).await.expect("a key");
        let mut conn = store.conn().await.expect("a connection");
        let owner = people::os_user(&mut conn, "owner", "owner", "admin").await.expect("an owner");
        drop(conn);
        let site_info = Site { pkg, is_watched: false };
        let lab_store = store.clone();
        let running = Running::start(Plan {
            store,
            secrets: secrets.clone(),
            metrics: PrometheusBuilder::new().build_recorder().handle(),
            site: site_info.clone(),
            site_dir: site.path().to_owned(),
            address,
            base_url: base.clone(),
            client_config: "~/.config/flowo/config.toml".into(),
            timeouts: (60, 3600),
            stale: Some(48 * 3600),
            sweep: Duration::from_hours(1),
            journal: Some(journal.to_owned()),
            program: env!("CARGO_BIN_EXE_flowod").into(),
            roots: Roots::default(),
            policy: store::prune::Policy::default(),
            monitor: false,
        });
        let followers = running.state.app.followers.clone();
        let owner = UserId(owner.id);
        let second = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let old_port = format!("http://{}", second.local_addr().expect("an address"));
        let trusted = flowo_server::owner::identity(&lab_store, owner).await.expect("an owner");
        let old = panoptes(&running.state, Some(trusted)).into_make_service_with_connect_info::<Peer>();
        tokio::spawn(async move { axum::serve(flowo_server::commands::NoDelay(second), old).await });
        let service = router(running.state.clone(), site.path(), &site_info).into_make_service_with_connect_info::<Peer>();
        tokio::spawn(async move {
            // Kept with the server, so that its loops live as long as it does.
            let _running = running;
            let listener = flowo_server::commands::NoDelay(listener);
            axum::serve(listener, service).await
        });
        let mut lab =
            Self { base, old_port, database, owner, admin: String::new(), followers, secrets, http: client(), _site: site, journal: None };
        lab.admin = lab.token(owner, "admin").await;
        lab
    }

    /// The seal that the server would put on a text.
    pub fn seal(&self, text: &str) -> String {
        self.secrets.seal(text)
    }

    /// A new token of a user.
    pub async fn token(&self, user: UserId, scope: &str) -> String {
        let token = secrets::token().expect("randomness");
        let mut conn = self.database.store.conn().await.expect("a connection");
        people::add_token(&mut conn, user, scope, &secrets::shown(&token), &self.secrets.hash(&token), scope, None).await.expect("a token");
        token
    }

    /// Another account.
    pub async fn user(&self, name: &str, role: &str) -> UserId {
        let mut conn = self.database.store.conn().await.expect("a connection");
        UserId(people::os_user(&mut conn, name, name, role).await.expect("a user").id)
    }

    /// The key of a fresh sign-in link.
    pub async fn sign_in_key(&self, user: UserId) -> String {
        let key = secrets::random().expect("randomness");
        let mut conn = self.database.store.conn().await.expect("a connection");
        people::add_sign_in_key(&mut conn, user, &self.secrets.hash(&key), 5).await.expect("a key");
        key
    }

    /// A session's cookie, got as people get it.
    pub async fn session(&self, user: UserId) -> String {
        let key = self.sign_in_key(user).await;
        let response = self.request(Method::GET, &format!("/sign-in?key={key}")).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        let cookie = response.headers()["set-cookie"].to_str().expect("text");
        cookie.split(';').next().expect("a cookie").to_owned()
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
