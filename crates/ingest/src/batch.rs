//! The batch writers: each takes what is there, applies it in one transaction, then answers all.
//!
//! A lone client is never kept waiting; under a crowd a writer waits up to a millisecond for
//! those it has just answered. An answer is given only after the commit, so what was answered
//! survives whatever comes. While one writer waits for the disk or for its clients, the other
//! works; reports of one run go through one of them.

mod doorbell;
mod line;
mod traffic;

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

/// Writers. Each keeps one PostgreSQL process busy; with more, each batch is smaller and costs more.
const LANES: usize = 2;
/// Reports in one transaction.
const BATCH: usize = 500;
/// Clients at a writer from which it waits a moment for all of them, ...
const CROWD: usize = 8;
/// ... but never longer than this.
const LINGER: Duration = Duration::from_millis(1);
/// Reports that wait; more are refused until there is room.
pub const QUEUE: usize = 2048;
/// Bodies that wait, in KiB, whatever their number.
const QUEUE_KIB: u32 = 256 << 10;
/// How long a report waits for room in the queue.
const ROOM: Duration = Duration::from_secs(5);

/// Why a report was not taken. It may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the database is not reachable")]
    Unavailable,
    #[error("too many reports are waiting")]
    Overloaded,
    #[error("the server is stopping")]
    Stopping,
}

struct Job {
    incoming: Incoming,
    answer: oneshot::Sender<Result<Receipt, Refused>>,
    room: OwnedSemaphorePermit,
    place: Place,
}

/// The way into the writers' queues. Cheap to clone.
#[derive(Clone)]
pub struct Writer {
    lanes: Arc<[mpsc::Sender<Job>]>,
    room: Arc<Semaphore>,
    traffic: Traffic,
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
    let writer = Writer { lanes: senders.into(), room: Arc::new(Semaphore::new(QUEUE_KIB as usize)), traffic: Traffic::new(LANES) };
    (writer, WriterTask { store, lanes, doorbell: Arc::default() })
}

impl Writer {
    /// Hands a report over and waits until it is committed.
    pub async fn submit(&self, incoming: Incoming) -> Result<Receipt, Refused> {
        let kib = u32::try_from(incoming.body.len() / 1024 + 1).unwrap_or(QUEUE_KIB).min(QUEUE_KIB);
        let room = timeout(ROOM, Arc::clone(&self.room).acquire_many_owned(kib)).await;
        let Ok(room) = room.map_err(|_| Refused::Overloaded)? else { return Err(Refused::Stopping) };
        let (answer, answered) = oneshot::channel();
        let place = self.traffic.enter(&incoming);
        let lane = &self.lanes[place.lane()];
        if let Err(error) = lane.send_timeout(Job { incoming, answer, room, place }, ROOM).await {
            return Err(match error {
                mpsc::error::SendTimeoutError::Timeout(_) => Refused::Overloaded,
                mpsc::error::SendTimeoutError::Closed(_) => Refused::Stopping,
            });
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
        metrics::histogram!("flowo_ingest_batch_seconds").record(began.elapsed().as_secs_f64());
        metrics::histogram!("flowo_ingest_batch_size").record(size as f64);
        for ((answer, room, place), outcome) in answers.into_iter().zip(outcomes) {
            let outcome: Result<Receipt, Refused> = outcome;
            metrics::counter!("flowo_ingest_events_total", "outcome" => word(&outcome)).increment(1);
            drop((room, place)); // Before the answer: what is answered waits no more.
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
