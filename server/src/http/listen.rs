//! The sockets: takes connections, drives them, and closes those that only wait when there are too many of them.
//!
//! A connection *waits* while it has no complete request: it is silent, or in the middle of a head or of a body, or
//! kept alive after an answer. Whoever is being answered is never closed here to make room. Knows nothing of routes;
//! how large a body may be and how fast it must come is said in `bodies.rs`.

mod connection;

use crate::http::access::Peer;
use axum::Router;
use connection::{Connection, State, drive};
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
use tokio::{
    net::{TcpListener, TcpStream},
    time::{Instant, MissedTickBehavior, interval, sleep},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::warn;

/// How often connections are looked at whose time may be up.
const SWEEP: Duration = Duration::from_secs(1);
/// After an `accept` that failed for want of descriptors or memory.
const PAUSE: Duration = Duration::from_millis(100);
/// Between two lines of the log that say the same.
const QUIET: Duration = Duration::from_mins(1);
/// Connections at most, whatever the system allows.
const MOST: usize = 65_536;
/// Of those that wait, one in so many is closed at once to make room: looking for the oldest costs a look at all.
const SHARE: usize = 64;

/// What connections may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once, over all listeners.
    pub total: usize,
    /// Those of them that wait.
    pub waiting: usize,
    /// Those that wait and come from one address. Many people share one: a head node's loopback, a proxy, a NAT.
    pub of_one: usize,
    /// Until the head of a first request is complete, and of a further one from its first byte on.
    pub head: Duration,
    /// Until a body is complete, whatever its size.
    pub body: Duration,
    /// How long a connection is kept alive between two requests.
    pub kept: Duration,
    /// How long an answer may wait for a client that does not read it.
    pub stall: Duration,
}

impl Limits {
    /// Limits that leave a quarter of this process' descriptors for files, database and children.
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

    /// How long a connection may stay in a state; `None`: as long as it likes.
    const fn of(&self, state: State) -> Option<Duration> {
        match state {
            State::New | State::Head => Some(self.head),
            State::Body => Some(self.body),
            State::Kept => Some(self.kept),
            State::Busy | State::Closed => None,
        }
    }
}

/// All connections of a server, whatever listener they came by. Cheap to clone.
#[derive(Clone)]
pub struct Sockets(Arc<Shared>);

struct Shared {
    limits: Limits,
    /// All times of connections are counted from here.
    began: Instant,
    table: Mutex<Table>,
    waiting: AtomicUsize,
    /// When the log was told last, in milliseconds.
    told: AtomicU64,
}

#[derive(Default)]
struct Table {
    next: u64,
    connections: HashMap<u64, Arc<Connection>>,
    /// Connections by network, and how many of them wait.
    networks: HashMap<IpAddr, (usize, Arc<AtomicUsize>)>,
}

impl Sockets {
    pub fn new(limits: Limits) -> Self {
        let shared =
            Shared { limits, began: Instant::now(), table: Mutex::default(), waiting: AtomicUsize::new(0), told: AtomicU64::new(0) };
        Self(Arc::new(shared))
    }

    /// Takes connections until `stop`, then waits for the answers that were begun. No error of `accept` ends it.
    ///
    /// Handlers find the other end as [`axum::extract::ConnectInfo`] of [`Peer`].
    pub async fn serve(&self, listener: TcpListener, router: Router, stop: CancellationToken) {
        let router = router.with_state(()); // Once, not with every request.
        let tasks = TaskTracker::new();
        let mut sweep = interval(SWEEP);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                _ = sweep.tick() => self.sweep(),
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

    /// Connections at this moment, and how many of them wait.
    pub fn count(&self) -> (usize, usize) {
        (self.0.table().connections.len(), self.0.waiting.load(Ordering::Relaxed))
    }

    fn take(&self, stream: TcpStream, address: SocketAddr, router: &Router, stop: &CancellationToken, tasks: &TaskTracker) {
        let _ = stream.set_nodelay(true); // Clients wait for each answer: it must not wait for more to send.
        let Some(seat) = self.seat(network(address.ip())) else { return };
        let (router, stop) = (router.clone(), stop.clone());
        let connection = Arc::clone(&seat.connection);
        let task = tasks.spawn(async move { drive(stream, Peer(address), seat, router, stop).await });
        connection.is_driven_by(task.abort_handle());
    }

    /// A place for a connection; others that wait are closed for it. `None` if all are being answered.
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
                self.tell("All connections are in use; a new one was refused");
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

    /// Closes the oldest of those that wait, of one network or of all, first those that never made a request.
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
        self.tell("Too many connections wait without a request; the oldest are closed");
        closed
    }

    /// Closes those whose time is up.
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

    /// The server stops: whoever has not yet asked for anything need not be waited for.
    fn hang_up(&self) {
        for connection in self.0.table().connections.values() {
            if connection.now().0 != State::Body {
                connection.close();
            }
        }
    }

    /// After an `accept` that failed: a client that left already is none of our business; else something is used up.
    async fn recover(&self, error: &io::Error) {
        use io::ErrorKind as E;
        if matches!(error.kind(), E::ConnectionAborted | E::ConnectionReset | E::ConnectionRefused | E::Interrupted) {
            return;
        }
        self.tell(&format!("No connection could be taken: {error}"));
        self.make_room(&self.0.table(), None, "no descriptors");
        sleep(PAUSE).await;
    }

    /// Warns, but not all the time.
    fn tell(&self, what: &str) {
        let (now, last) = (self.0.now(), self.0.told.load(Ordering::Relaxed));
        let is_due = last == 0 || now.saturating_sub(last) > millis(QUIET);
        if is_due && self.0.told.compare_exchange(last, now.max(1), Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            warn!(connections = self.0.waiting.load(Ordering::Relaxed), "{what}");
        }
    }
}

impl Shared {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Milliseconds since the sockets were opened.
    fn now(&self) -> u64 {
        millis(self.began.elapsed())
    }
}

impl Table {
    /// The network of which most connections wait.
    fn busiest(&self) -> Option<IpAddr> {
        self.networks.iter().max_by_key(|(_, (_, waiting))| waiting.load(Ordering::Relaxed)).map(|(network, _)| *network)
    }
}

/// A connection's place in the table; left when dropped.
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

/// Addresses that one machine may choose among count as one: of IPv6, the 64 bits a network gives.
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
