//! The sockets: accepts connections, drives them, and closes idle ones when there are too many.
//!
//! A connection *waits* while it has no complete request: it is silent, in the middle of a head or body, or kept alive
//! after an answer. A connection whose request is being answered is never closed here to make room. Knows nothing of
//! routes; `bodies.rs` limits how large a body may be and how fast it must arrive.

mod connection;

use crate::http::access::Peer;
use axum::Router;
use connection::{Connection, State, drive};
use model::clock::{Clock, Instant};
use rustix::process::{Resource, getrlimit};
use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use store::Loop;
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::warn;

/// How often to look for connections that have timed out.
const SWEEP: Duration = Duration::from_secs(1);
/// Pause after an `accept` that failed for lack of descriptors or memory.
const PAUSE: Duration = Duration::from_millis(100);
/// Shortest time between two warnings about connections.
const QUIET: Duration = Duration::from_mins(1);
/// Most connections, whatever the system allows.
const MOST: usize = 65_536;
/// One in this many waiting connections is closed at a time to make room, because finding the oldest means looking at all.
const SHARE: usize = 64;

/// Limits on connections.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time, over all listeners.
    pub total: usize,
    /// Waiting connections, out of `total`.
    pub waiting: usize,
    /// Waiting connections from one address. Many people may share one: a head node's loopback, a proxy, a NAT.
    pub of_one: usize,
    /// Time for the head of a request, counted from the connection's start for the first and from the first byte for
    /// later ones.
    pub head: Duration,
    /// Time for a whole body, whatever its size.
    pub body: Duration,
    /// How long a connection is kept alive between two requests.
    pub kept: Duration,
    /// How long an answer may be blocked by a client that does not read.
    pub stall: Duration,
}

impl Limits {
    /// Limits that leave a quarter of this process' descriptors for files, database connections and children.
    pub fn of_process() -> Self {
        let descriptors = getrlimit(Resource::Nofile).current.and_then(|n| usize::try_from(n).ok()).unwrap_or(MOST);
        let total = (descriptors - descriptors / 4).min(MOST);
        Self {
            total,
            waiting: (total / 2).min(4096),
            of_one: (total / 4).min(1024),
            head: Duration::from_secs(20),
            body: Duration::from_mins(5),
            kept: Duration::from_mins(2),
            stall: Duration::from_mins(2),
        }
    }

    /// How long a connection may stay in a state; `None` for no limit.
    const fn of(&self, state: State) -> Option<Duration> {
        match state {
            State::New | State::Head => Some(self.head),
            State::Body => Some(self.body),
            State::Kept => Some(self.kept),
            State::Busy | State::Closed => None,
        }
    }
}

/// All connections of a server, over all its listeners. Cheap to clone.
#[derive(Clone)]
pub struct Sockets(Arc<Shared>);

struct Shared {
    limits: Limits,
    clock: Clock,
    /// Connection times are measured from here.
    began: Instant,
    table: Mutex<Table>,
    waiting: AtomicUsize,
    /// When a warning was logged last, in milliseconds.
    warned_at: AtomicU64,
}

#[derive(Default)]
struct Table {
    next: u64,
    connections: HashMap<u64, Arc<Connection>>,
    /// For each network, its number of connections, and how many of them wait.
    networks: HashMap<IpAddr, (usize, Arc<AtomicUsize>)>,
}

impl Sockets {
    pub fn new(limits: Limits, clock: Clock) -> Self {
        let began = clock.instant();
        let (waiting, warned_at) = (AtomicUsize::new(0), AtomicU64::new(0));
        Self(Arc::new(Shared { limits, clock, began, table: Mutex::default(), waiting, warned_at }))
    }

    /// Accepts connections until `stop`, then waits for answers in progress. No error of `accept` ends it.
    ///
    /// Handlers find the remote address as [`axum::extract::ConnectInfo`] of [`Peer`].
    pub async fn serve(&self, listener: TcpListener, router: Router, stop: CancellationToken) {
        let router = router.with_state(()); // Done once, not for every request.
        let tasks = TaskTracker::new();
        let mut sweeps = Loop::new("Closing late connections", SWEEP, stop.clone());
        loop {
            tokio::select! {
                biased;
                due = sweeps.next() => if due { self.sweep() } else { break },
                accepted = listener.accept() => match accepted {
                    Ok((stream, address)) => self.take(stream, address, &router, &stop, &tasks),
                    Err(error) => self.recover(&error).await,
                },
            }
        }
        drop(listener);
        self.hang_up();
        tasks.close();
        tasks.wait().await;
    }

    /// The number of open connections, and how many of them wait.
    pub fn count(&self) -> (usize, usize) {
        (self.0.table().connections.len(), self.0.waiting.load(Ordering::Relaxed))
    }

    fn take(&self, stream: TcpStream, address: SocketAddr, router: &Router, stop: &CancellationToken, tasks: &TaskTracker) {
        let _ = stream.set_nodelay(true); // Clients wait for each answer, so it must not be delayed by Nagle's algorithm.
        let Some(seat) = self.seat(network(address.ip())) else { return };
        let (router, stop) = (router.clone(), stop.clone());
        let connection = Arc::clone(&seat.connection);
        let task = tasks.spawn(async move { drive(stream, Peer(address), seat, router, stop).await });
        connection.is_driven_by(task.abort_handle());
    }

