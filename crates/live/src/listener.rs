//! Receives notifications of commits, and recovers after notifications were lost.
//!
//! The driver reconnects silently, and notifications sent in the meantime are lost. So the listener sends pings to
//! itself. Receiving a ping proves that the connection delivers notifications, and makes the listener compare the
//! received notifications with the change log. Changes that were committed without a notification are then published,
//! and the horizon, from which the log is read again after a loss, moves forward. When no ping has arrived for two ping
//! intervals, the listener polls the change log until one arrives.

use crate::{Health, hub::Hub};
use futures::FutureExt as _;
use model::{Millis, clock::Instant, live::Listening};
use std::{collections::HashSet, time::Duration};
use store::{
    Conn, Loop, Store, StoreError,
    changes::{self, Horizon},
    error::chain,
    listen::{CHANGES, Heard, Listener},
};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How long changes are gathered into one tick: long enough for a burst, short enough to feel instant.
const WINDOW: Duration = Duration::from_millis(4);
/// The window while no reader is connected: a row is read once, however often it changed.
const UNSEEN: Duration = Duration::from_millis(100);
/// Each tick costs one write per reader: this many readers lengthen the window by 1 ms.
const READERS_PER_MS: usize = 250;
/// The longest window, in milliseconds beyond [`WINDOW`].
const MOST_EXTRA_MS: usize = 12;
/// How often the listener pings itself.
const PING: Duration = Duration::from_secs(3);
/// The connection counts as deaf after this time without a ping, which is two pings. Pages are notified then.
const DEAF: Duration = Duration::from_secs(8);
/// How often the change log is read while deaf.
const POLL: Duration = Duration::from_secs(5);
/// The longest wait between two attempts to connect.
const MAX_BACKOFF: Duration = Duration::from_secs(10);
/// How many notifications are queued while a tick is being read; further ones wait in the socket.
const QUEUE: usize = 4096;
/// How many published transactions are remembered while an older one is open. Beyond that they are forgotten, and
/// published again when that one ends.
const REMEMBERED: usize = 200_000;
/// How long a statement of the listener may take before it counts as failed.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(20);

/// Listens until cancelled. Recovers from every failure of the database.
pub async fn run(store: Store, hub: Hub, cancel: CancellationToken) {
    let begin = store.clock().instant();
    let mut ear = Ear {
        channel: format!("flowo_ping_{:x}", hub.cursor().epoch),
        store,
        hub,
        horizon: None,
        published: HashSet::new(),
        pinged: None,
        proven: None,
        heard_at: begin,
        ticked: begin,
        reading: None,
    };
    let mut backoff = Duration::from_millis(100);
    while !cancel.is_cancelled() {
        let began = ear.now();
        let outcome = tokio::select! {
            () = cancel.cancelled() => return,
            outcome = ear.listen(&cancel) => outcome,
        };
        if let Err(error) = outcome {
            warn!(error = chain(&error), "Lost the notifications; trying again in {backoff:?}");
        }
        if ear.heard_at > began {
            backoff = Duration::from_millis(100); // It worked for a while, so the next attempt may work, too.
        }
        tokio::select! {
            () = cancel.cancelled() => return,
            () = ear.wait(backoff) => {}
        }
        backoff = (backoff * 2).min(MAX_BACKOFF);
    }
}

struct Ear {
    store: Store,
    hub: Hub,
    channel: String,
    /// Every change before this horizon was published.
    horizon: Option<Horizon>,
    /// Transactions that were notified and published but are not before the horizon.
    published: HashSet<u64>,
    /// The ping that has not arrived yet: its number, when it was sent, and the horizon that its arrival will prove.
    pinged: Option<(u64, Millis, Horizon)>,
    /// Set when a ping arrived: the horizon moves here once the log agrees with the received notifications.
    proven: Option<Horizon>,
    heard_at: Instant,
    /// When the last tick was published.
    ticked: Instant,
    /// The connection for reading the rows behind a notification; the pool may be busy at that time.
    reading: Option<Conn>,
}

