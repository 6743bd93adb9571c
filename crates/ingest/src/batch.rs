//! The batch writers: each takes what is there, applies it in one transaction, then answers all.
//!
//! A lone client is never kept waiting; under a crowd a writer waits up to a millisecond for
//! those it has just answered. An answer is given only after the commit, so what was answered
//! survives whatever comes. While one writer waits for the disk or for its clients, the other
//! works; reports of one run go through one of them.

mod doorbell;
mod line;
mod traffic;

use crate::mask::Masking;
pub(crate) use doorbell::Doorbell;
pub(crate) use line::{Line, quarantined};
use std::{sync::Arc, time::Duration};
use store::{
    Store,
    apply::{Incoming, Receipt},
    error::chain,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    task::JoinSet,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;
use tracing::warn;
use traffic::{Place, Traffic};

/// Writers. Each keeps one PostgreSQL process busy; with more, each batch is smaller and costs more. The last one
/// writes large reports only, and what follows them of their runs.
const LANES: usize = 3;
/// Reports in one transaction.
const BATCH: usize = 500;
/// Clients at a writer from which it waits a moment for all of them, ...
const CROWD: usize = 8;
/// ... but never longer than this.
const LINGER: Duration = Duration::from_millis(1);
/// Reports that wait; more are refused until there is room.
pub const QUEUE: usize = 2048;
/// Memory of reports that are read or wait, in KiB: of small ones, whatever their number, ...
const SMALL_KIB: u32 = 64 << 10;
/// ... and of large ones. One that takes more than that has all of it.
const LARGE_KIB: u32 = 160 << 10;
/// From so many KiB on a report is large: small ones do not wait for it.
const LARGE_FROM_KIB: u32 = 256;
/// How long a report waits for room in the queue.
const ROOM: Duration = Duration::from_secs(5);

/// Why a report was not taken. It may be sent again.
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

struct Job {
    incoming: Incoming,
    answer: oneshot::Sender<Result<Receipt, Refused>>,
    room: Room,
    place: Place,
}

/// Memory that a report may take, until it is answered.
pub struct Room {
    permit: OwnedSemaphorePermit,
    is_large: bool,
}

impl Room {
    /// That of a large report, to be kept as long as there is anything of it in memory.
    pub fn large(self) -> Option<Self> {
        self.is_large.then_some(self)
    }

    pub fn kib(&self) -> usize {
        self.permit.num_permits()
    }
}

/// The way into the writers' queues. Cheap to clone.
#[derive(Clone)]
pub struct Writer {
    lanes: Arc<[mpsc::Sender<Job>]>,
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
    traffic: Traffic,
    masking: Masking,
}

/// The writers themselves, to be run as one task.
pub struct WriterTask {
    store: Store,
    lanes: Vec<mpsc::Receiver<Job>>,
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
    };
    (writer, WriterTask { store, lanes, doorbell: Arc::default() })
}

impl Writer {
    /// The same queues, for reports whose secrets are masked like this.
    #[must_use]
    pub fn with_masking(self, masking: Masking) -> Self {
        Self { masking, ..self }
    }

    /// What is done with secrets in reports before they are handed over.
    pub const fn masking(&self) -> Masking {
        self.masking
    }

    /// Waits for the memory that a report takes: to be had before it is read.
    pub async fn room(&self, bytes: usize) -> Result<Room, Refused> {
        let kib = u32::try_from(bytes / 1024 + 1).unwrap_or(LARGE_KIB).min(LARGE_KIB);
        let is_large = kib >= LARGE_FROM_KIB;
        let of = if is_large { &self.large } else { &self.small };
        // Nearly always there is room: then no timer is set.
        if let Ok(permit) = Arc::clone(of).try_acquire_many_owned(kib) {
            return Ok(Room { permit, is_large });
        }
        let room = timeout(ROOM, Arc::clone(of).acquire_many_owned(kib)).await;
        let permit = room.map_err(|_| Refused::Overloaded)?.map_err(|_| Refused::Stopping)?;
        Ok(Room { permit, is_large })
    }

    /// Hands a report over and waits until it is committed.
    pub async fn submit(&self, incoming: Incoming) -> Result<Receipt, Refused> {
        let room = self.room(3 * incoming.body.len()).await?;
        self.submit_in(room, incoming).await
    }

