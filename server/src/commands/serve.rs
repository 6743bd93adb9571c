//! The life of the server: configuration, database, schema, loops, routes, and shutdown.

use crate::{
    commands::link,
    config::{Config, env, process, warn_of_meaningless},
    database,
    http::{
        listen::{Limits, Sockets},
        router::{old_port, router},
        site::Site,
    },
    owner,
    running::{DRAIN, Plan, Running},
    secrets::Secrets,
};
use anyhow::{Context as _, Result};
use ingest::protocol::Timeouts;
use metrics_exporter_prometheus::PrometheusBuilder;
use read::files::Guard;
use std::{net::SocketAddr, path::Path};
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    task::JoinSet,
    time::timeout,
};
use tracing::{info, warn};

/// `pages` is the archive of pages that the program carries; it may be empty.
pub async fn run(config: Config, pages: &'static [u8]) -> Result<()> {
    let mut interrupts = Interrupts::new().context("could not listen for signals")?;
    let metrics = PrometheusBuilder::new().install_recorder().context("could not start the metrics")?;
    let site = Site::find(config.site_dir.as_deref(), pages)?;
    warn_of_meaningless();
    let listener = bind(config.listen).await?;
    let address = listener.local_addr()?;
    let second = match config.panoptes_listen {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    let mut open = tokio::select! {
        open = database::open(&config.database, database::SERVE) => open?,
        () = interrupts.any() => return Ok(()),
    };
    open.keep(&config.database);
    let store = open.store.clone();
    store::migrate::migrate(&store).await?;
    let secrets = key(&store).await?;
    // The journal is tied to this identity, so updates of one database are never written into another.
    let identity = store::admin::identity(&store, &uuid::Uuid::new_v4().simple().to_string()).await?;
    let owner = owner::ensure(&store, &config).await?;

    let base_url = config.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
    store::admin::announce(&store, &base_url).await?;
    let client = owner::write_client_config(&store, &secrets, &owner, &base_url).await;
    let key_link = link::make(&store, &secrets, &owner, &base_url).await?;

    let running = Running::start(Plan {
        store: store.clone(),
        secrets,
        metrics,
        site: site.clone(),
        address,
        base_url: base_url.clone(),
        client_config: client.path.clone(),
        silence: Timeouts { heartbeat: config.heartbeat_timeout, quiet: config.quiet_timeout, stale: config.stale_timeout },
        sweep: config.sweep,
        journal: Some(config.data_dir.join("journal").join(identity)),
        program: program()?,
        roots: config.roots.clone(),
        guard: Guard::new(owner::places(&config.data_dir), process("HOME").as_deref().map(Path::new)),
        owner,
        streams: config.streams,
        policy: config.policy,
        monitor: config.monitor,
        metrics_access: config.metrics,
        masking: config.masking,
    });
    let stopping = running.state.stopping.clone();
    let service = router(running.state.clone(), &site);
    let sockets = Sockets::new(Limits::of_process(), store.clock().clone());

    println!("Flowo {} is ready at {base_url}", env!("CARGO_PKG_VERSION"));
    println!("Sign in: {key_link}");
    println!("Token for this user: {}", client.line);
    let mut second_server = JoinSet::new();
    if let Some(second) = second {
        let address = second.local_addr()?;
        let trusted = if address.ip().is_loopback() { Some(owner::identity(&store, owner).await?) } else { None };
        let terms = if trusted.is_some() { "no token needed for programs on this machine" } else { "clients need a token" };
        println!("Panoptes' clients: http://{address} ({terms})");
        let service = old_port(&running.state, trusted);
        let (sockets, stop) = (sockets.clone(), stopping.clone());
        second_server.spawn(async move { sockets.serve(second, service, stop).await });
    }
    println!("Database: {}", config.database.shown());
    if config.open {
        open_browser(&key_link);
    }

    let mut server = std::pin::pin!(sockets.serve(listener, service, stopping.clone()));
    tokio::select! {
        () = &mut server => {}
        () = interrupts.any() => info!("Stopping: finishing requests in progress"),
    }
    stopping.cancel();
    if timeout(DRAIN, server).await.is_err() {
        warn!("Some requests did not end within {DRAIN:?}");
    }
    if timeout(DRAIN, second_server.join_all()).await.is_err() {
        warn!("Some requests of Panoptes' clients did not end within {DRAIN:?}");
    }
    running.drain().await;
    open.close().await;
    info!("Stopped");
    Ok(())
}

async fn bind(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("could not listen on {address}; is another program using it? Choose another address with --listen or PORT")
    })
}

/// The key for hashing secrets: `SECRET_KEY`, else one stored in the database.
pub async fn key(store: &store::Store) -> Result<Secrets> {
    let key = match env("SECRET_KEY") {
        Some(key) => key,
        None => store::admin::key(store, &crate::secrets::random()?).await?,
    };
    Ok(Secrets::new(key.as_bytes()))
}

/// SIGINT and SIGTERM, remembered from the first moment: one that comes while nobody waits is not lost.
struct Interrupts([Signal; 2]);

impl Interrupts {
    fn new() -> std::io::Result<Self> {
        Ok(Self([signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?]))
    }

    /// Waits for the first of them.
    async fn any(&mut self) {
        let [int, term] = &mut self.0;
        tokio::select! {
            _ = int.recv() => {}
            _ = term.recv() => {}
        }
    }
}

fn open_browser(url: &str) {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    if let Err(error) = std::process::Command::new(program).arg(url).spawn() {
        warn!(%error, "Could not open a browser");
    }
}

/// The path of this executable, even if another file has replaced it on disk since.
fn program() -> std::io::Result<std::path::PathBuf> {
    let running = Path::new("/proc/self/exe");
    if running.exists() { Ok(running.to_owned()) } else { std::env::current_exe() }
}