/// A task that is aborted when this handle is dropped.
struct Reader(JoinHandle<()>);

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Ear {
    fn now(&self) -> Instant {
        self.store.clock().instant()
    }

    /// Listens over one connection until it fails.
    async fn listen(&mut self, cancel: &CancellationToken) -> Result<(), StoreError> {
        let listener = Listener::connect(&self.store, &self.channel).await?;
        let (heard, mut hearing) = mpsc::channel(QUEUE);
        let _reader = Reader(tokio::spawn(read(listener, heard)));
        self.state(Listening::CatchingUp);
        self.catch_up().await?;
        self.heard_at = self.now();
        info!("Listening for changes");
        let mut pings = Loop::new("Pinging", PING, cancel.clone());
        let mut polled = self.now();
        let mut number = 0;
        // The value of `heard_at` for which deafness was reported.
        let mut reported_for = None;
        loop {
            let left = self.store.clock().until(self.heard_at + DEAF);
            tokio::select! {
                () = sleep(left), if reported_for != Some(self.heard_at) => {
                    reported_for = Some(self.heard_at);
                    self.state(Listening::Polling);
                    polled = self.now();
                    self.catch_up().await?;
                }
                message = hearing.recv() => match message {
                    None => return Ok(()),
                    Some(Err(error)) => return Err(error),
                    Some(Ok(first)) => self.take(first, &mut hearing).await?,
                },
                due = pings.next() => {
                    if !due {
                        return Ok(());
                    }
                    number += 1;
                    self.ping(number).await?;
                    if reported_for == Some(self.heard_at) && self.now().duration_since(polled) >= POLL {
                        polled = self.now();
                        self.catch_up().await?;
                    }
                }
            }
        }
    }

    /// Takes the queued notifications, and those that arrive before the window since the last tick ends; publishes them as one tick.
    async fn take(&mut self, first: Heard, hearing: &mut mpsc::Receiver<Result<Heard, StoreError>>) -> Result<(), StoreError> {
        let mut transactions = Vec::new();
        let mut lost = self.note(first, &mut transactions);
        let until = self.ticked + window(self.hub.readers());
        while !transactions.is_empty() && transactions.len() < QUEUE {
            let left = self.store.clock().until(until);
            // Once the window is over, only what is queued already belongs to this tick: even a timeout of no time would take
            // up to a millisecond.
            let next = if left.is_zero() { hearing.recv().now_or_never() } else { timeout(left, hearing.recv()).await.ok() };
            match next.flatten() {
                Some(Ok(heard)) => lost |= self.note(heard, &mut transactions),
                Some(Err(error)) => return Err(error), // The next connection catches up.
                None => break,
            }
        }
        let proven = self.proven.take();
        if lost {
            self.state(Listening::CatchingUp);
            self.catch_up().await?;
            self.pinged = None;
        } else if proven.is_some() || !transactions.is_empty() {
            let mut conn = match self.reading.take() {
                Some(conn) => conn,
                None => self.store.keyed().await?,
            };
            self.ticked = self.now();
            patiently(self.publish(&mut conn, transactions, proven)).await?;
            self.reading = Some(conn); // A connection that failed is not used again.
        }
        Ok(())
    }

    /// Publishes transactions; before the horizon moves, also those that were committed without a notification.
    async fn publish(&mut self, conn: &mut Conn, mut transactions: Vec<u64>, proven: Option<Horizon>) -> Result<(), StoreError> {
        if let (Some(since), Some(until)) = (&self.horizon, &proven) {
            let missed = changes::between(conn, since, until).await?;
            let heard = transactions.len();
            transactions.extend(missed.into_iter().filter(|number| !self.published.contains(number)));
            metrics::counter!("flowo_listener_found_total").increment((transactions.len() - heard) as u64);
        }
        if !transactions.is_empty() {
            match changes::behind(conn, &transactions).await? {
                Some(touched) => self.hub.shared.publish(conn, touched).await?,
                None => self.hub.shared.reset(),
            }
        }
        self.published.extend(transactions);
        if let Some(until) = proven {
            self.published.retain(|number| !until.settled(*number));
            self.horizon = Some(until);
        }
        if self.published.len() > REMEMBERED {
            // An older transaction has been open for a long time. What is forgotten here is published again when it ends.
            self.published = HashSet::new();
        }
        Ok(())
    }

    /// Handles one message; returns `true` if messages before it may have been lost.
    fn note(&mut self, heard: Heard, transactions: &mut Vec<u64>) -> bool {
        match heard {
            Heard::Reconnected => return true,
            Heard::Message { channel, payload } if channel == CHANGES => {
                for number in payload.split(' ') {
                    if let Ok(number) = number.parse() {
                        transactions.push(number);
                    } else {
                        warn!(payload, "Heard a notification that is no transaction");
                    }
                }
            }
            Heard::Message { payload, .. } => self.pong(&payload),
        }
        false
    }

    /// Handles a ping that arrived: it proves that all notifications sent before it have arrived.
    fn pong(&mut self, payload: &str) {
        let Some((_, sent_at, horizon)) = self.pinged.take_if(|(number, ..)| payload == number.to_string()) else { return };
        let lag_ms = self.store.clock().now() - sent_at;
        self.proven = Some(horizon);
        self.heard_at = self.now();
        self.hub.shared.hear(|health| *health = Health { state: Listening::Live, lag_ms: Some(lag_ms) });
        metrics::gauge!("flowo_listener_lag_seconds").set(lag_ms as f64 / 1000.0);
    }

    async fn ping(&mut self, number: u64) -> Result<(), StoreError> {
        let channel = self.channel.clone();
        let horizon = patiently(async {
            let mut conn = self.store.conn().await?;
            let horizon = changes::horizon(&mut conn).await?;
            changes::ping(&mut conn, &channel, &number.to_string()).await?;
            Ok(horizon)
        })
        .await?;
        self.pinged = Some((number, self.store.clock().now(), horizon));
        Ok(())
    }

    /// Publishes everything since the horizon; without a horizon, starts at the present.
    async fn catch_up(&mut self) -> Result<(), StoreError> {
        let since = self.horizon.clone();
        let (touched, next) = patiently(async {
            let mut conn = self.store.conn().await?;
            match &since {
                Some(since) => changes::since(&mut conn, since).await,
                None => Ok((Some(changes::Touched::default()), changes::horizon(&mut conn).await?)),
            }
        })
        .await?;
        match touched {
            Some(touched) => patiently(async { self.hub.shared.publish(&mut *self.store.conn().await?, touched).await }).await?,
            None => self.hub.shared.reset(),
        }
        self.horizon = Some(next);
        self.published.clear();
        self.proven = None; // What an earlier connection proved may be above numbers that a crash assigns again.
        Ok(())
    }

    /// Waits between two connections: reports the state, and reads the change log if the database is reachable.
    async fn wait(&mut self, pause: Duration) {
        // Reported before the log is read: reading may take as long as the database is unreachable.
        self.hub.shared.hear(|health| {
            if matches!(health.state, Listening::Live | Listening::CatchingUp) {
                health.state = Listening::Polling;
            }
        });
        let reachable = self.catch_up().await.is_ok();
        self.state(if reachable { Listening::Polling } else { Listening::Down });
        self.pinged = None;
        sleep(pause).await;
    }

    fn state(&self, state: Listening) {
        self.hub.shared.hear(|health| health.state = state);
    }
}

/// Moves messages from the connection to the queue; while the queue is full, further messages wait in the socket.
async fn read(mut listener: Listener, heard: mpsc::Sender<Result<Heard, StoreError>>) {
    loop {
        let next = listener.next().await;
        let failed = next.is_err();
        if heard.send(next).await.is_err() || failed {
            return;
        }
    }
}

async fn patiently<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    match timeout(STATEMENT_TIMEOUT, work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(StoreError::Unfit(format!("the database did not answer within {STATEMENT_TIMEOUT:?}"))),
    }
}

fn window(readers: usize) -> Duration {
    let extra = (readers / READERS_PER_MS).min(MOST_EXTRA_MS);
    if readers == 0 { UNSEEN } else { WINDOW + Duration::from_millis(extra as u64) }
}
