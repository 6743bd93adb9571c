//! The batch writers: each takes the waiting reports, applies them in one transaction, and then answers all of them.
//!
//! A lone client never waits for others; under load a writer waits up to a millisecond for the clients that it has just
//! answered. Answers are sent only after the commit, so an answered report survives any failure. While one writer waits
//! for the disk or for its clients, the others work; all reports of one run go through the same writer.

mod connection;
mod doorbell;
mod traffic;

use crate::mask::Masking;
pub(crate) use connection::{WriterConnection, quarantined};
pub(crate) use doorbell::Doorbell;
use model::clock::Clock;
use std::{sync::Arc, time::Duration};
use store::{
    Store,
    apply::{Incoming, Receipt},
    error::chain,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tracing::warn;
use traffic::{Place, Traffic};

/// How many writers there are. Each keeps one PostgreSQL process busy; with more writers, each batch is smaller and
/// costs more. The last one writes only large reports, and the reports of the same runs that follow them.
const LANES: usize = 3;
/// How many reports one transaction contains at most.
const BATCH: usize = 500;
/// From how many clients on a writer waits a moment for all of them, ...
const CROWD: usize = 8;
/// ... but never longer than this.
const LINGER: Duration = Duration::from_millis(1);
/// How many reports may wait; further ones are refused until there is room.
pub const QUEUE: usize = 2048;
/// The memory for reports that are being read or wait, in KiB: for small reports, whatever their number, ...
const SMALL_KIB: u32 = 64 << 10;
/// ... and for large reports. A report that needs more than this gets all of it.
const LARGE_KIB: u32 = 160 << 10;
/// From this size in KiB on a report is large: small reports do not wait for it.
const LARGE_FROM_KIB: u32 = 256;
/// How long a report waits for room in the queue.
const ROOM: Duration = Duration::from_secs(5);

/// Why a report was not accepted. The client may send it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the database is not reachable")]
    Unavailable,
    #[error("too many reports are waiting")]
    Overloaded,
    #[error("it holds more values than can be read")]
    TooMuch,
    #[error("the server is stopping")]
    Stopping,
}

/// A report that waits for its writer, and whoever waits for the answer.
struct QueuedReport {
    incoming: Incoming,
    answer: oneshot::Sender<Result<Receipt, Refused>>,
    room: Room,
    place: Place,
}

/// Memory reserved for a report until it is answered.
pub struct Room {
    permit: OwnedSemaphorePermit,
    is_large: bool,
}

impl Room {
    /// The reservation of a large report, to be kept as long as any of the report is in memory; `None` for a small one.
    pub fn large(self) -> Option<Self> {
        self.is_large.then_some(self)
    }

    pub fn kib(&self) -> usize {
        self.permit.num_permits()
    }
}

/// The entrance to the writers' queues. Cheap to clone.
#[derive(Clone)]
pub struct Writer {
    lanes: Arc<[mpsc::Sender<QueuedReport>]>,
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
    traffic: Traffic,
    masking: Masking,
    clock: Clock,
}

/// The writers themselves, to be run as one task.
pub struct WriterTask {
    store: Store,
    lanes: Vec<mpsc::Receiver<QueuedReport>>,
    doorbell: Arc<Doorbell>,
}

/// Writers on `store` and their queues.
pub fn writer(store: Store) -> (Writer, WriterTask) {
    let (senders, lanes): (Vec<_>, Vec<_>) = (0..LANES).map(|_| mpsc::channel(QUEUE)).unzip();
    let room = |kib: u32| Arc::new(Semaphore::new(kib as usize));
    let writer = Writer {
        lanes: senders.into(),
        small: room(SMALL_KIB),
        large: room(LARGE_KIB),
        traffic: Traffic::new(LANES),
        masking: Masking::default(),
        clock: store.clock().clone(),
    };
    let doorbell = Arc::new(Doorbell::new(store.clock().clone()));
    (writer, WriterTask { store, lanes, doorbell })
}

impl Writer {
    /// The same queues, with this masking of secrets in reports.
    #[must_use]
    pub fn with_masking(self, masking: Masking) -> Self {
        Self { masking, ..self }
    }

    /// How secrets in reports are treated before a report is submitted.
    pub const fn masking(&self) -> Masking {
        self.masking
    }

    /// The clock by which reports arrive.
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Waits for the memory that a report needs. Must be called before the report is parsed.
    pub async fn room(&self, bytes: usize) -> Result<Room, Refused> {
        let kib = u32::try_from(bytes / 1024 + 1).unwrap_or(LARGE_KIB).min(LARGE_KIB);
        let is_large = kib >= LARGE_FROM_KIB;
        let of = if is_large { &self.large } else { &self.small };
        // There is nearly always room: then no timer is set.
        if let Ok(permit) = Arc::clone(of).try_acquire_many_owned(kib) {
            return Ok(Room { permit, is_large });
        }
        let room = timeout(ROOM, Arc::clone(of).acquire_many_owned(kib)).await;
        let permit = room.map_err(|_| Refused::Overloaded)?.map_err(|_| Refused::Stopping)?;
        Ok(Room { permit, is_large })
    }

    /// Submits a report and waits until it is committed.
    pub async fn submit(&self, incoming: Incoming) -> Result<Receipt, Refused> {
        let room = self.room(3 * incoming.body.len()).await?;
        self.submit_in(room, incoming).await
    }