    /// Registers a connection, closing waiting ones if necessary. `None` if the limit is reached and all are being answered.
    fn seat(&self, network: IpAddr) -> Option<Seat> {
        let limits = &self.0.limits;
        let mut table = self.0.table();
        let of_one = table.networks.get(&network).map_or(0, |(_, waiting)| waiting.load(Ordering::Relaxed));
        if of_one >= limits.of_one {
            self.make_room(&table, Some(network), "too many of one address");
        }
        if self.0.waiting.load(Ordering::Relaxed) >= limits.waiting || table.connections.len() >= limits.total {
            let closed = self.make_room(&table, table.busiest(), "too many");
            if closed == 0 && table.connections.len() >= limits.total {
                metrics::counter!("flowo_connections_closed_total", "why" => "refused").increment(1);
                self.warn_rarely("All connections are in use; a new one was refused");
                return None;
            }
        }
        let (count, of_network) = table.networks.entry(network).or_default();
        *count += 1;
        let connection = Arc::new(Connection::new(Arc::clone(&self.0), Arc::clone(of_network)));
        let number = table.next;
        table.next += 1;
        table.connections.insert(number, Arc::clone(&connection));
        Some(Seat { shared: Arc::clone(&self.0), number, network, connection })
    }

    /// Closes the oldest waiting connections, of one network or of all; those that never made a request go first.
    fn make_room(&self, table: &Table, network: Option<IpAddr>, why: &'static str) -> usize {
        let of = network.and_then(|network| table.networks.get(&network)).map(|(_, waiting)| waiting);
        let mut old: Vec<_> = table
            .connections
            .iter()
            .filter(|(_, connection)| of.is_none_or(|of| connection.is_of(of)))
            .filter_map(|(number, connection)| {
                let (state, since) = connection.now();
                state.waits().then_some(((state == State::Kept, since, *number), connection))
            })
            .collect();
        let wanted = 1 + old.len() / SHARE;
        old.sort_by_key(|(age, _)| *age);
        let closed = old.iter().filter(|(.., connection)| connection.close()).take(wanted).count();
        metrics::counter!("flowo_connections_closed_total", "why" => why).increment(closed as u64);
        self.warn_rarely("Too many connections wait without a request; the oldest are closed");
        closed
    }

    /// Closes connections that have timed out.
    fn sweep(&self) {
        let now = self.0.now();
        let limits = &self.0.limits;
        let table = self.0.table();
        let late = table.connections.values().filter(|connection| {
            let (state, since) = connection.now();
            let is_late = |limit: Duration, since: u64| now.saturating_sub(since) > millis(limit);
            limits.of(state).is_some_and(|limit| is_late(limit, since) && connection.close())
                || connection.stalled_since().is_some_and(|since| is_late(limits.stall, since) && connection.cut())
        });
        let (closed, open) = (late.count(), table.connections.len());
        drop(table);
        metrics::gauge!("flowo_connections").set(open as f64);
        metrics::gauge!("flowo_connections_waiting").set(self.0.waiting.load(Ordering::Relaxed) as f64);
        metrics::counter!("flowo_connections_closed_total", "why" => "late").increment(closed as u64);
    }

    /// Closes connections that have no request in progress, because the server stops.
    fn hang_up(&self) {
        for connection in self.0.table().connections.values() {
            if connection.now().0 != State::Body {
                connection.close();
            }
        }
    }

    /// After a failed `accept`: if the client has left there is nothing to do; otherwise a resource is exhausted.
    async fn recover(&self, error: &io::Error) {
        use io::ErrorKind as E;
        if matches!(error.kind(), E::ConnectionAborted | E::ConnectionReset | E::ConnectionRefused | E::Interrupted) {
            return;
        }
        self.warn_rarely(&format!("No connection could be taken: {error}"));
        self.make_room(&self.0.table(), None, "no descriptors");
        sleep(PAUSE).await;
    }

    /// Logs a warning, at most one per [`QUIET`].
    fn warn_rarely(&self, what: &str) {
        let (now, last) = (self.0.now(), self.0.warned_at.load(Ordering::Relaxed));
        let is_due = last == 0 || now.saturating_sub(last) > millis(QUIET);
        if is_due && self.0.warned_at.compare_exchange(last, now.max(1), Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            warn!(connections = self.0.waiting.load(Ordering::Relaxed), "{what}");
        }
    }
}

impl Shared {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Milliseconds since the sockets were created.
    fn now(&self) -> u64 {
        millis(self.clock.since(self.began))
    }
}

impl Table {
    /// The network with the most waiting connections.
    fn busiest(&self) -> Option<IpAddr> {
        self.networks.iter().max_by_key(|(_, (_, waiting))| waiting.load(Ordering::Relaxed)).map(|(network, _)| *network)
    }
}

/// A connection's entry in the table; removed when dropped.
struct Seat {
    shared: Arc<Shared>,
    number: u64,
    network: IpAddr,
    connection: Arc<Connection>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.connection.close();
        let mut table = self.shared.table();
        table.connections.remove(&self.number);
        if let Some((count, _)) = table.networks.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                table.networks.remove(&self.network);
            }
        }
    }
}

/// Addresses that one machine can choose among count as one network: for IPv6, the 64 bits of a network prefix.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address => address,
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
