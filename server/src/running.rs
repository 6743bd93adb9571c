//! The parts of a running server, assembled: loops, writer, hub, and the state of its routes.
//!
//! `commands::serve` runs one on a socket; tests run many, each on a database of its own.

use crate::{
    demo::play::DemoPlayer,
    http::{
        ServerState, Shared,
        access::{Doors, MetricsAccess, TokenCache, Watch},
        pages,
        site::Site,
    },
    loops,
    secrets::Secrets,
};
use ingest::{
    Clients, batch,
    journal::{Journal, JournalTask},
    mask::Masking,
    protocol::Timeouts,
};
use live::Hub;
use metrics_exporter_prometheus::PrometheusHandle;
use model::UserId;
use read::{
    Reader,
    files::{Guard, Roots, RunFiles},
};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};
use store::{Store, prune::Policy};
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::warn;

/// How long requests and writes in progress may take when the server stops.
pub const DRAIN: Duration = Duration::from_secs(10);

/// The settings and parts of a server.
pub struct Plan {
    pub store: Store,
    pub secrets: Secrets,
    pub metrics: PrometheusHandle,
    pub site: Site,
    pub address: SocketAddr,
    /// The address people and clients use.
    pub base_url: String,
    /// The path of this user's client configuration, as people write it.
    pub client_config: String,
    /// When silent runs are lost.
    pub silence: Timeouts,
    pub sweep: Duration,
    /// The directory of the journal; with `None`, everything is acknowledged only once it is in the database.
    pub journal: Option<PathBuf>,
    /// The path of `flowod`, which is started to look into files.
    pub program: PathBuf,
    /// Where files of runs are on this machine.
    pub roots: Roots,
    /// What is never shown of this machine.
    pub guard: Guard,
    /// The account of the operating-system user who started Flowo.
    pub owner: UserId,
    /// Streams and downloads that one person may have open at once.
    pub streams: usize,
    /// How long the history is kept.
    pub policy: Policy,
    /// Whether changes are written to the log.
    pub monitor: bool,
    /// Who may read the metrics.
    pub metrics_access: MetricsAccess,
    /// What is done with secrets in reports.
    pub masking: Masking,
}

/// A server at work.
pub struct Running {
    pub state: ServerState,
    tasks: TaskTracker,
    /// Stops writer and listener, after the last request.
    drained: CancellationToken,
}

impl Running {
    /// Starts everything but the socket.
    pub fn start(plan: Plan) -> Self {
        let store = plan.store.clone();
        let hub = Hub::new(store.clone());
        let (writer, writer_task) = batch::writer(store.clone());
        let writer = writer.with_masking(plan.masking);
        let (stopping, drained) = (CancellationToken::new(), CancellationToken::new());
        let tasks = TaskTracker::new();
        let journal = plan.journal.and_then(|dir| journal(&dir, &store, &writer_task));
        let journal = journal.map(|(journal, task)| {
            tasks.spawn(task.run(drained.clone(), ingest::journal_reader()));
            journal
        });
        tasks.spawn(writer_task.run(drained.clone()));
        tasks.spawn(live::listener::run(store.clone(), hub.clone(), drained.clone()));
        tasks.spawn(hub.clone().keep(stopping.clone()));
        let hearing = loops::Hearing::default();
        tasks.spawn(hearing.clone().keep(store.clone(), stopping.clone()));
        tasks.spawn(loops::sweeper(store.clone(), hearing, plan.sweep, ingest::protocol::silences(&plan.silence), stopping.clone()));
        tasks.spawn(loops::housekeeper(store.clone(), plan.policy, stopping.clone()));
        if plan.monitor {
            tasks.spawn(crate::monitor::within(store.clone(), stopping.clone()));
        }
        tasks.spawn(loops::metrics_keeper(plan.metrics.clone(), stopping.clone()));
        let clock = store.clock().clone();
        let files = RunFiles::new(plan.roots, plan.guard, plan.program, clock.clone());
        tasks.spawn(crate::run_logs::run(store.clone(), files.clone(), plan.owner, plan.masking, stopping.clone()));
        let watch = Watch::new(store.clone(), plan.streams);
        tasks.spawn(watch.clone().run(drained.clone()));
        let reader = Reader::new(store.clone(), hub, files);
        let clients = Clients::new(store.clone(), writer, journal, plan.silence);
        let demo = DemoPlayer::new(store, stopping.clone(), tasks.clone());
        let app = pages::state(
            pages::Plan { site: &plan.site, address: plan.address, base_url: plan.base_url, client_config: plan.client_config },
            reader,
            demo,
        );
        let state = ServerState::new(Shared {
            app,
            clients,
            secrets: plan.secrets,
            tokens: TokenCache::default(),
            watch,
            owner: plan.owner,
            doors: Doors::new(plan.metrics_access, clock.clone()),
            metrics: plan.metrics,
            masking: plan.masking,
            bodies: crate::http::bodies::Budget::new(clock),
            stopping,
        });
        Self { state, tasks, drained }
    }

    /// Writes what was accepted, then stops the loops. Call it after the last request.
    pub async fn drain(self) {
        self.state.stopping.cancel();
        self.drained.cancel();
        self.tasks.close();
        if timeout(DRAIN, self.tasks.wait()).await.is_err() {
            warn!("Some tasks did not end within {DRAIN:?}");
        }
    }
}

/// Opens the journal. Without one, updates are acknowledged only once they are in the database, which takes longer.
fn journal(dir: &Path, store: &Store, writer: &batch::WriterTask) -> Option<(Journal, JournalTask)> {
    match Journal::open(dir, store.clone(), writer) {
        Ok(opened) => Some(opened),
        Err(error) => {
            warn!(%error, dir = %dir.display(), "No journal of updates: the directory cannot be used");
            None
        }
    }
}