    /// Like [`submit`](Self::submit), for a report whose memory is already reserved.
    pub async fn submit_in(&self, room: Room, incoming: Incoming) -> Result<Receipt, Refused> {
        let (answer, answered) = oneshot::channel();
        let place = self.traffic.enter(&incoming, room.is_large);
        let lane = &self.lanes[place.lane()];
        match lane.try_send(QueuedReport { incoming, answer, room, place }) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Closed(_)) => return Err(Refused::Stopping),
            Err(mpsc::error::TrySendError::Full(queued)) => lane.send_timeout(queued, ROOM).await.map_err(|error| match error {
                mpsc::error::SendTimeoutError::Timeout(_) => Refused::Overloaded,
                mpsc::error::SendTimeoutError::Closed(_) => Refused::Stopping,
            })?,
        }
        answered.await.unwrap_or(Err(Refused::Stopping))
    }

    /// How many reports were accepted and not answered yet.
    pub fn depth(&self) -> usize {
        self.traffic.waiting()
    }
}

impl WriterTask {
    /// The doorbell that all writers of a server share.
    pub(crate) fn doorbell(&self) -> Arc<Doorbell> {
        Arc::clone(&self.doorbell)
    }

    /// Works until cancelled, then writes the reports that were already accepted.
    pub async fn run(self, cancel: CancellationToken) {
        let doorbell = self.doorbell;
        let written = CancellationToken::new();
        let mut ringing = JoinSet::new();
        ringing.spawn({
            let (doorbell, store, written) = (Arc::clone(&doorbell), self.store.clone(), written.clone());
            async move { doorbell.run(store, written).await }
        });
        let mut lanes = JoinSet::new();
        for queue in self.lanes {
            let connection = WriterConnection::new(self.store.clone(), Arc::clone(&doorbell), None);
            lanes.spawn(work(queue, connection, cancel.clone()));
        }
        lanes.join_all().await;
        written.cancel();
        ringing.join_all().await;
    }
}

async fn work(mut queue: mpsc::Receiver<QueuedReport>, mut connection: WriterConnection, cancel: CancellationToken) {
    let mut batch = Vec::with_capacity(BATCH);
    let mut last = (0, Duration::ZERO);
    let clock = connection.clock().clone();
    loop {
        tokio::select! {
            biased;
            () = cancel.cancelled() => break,
            taken = queue.recv_many(&mut batch, BATCH) => if taken == 0 { break },
        }
        gather(&mut queue, &mut batch, last).await;
        let (size, began) = (batch.len(), clock.instant());
        connection.write(&mut batch).await;
        last = (size, clock.since(began));
    }
    queue.close();
    while queue.recv_many(&mut batch, BATCH).await > 0 {
        connection.write(&mut batch).await;
    }
}

/// Waits for the clients that were just answered: their next reports are about to arrive, and much of the cost of a
/// batch does not depend on its size. With few clients nobody waits.
async fn gather(queue: &mut mpsc::Receiver<QueuedReport>, batch: &mut Vec<QueuedReport>, (answered, took): (usize, Duration)) {
    let crowd = (answered + batch.len()).min(BATCH);
    if crowd < CROWD {
        return;
    }
    let all = async {
        while batch.len() < crowd {
            let room = crowd - batch.len();
            if queue.recv_many(batch, room).await == 0 {
                return;
            }
        }
    };
    let _ = timeout((took / 4).min(LINGER), all).await;
}

impl WriterConnection {
    async fn write(&mut self, batch: &mut Vec<QueuedReport>) {
        let clock = self.clock().clone();
        let began = clock.instant();
        let (incoming, answers): (Vec<_>, Vec<_>) =
            batch.drain(..).map(|queued| (queued.incoming, (queued.answer, queued.room, queued.place))).unzip();
        let size = incoming.len();
        let outcomes = match self.commit(&incoming, None).await {
            Ok(receipts) => receipts.into_iter().map(Ok).collect(),
            Err(error) if error.is_unavailable() => {
                warn!(error = chain(&error), "Reports refused: the database is not reachable");
                vec![Err(Refused::Unavailable); size]
            }
            // A report in the batch cannot be stored. Written one by one, only that report is set aside.
            Err(error) => {
                warn!(error = chain(&error), "A batch was refused; writing its reports one by one");
                let mut outcomes = Vec::with_capacity(size);
                for report in incoming {
                    outcomes.push(self.single(report).await);
                }
                outcomes
            }
        };
        self.shrink_after(answers.iter().map(|(_, room, _)| room.kib()).sum());
        metrics::histogram!("flowo_ingest_batch_seconds").record(clock.since(began).as_secs_f64());
        metrics::histogram!("flowo_ingest_batch_size").record(size as f64);
        for ((answer, room, place), outcome) in answers.into_iter().zip(outcomes) {
            let outcome: Result<Receipt, Refused> = outcome;
            metrics::counter!("flowo_ingest_events_total", "outcome" => word(&outcome)).increment(1);
            drop((room.permit, place)); // Before the answer: an answered report no longer waits.
            let _ = answer.send(outcome); // If the client has disconnected, its report is stored all the same.
        }
    }
}

fn word(outcome: &Result<Receipt, Refused>) -> &'static str {
    match outcome {
        Ok(Receipt::Applied { .. }) => "applied",
        Ok(Receipt::Foreign) => "foreign",
        Ok(Receipt::Unknown) => "unknown",
        Ok(Receipt::Deleted) => "deleted",
        Err(_) => "refused",
    }
}