    /// The same for a report that has its room.
    pub async fn submit_in(&self, room: Room, incoming: Incoming) -> Result<Receipt, Refused> {
        let (answer, answered) = oneshot::channel();
        let place = self.traffic.enter(&incoming, room.is_large);
        let lane = &self.lanes[place.lane()];
        match lane.try_send(Job { incoming, answer, room, place }) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Closed(_)) => return Err(Refused::Stopping),
            Err(mpsc::error::TrySendError::Full(job)) => lane.send_timeout(job, ROOM).await.map_err(|error| match error {
                mpsc::error::SendTimeoutError::Timeout(_) => Refused::Overloaded,
                mpsc::error::SendTimeoutError::Closed(_) => Refused::Stopping,
            })?,
        }
        answered.await.unwrap_or(Err(Refused::Stopping))
    }

    /// Reports taken and not answered yet.
    pub fn depth(&self) -> usize {
        self.traffic.waiting()
    }
}

impl WriterTask {
    /// The bell all writers of a server share.
    pub(crate) fn doorbell(&self) -> Arc<Doorbell> {
        Arc::clone(&self.doorbell)
    }

    /// Works until cancelled, then drains what was already taken.
    pub async fn run(self, cancel: CancellationToken) {
        let doorbell = self.doorbell;
        let written = CancellationToken::new();
        let mut ringing = JoinSet::new();
        ringing.spawn({
            let (doorbell, store, written) = (Arc::clone(&doorbell), self.store.clone(), written.clone());
            async move { doorbell.run(store, written).await }
        });
        let mut lanes = JoinSet::new();
        for jobs in self.lanes {
            let line = Line::new(self.store.clone(), Arc::clone(&doorbell), None);
            lanes.spawn(work(jobs, line, cancel.clone()));
        }
        lanes.join_all().await;
        written.cancel();
        ringing.join_all().await;
    }
}

async fn work(mut jobs: mpsc::Receiver<Job>, mut line: Line, cancel: CancellationToken) {
    let mut batch = Vec::with_capacity(BATCH);
    let mut last = (0, Duration::ZERO);
    loop {
        tokio::select! {
            biased;
            () = cancel.cancelled() => break,
            taken = jobs.recv_many(&mut batch, BATCH) => if taken == 0 { break },
        }
        gather(&mut jobs, &mut batch, last).await;
        let (size, began) = (batch.len(), Instant::now());
        line.write(&mut batch).await;
        last = (size, began.elapsed());
    }
    jobs.close();
    while jobs.recv_many(&mut batch, BATCH).await > 0 {
        line.write(&mut batch).await;
    }
}

/// Waits for the crowd that was just answered: its next reports are about to arrive, and much of
/// what a batch costs does not depend on its size. Nobody waits where few report.
async fn gather(jobs: &mut mpsc::Receiver<Job>, batch: &mut Vec<Job>, (answered, took): (usize, Duration)) {
    let crowd = (answered + batch.len()).min(BATCH);
    if crowd < CROWD {
        return;
    }
    let until = Instant::now() + (took / 4).min(LINGER);
    while batch.len() < crowd {
        let room = crowd - batch.len();
        match timeout_at(until, jobs.recv_many(batch, room)).await {
            Ok(taken) if taken > 0 => {}
            _ => return,
        }
    }
}

impl Line {
    async fn write(&mut self, batch: &mut Vec<Job>) {
        let began = Instant::now();
        let (incoming, answers): (Vec<_>, Vec<_>) = batch.drain(..).map(|job| (job.incoming, (job.answer, job.room, job.place))).unzip();
        let size = incoming.len();
        let outcomes = match self.commit(&incoming, None).await {
            Ok(receipts) => receipts.into_iter().map(Ok).collect(),
            Err(error) if error.is_unavailable() => {
                warn!(error = chain(&error), "Reports refused: the database is not reachable");
                vec![Err(Refused::Unavailable); size]
            }
            // Something in it cannot be stored. One by one, only that is set aside.
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
        metrics::histogram!("flowo_ingest_batch_seconds").record(began.elapsed().as_secs_f64());
        metrics::histogram!("flowo_ingest_batch_size").record(size as f64);
        for ((answer, room, place), outcome) in answers.into_iter().zip(outcomes) {
            let outcome: Result<Receipt, Refused> = outcome;
            metrics::counter!("flowo_ingest_events_total", "outcome" => word(&outcome)).increment(1);
            drop((room.permit, place)); // Before the answer: what is answered waits no more.
            let _ = answer.send(outcome); // A client that left has its report stored all the same.
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
