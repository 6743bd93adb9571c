//! The batch writer: takes what is there, applies it in one transaction, then answers all.
//!
//! No timer: an idle system adds no delay, a busy one batches by itself. An answer is given
//! only after the commit, so what was answered survives whatever comes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use store::{
    Store, StoreError,
    apply::{Incoming, Receipt, apply},
    error::chain,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

/// Reports in one transaction.
const BATCH: usize = 500;
/// Reports that wait; more are refused until there is room.
pub const QUEUE: usize = 2048;
/// Bodies that wait, in KiB, whatever their number.
const QUEUE_KIB: u32 = 256 << 10;
/// How long a report waits for room in the queue.
const ROOM: Duration = Duration::from_secs(5);
/// A transaction that takes longer is given up. Clients wait ten seconds.
const PATIENCE: Duration = Duration::from_mins(1);
/// Attempts when the database asks to try again (deadlock, restart).
const TRIES: u32 = 3;

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
}

/// The way into the writer's queue. Cheap to clone.
#[derive(Clone)]
pub struct Writer {
    jobs: mpsc::Sender<Job>,
    room: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

/// The writer itself, to be run as one task.
pub struct WriterTask {
    store: Store,
    jobs: mpsc::Receiver<Job>,
    waiting: Arc<AtomicUsize>,
}

/// A writer on `store` and its queue.
pub fn writer(store: Store) -> (Writer, WriterTask) {
    let (sender, jobs) = mpsc::channel(QUEUE);
    let waiting = Arc::new(AtomicUsize::new(0));
    let writer = Writer { jobs: sender, room: Arc::new(Semaphore::new(QUEUE_KIB as usize)), waiting: Arc::clone(&waiting) };
    (writer, WriterTask { store, jobs, waiting })
}

impl Writer {
    /// Hands a report over and waits until it is committed.
    pub async fn submit(&self, incoming: Incoming) -> Result<Receipt, Refused> {
        let kib = u32::try_from(incoming.body.len() / 1024 + 1).unwrap_or(QUEUE_KIB).min(QUEUE_KIB);
        let room = timeout(ROOM, Arc::clone(&self.room).acquire_many_owned(kib)).await;
        let Ok(room) = room.map_err(|_| Refused::Overloaded)? else { return Err(Refused::Stopping) };
        let (answer, answered) = oneshot::channel();
        self.waiting.fetch_add(1, Ordering::Relaxed);
        if let Err(error) = self.jobs.send_timeout(Job { incoming, answer, room }, ROOM).await {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(match error {
                mpsc::error::SendTimeoutError::Timeout(_) => Refused::Overloaded,
                mpsc::error::SendTimeoutError::Closed(_) => Refused::Stopping,
            });
        }
        answered.await.unwrap_or(Err(Refused::Stopping))
    }

    /// Reports taken and not answered yet.
    pub fn depth(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

impl WriterTask {
    /// Works until cancelled, then drains what was already taken.
    pub async fn run(mut self, cancel: CancellationToken) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut line = Line { store: self.store.clone(), conn: None };
        loop {
            tokio::select! {
                biased;
                () = cancel.cancelled() => break,
                taken = self.jobs.recv_many(&mut batch, BATCH) => if taken == 0 { break },
            }
            self.write(&mut batch, &mut line).await;
        }
        self.jobs.close();
        while self.jobs.recv_many(&mut batch, BATCH).await > 0 {
            self.write(&mut batch, &mut line).await;
        }
    }

    async fn write(&self, batch: &mut Vec<Job>, line: &mut Line) {
        let began = Instant::now();
        let (incoming, answers): (Vec<_>, Vec<_>) = batch.drain(..).map(|job| (job.incoming, (job.answer, job.room))).unzip();
        let size = incoming.len();
        let outcomes = match line.commit(&incoming).await {
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
                    outcomes.push(line.single(report).await);
                }
                outcomes
            }
        };
        metrics::histogram!("flowo_ingest_batch_seconds").record(began.elapsed().as_secs_f64());
        metrics::histogram!("flowo_ingest_batch_size").record(size as f64);
        self.waiting.fetch_sub(size, Ordering::Relaxed);
        for ((answer, _room), outcome) in answers.into_iter().zip(outcomes) {
            let outcome: Result<Receipt, Refused> = outcome;
            metrics::counter!("flowo_ingest_events_total", "outcome" => word(&outcome)).increment(1);
            let _ = answer.send(outcome); // A client that left has its report stored all the same.
        }
    }
}

/// The writer's own connection, kept from batch to batch; a new one after every failure.
struct Line {
    store: Store,
    conn: Option<store::PooledConn>,
}

impl Line {
    async fn single(&mut self, report: Incoming) -> Result<Receipt, Refused> {
        let error = match self.commit(std::slice::from_ref(&report)).await {
            Ok(receipts) => return receipts.first().copied().ok_or(Refused::Unavailable),
            Err(error) if error.is_unavailable() => return Err(Refused::Unavailable),
            Err(error) => chain(&error),
        };
        let aside = quarantined(report, error);
        match self.commit(std::slice::from_ref(&aside)).await {
            Ok(receipts) => receipts.first().copied().ok_or(Refused::Unavailable),
            Err(error) => {
                error!(error = chain(&error), event = aside.event, "A report could not even be set aside");
                Err(Refused::Unavailable)
            }
        }
    }

    async fn commit(&mut self, batch: &[Incoming]) -> Result<Vec<Receipt>, StoreError> {
        let mut tries = 1;
        loop {
            let Ok(outcome) = timeout(PATIENCE, self.transaction(batch)).await else {
                return Err(StoreError::Unfit(format!("a batch took longer than {PATIENCE:?}")));
            };
            match outcome {
                Err(error) if error.is_unavailable() && tries < TRIES => {
                    tokio::time::sleep(Duration::from_millis(50) * tries).await;
                    tries += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn transaction(&mut self, batch: &[Incoming]) -> Result<Vec<Receipt>, StoreError> {
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => self.store.conn().await?,
        };
        let mut tx = store::begin(&mut conn).await?;
        let receipts = apply(&mut tx, batch).await?;
        store::commit(tx).await?;
        self.conn = Some(conn);
        Ok(receipts)
    }
}

/// The same report as something that is kept but not applied.
fn quarantined(report: Incoming, why: String) -> Incoming {
    let body = serde_json::json!({ "event": report.event, "unstorable": report.body.chars().take(8000).collect::<String>() });
    Incoming {
        quarantine: Some(why),
        body: body.to_string(),
        report: model::event::Report { event: model::event::Event::Other, context: model::event::RunStart::default(), ..report.report },
        ..report
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
