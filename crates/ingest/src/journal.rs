//! Updates of clients that wait for each answer and send nothing twice: on this machine's disk first, in the
//! database a moment later, together with what came meanwhile.
//!
//! What was answered survives the end of this process and of the database. While the database is away, updates are
//! kept, and their clients are told so. What a journal holds when a server begins is written before anything else.

mod files;

use crate::{
    Refused,
    batch::{Doorbell, Line, WriterTask},
};
use files::Files;
use std::{
    io,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use store::{Store, apply::Incoming, error::chain, journals};
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use uuid::Uuid;

/// Lines in one transaction.
const BATCH: usize = 500;
/// Lines that wait while the database is there; more, and clients wait.
const SOON: i64 = 2048;
/// Lines that wait while it is away; more are refused ...
const LATER: usize = 65_536;
/// ... or, whatever their number, so many bytes.
const BYTES: usize = 256 << 20;
/// How long a client waits for room, and a reader for what was taken before.
const ROOM: Duration = Duration::from_secs(5);
/// Between attempts while the database is away: the first, and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// Attempts when the server is to stop; then the next one goes on.
const LAST_TRIES: u32 = 2;
/// Attempts to write a report that can only be written by itself.
const SINGLE_TRIES: u32 = 30;

/// What is understood of a line, to be applied in order; none for one that says nothing.
pub type Reports = Vec<Incoming>;

struct Entry {
    number: i64,
    bytes: usize,
    reports: Reports,
}

/// The way into a journal. Cheap to clone.
#[derive(Clone)]
pub struct Journal(Arc<Shared>);

struct Shared {
    files: Mutex<Files>,
    queue: mpsc::Sender<Entry>,
    /// Numbers of the last line taken and of the last one that is in the database.
    taken: AtomicI64,
    written: watch::Sender<i64>,
    bytes: AtomicUsize,
    /// The last attempt to write found no database.
    away: AtomicBool,
}

/// What writes a journal into the database, to be run as one task.
pub struct JournalTask {
    journal: Journal,
    queue: mpsc::Receiver<Entry>,
    store: Store,
    doorbell: Arc<Doorbell>,
    id: Uuid,
    former: Option<Uuid>,
    left: Vec<files::Line>,
}

/// Stopped before all was written: the rest stays in the journal.
struct Stopped;

impl Journal {
    /// Opens the journal in a directory, which several servers of this machine may share.
    ///
    /// # Errors
    /// The directory cannot be written, or what is in it not be read.
    pub fn open(dir: &Path, store: Store, writer: &WriterTask) -> io::Result<(Self, JournalTask)> {
        let found = files::open(dir)?;
        let (queue, waiting) = mpsc::channel(LATER);
        let last = found.left.last().map_or(0, |(number, _)| *number);
        // What was left is not among what waits: a reader need not know of it before it is written.
        let id = found.files.id;
        let journal = Self(Arc::new(Shared {
            files: Mutex::new(found.files),
            queue,
            taken: AtomicI64::new(last),
            written: watch::Sender::new(last),
            bytes: AtomicUsize::new(0),
            away: AtomicBool::new(false),
        }));
        let task = JournalTask {
            journal: journal.clone(),
            queue: waiting,
            store,
            doorbell: writer.doorbell(),
            id,
            former: found.former,
            left: found.left,
        };
        Ok((journal, task))
    }

    /// Takes a line and what it means: it is on this machine's disk when this returns. `false` if the database is
    /// away just now.
    ///
    /// # Errors
    /// Too much waits, it could not be kept, or the server stops. Nothing of it was kept then.
    pub async fn take(&self, line: &str, reports: Reports) -> Result<bool, Refused> {
        let shared = &*self.0;
        if !self.is_away() && self.waiting() >= SOON {
            let mut written = shared.written.subscribe();
            let room = written.wait_for(|written| shared.taken.load(Ordering::Acquire) - written < SOON || self.is_away());
            timeout(ROOM, room).await.map_err(|_| Refused::Overloaded)?.map_err(|_| Refused::Stopping)?;
        }
        let place = shared.queue.try_reserve().map_err(|error| match error {
            mpsc::error::TrySendError::Full(()) => Refused::Overloaded,
            mpsc::error::TrySendError::Closed(()) => Refused::Stopping,
        })?;
        if shared.bytes.load(Ordering::Relaxed) > BYTES {
            return Err(Refused::Overloaded);
        }
        let mut files = self.files();
        let number = files.append(line).map_err(|error| {
            error!(%error, "An update was refused: it could not be written to the journal");
            Refused::Unavailable
        })?;
        shared.bytes.fetch_add(line.len(), Ordering::Relaxed);
        shared.taken.store(number, Ordering::Release);
        place.send(Entry { number, bytes: line.len(), reports });
        drop(files);
        Ok(!self.is_away())
    }

    /// Waits until all that was taken before is in the database, but not for ever.
    pub async fn settled(&self) {
        let taken = self.0.taken.load(Ordering::Acquire);
        let mut written = self.0.written.subscribe();
        let all = written.wait_for(|written| *written >= taken || self.is_away());
        if timeout(ROOM, all).await.is_err() {
            warn!("An answer does not wait any longer for updates that came before it");
        }
    }

    /// Whether the database was away when something was to be written last.
    pub fn is_away(&self) -> bool {
        self.0.away.load(Ordering::Relaxed)
    }

    /// Lines taken that are not in the database yet.
    pub fn waiting(&self) -> i64 {
        self.0.taken.load(Ordering::Acquire) - *self.0.written.borrow()
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.0.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl JournalTask {
    /// Works until cancelled, then writes what was taken; what cannot be written then is left for the next server.
    /// `understand` reads lines that another process wrote.
    pub async fn run(mut self, cancel: CancellationToken, mut understand: impl FnMut(&str) -> Reports + Send) {
        let mut line = Line::new(self.store.clone(), Arc::clone(&self.doorbell), Some(self.id));
        if self.catch_up(&mut line, &cancel, &mut understand).await.is_err() {
            return;
        }
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let taken = tokio::select! {
                biased;
                () = cancel.cancelled() => break,
                taken = self.queue.recv_many(&mut batch, BATCH) => taken,
            };
            if taken == 0 || self.write(&mut line, &mut batch, &cancel).await.is_err() {
                return;
            }
        }
        self.queue.close();
        while self.queue.recv_many(&mut batch, BATCH).await > 0 {
            if self.write(&mut line, &mut batch, &cancel).await.is_err() {
                return;
            }
        }
        self.journal.files().clear();
    }

    /// Writes what another process left.
    async fn catch_up(
        &mut self,
        line: &mut Line,
        cancel: &CancellationToken,
        understand: &mut impl FnMut(&str) -> Reports,
    ) -> Result<(), Stopped> {
        let left = std::mem::take(&mut self.left);
        if left.is_empty() && self.former.is_none() {
            return Ok(());
        }
        let mut tries = LAST_TRIES;
        let applied = loop {
            let known = async {
                let mut conn = self.store.conn().await?;
                if let Some(former) = self.former {
                    journals::forget(&mut conn, former).await?;
                }
                journals::applied(&mut conn, self.id).await
            };
            match known.await {
                Ok(applied) => break applied,
                Err(error) => self.pause(&error, PAUSE.1, cancel, &mut tries).await?,
            }
        };
        let left: Vec<_> = left.into_iter().filter(|(number, _)| *number > applied).collect();
        if !left.is_empty() {
            info!(lines = left.len(), "Writing updates that an earlier server took");
        }
        for lines in left.chunks(BATCH) {
            let mut batch = lines.iter().map(|(number, text)| Entry { number: *number, bytes: 0, reports: understand(text) }).collect();
            self.write(line, &mut batch, cancel).await?;
        }
        Ok(())
    }

    async fn write(&self, line: &mut Line, batch: &mut Vec<Entry>, cancel: &CancellationToken) -> Result<(), Stopped> {
        let (bytes, last) = batch.iter().fold((0, 0), |(bytes, _), entry| (bytes + entry.bytes, entry.number));
        let reports: Vec<Incoming> = batch.drain(..).flat_map(|entry| entry.reports).collect();
        metrics::histogram!("flowo_ingest_batch_size").record(reports.len() as f64);
        let (mut pause, mut tries) = (PAUSE.0, LAST_TRIES);
        loop {
            match line.commit(&reports, Some(last)).await {
                Ok(_) => break,
                Err(error) if error.is_unavailable() => {
                    self.pause(&error, pause, cancel, &mut tries).await?;
                    pause = (pause * 2).min(PAUSE.1);
                }
                Err(error) => {
                    warn!(error = chain(&error), "A batch was refused; writing its reports one by one");
                    self.one_by_one(line, reports, last, cancel).await?;
                    break;
                }
            }
        }
        let shared = &*self.journal.0;
        shared.away.store(false, Ordering::Relaxed);
        shared.bytes.fetch_sub(bytes, Ordering::Relaxed);
        shared.written.send_if_modified(|written| std::mem::replace(written, last.max(*written)) < last);
        self.journal.files().forget(last);
        Ok(())
    }

    async fn one_by_one(&self, line: &mut Line, reports: Reports, last: i64, cancel: &CancellationToken) -> Result<(), Stopped> {
        for report in reports {
            let mut tries = SINGLE_TRIES;
            while line.single(report.clone()).await.is_err() {
                tries -= 1;
                if cancel.is_cancelled() {
                    return Err(Stopped);
                }
                if tries == 0 {
                    error!(event = report.event, "An update could not be stored in any way");
                    break;
                }
                tokio::time::sleep(PAUSE.1).await;
            }
        }
        let mut tries = LAST_TRIES;
        while let Err(error) = line.commit(&[], Some(last)).await {
            self.pause(&error, PAUSE.1, cancel, &mut tries).await?;
        }
        Ok(())
    }

    /// Waits for the database; what was taken meanwhile is put on the disk for good.
    async fn pause(&self, error: &store::StoreError, pause: Duration, cancel: &CancellationToken, tries: &mut u32) -> Result<(), Stopped> {
        if !self.journal.0.away.swap(true, Ordering::Relaxed) {
            warn!(error = chain(error), "Updates are kept in the journal: the database is not reachable");
            // Who waits to read, or for room, need not wait for this.
            self.journal.0.written.send_modify(|_| ());
        }
        if cancel.is_cancelled() {
            *tries = tries.saturating_sub(1);
            if *tries == 0 {
                warn!(lines = self.journal.waiting(), "Updates are left in the journal for the next server");
                return Err(Stopped);
            }
        }
        let file = self.journal.files().current();
        if let Some(file) = file {
            let _ = tokio::task::spawn_blocking(move || file.sync_data()).await;
        }
        tokio::time::sleep(pause).await;
        Ok(())
    }
}
