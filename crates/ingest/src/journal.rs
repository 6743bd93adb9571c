//! Updates of clients that wait for each answer and send nothing twice: on this machine's disk first, in the
//! database a moment later, together with what came meanwhile.
//!
//! What was answered survives the end of this process and of the database. While the database is away, updates are
//! kept, and their clients are told so. What a journal holds when a server begins is written before anything else.

mod files;

use crate::{
    Refused,
    batch::{Doorbell, Line, Room, WriterTask, quarantined},
};
use files::{Files, Found};
use std::{
    io,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use store::{Store, StoreError, apply::Incoming, error::chain, journals};
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
/// How long a client waits for room; there is some behind it, should the database hang. Clients that are told to wait
/// for a second only are not lost.
const ROOM: Duration = Duration::from_millis(500);
/// How long a reader waits for what was taken before.
const SETTLED: Duration = Duration::from_secs(5);
/// Between attempts while the database is away: the first, and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// Attempts when the server is to stop; then the next one goes on.
const LAST_TRIES: u32 = 2;
/// What is understood of a line, to be applied in order; none for one that says nothing.
pub type Reports = Vec<Incoming>;

struct Entry {
    number: i64,
    bytes: usize,
    reports: Reports,
    /// Memory it takes, if that is much: given back when it is written.
    room: Option<Room>,
}

/// What became of an update.
#[derive(Debug)]
pub enum Taken {
    /// It is kept, and in the database soon.
    Soon,
    /// It is kept until the database is back.
    Later,
    /// It could not be kept; these are its reports.
    Not(Reports),
}

/// The way into a journal. Cheap to clone.
#[derive(Clone)]
pub struct Journal(Arc<Shared>);

struct Shared {
    files: Mutex<Files>,
    queue: mpsc::Sender<Entry>,
    /// How many lines were taken, with those that were found, and how many of them are in the database.
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
    /// Of servers that are no more.
    orphans: Vec<Found>,
}

/// Stopped before all was written: the rest stays in the journal.
struct Stopped;

impl Journal {
    /// Opens the journal in a directory, which several servers of this machine may share.
    ///
    /// # Errors
    /// The directory cannot be written, or what is in it not be read.
    pub fn open(dir: &Path, store: Store, writer: &WriterTask) -> io::Result<(Self, JournalTask)> {
        let (found, orphans) = files::open(dir)?;
        let (queue, waiting) = mpsc::channel(LATER);
        let left = found.left.len() + orphans.iter().map(|orphan| orphan.left.len()).sum::<usize>();
        let id = found.files.id;
        let journal = Self(Arc::new(Shared {
            files: Mutex::new(found.files),
            queue,
            taken: AtomicI64::new(i64::try_from(left).unwrap_or(i64::MAX)),
            written: watch::Sender::new(0),
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
            orphans,
        };
        Ok((journal, task))
    }

    /// Takes a line and what it means: unless it says otherwise, it is on this machine's disk when this returns.
    ///
    /// # Errors
    /// Too much waits, or the server stops. Nothing of it was kept then.
    pub async fn take(&self, line: &str, reports: Reports, room: Option<Room>) -> Result<Taken, Refused> {
        let shared = &*self.0;
        if !self.is_away() && self.waiting() >= SOON {
            let mut written = shared.written.subscribe();
            let room = written.wait_for(|written| shared.taken.load(Ordering::Acquire) - written < SOON || self.is_away());
            // Who has waited so long need not wait longer: there is room for many more.
            if let Ok(Err(_)) = timeout(ROOM, room).await {
                return Err(Refused::Stopping);
            }
        }
        let place = shared.queue.try_reserve().map_err(|error| match error {
            mpsc::error::TrySendError::Full(()) => Refused::Overloaded,
            mpsc::error::TrySendError::Closed(()) => Refused::Stopping,
        })?;
        if shared.bytes.load(Ordering::Relaxed) > BYTES {
            return Err(Refused::Overloaded);
        }
        let mut files = self.files();
        let number = match files.append(line) {
            Ok(number) => number,
            Err(error) => {
                warn!(%error, "An update could not be written to the journal");
                return Ok(Taken::Not(reports));
            }
        };
        shared.bytes.fetch_add(line.len(), Ordering::Relaxed);
        shared.taken.fetch_add(1, Ordering::Release);
        place.send(Entry { number, bytes: line.len(), reports, room });
        drop(files);
        Ok(if self.is_away() { Taken::Later } else { Taken::Soon })
    }

    /// Waits until all that was taken before is in the database, but not for ever.
    pub async fn settled(&self) {
        let taken = self.0.taken.load(Ordering::Acquire);
        let mut written = self.0.written.subscribe();
        let all = written.wait_for(|written| *written >= taken || self.is_away());
        if timeout(SETTLED, all).await.is_err() {
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
        for mut orphan in std::mem::take(&mut self.orphans) {
            let (id, left) = (orphan.files.id, std::mem::take(&mut orphan.left));
            if self.catch_up(id, left, orphan.former, &cancel, &mut understand).await.is_err() {
                return;
            }
            orphan.files.clear();
        }
        let left = std::mem::take(&mut self.left);
        let Ok(mut line) = self.catch_up(self.id, left, self.former, &cancel, &mut understand).await else { return };
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

    /// Writes what another process left in a journal, and gives the way to write on.
    async fn catch_up(
        &self,
        id: Uuid,
        left: Vec<files::Line>,
        former: Option<Uuid>,
        cancel: &CancellationToken,
        understand: &mut impl FnMut(&str) -> Reports,
    ) -> Result<Line, Stopped> {
        let mut line = Line::new(self.store.clone(), Arc::clone(&self.doorbell), Some(id));
        if left.is_empty() && former.is_none() {
            return Ok(line);
        }
        let mut tries = LAST_TRIES;
        let applied = loop {
            let known = async {
                let mut conn = self.store.conn().await?;
                if let Some(former) = former {
                    journals::forget(&mut conn, former).await?;
                }
                journals::applied(&mut conn, id).await
            };
            match known.await {
                Ok(applied) => break applied,
                Err(error) => self.pause(&error, PAUSE.1, cancel, &mut tries).await?,
            }
        };
        let before = left.iter().take_while(|(number, _)| *number <= applied).count();
        for (_, text) in &left[..before] {
            understand(text); // What follows is understood by it.
        }
        self.wrote(before, 0);
        let left = &left[before..];
        if !left.is_empty() {
            info!(lines = left.len(), "Writing updates that an earlier server took");
        }
        for lines in left.chunks(BATCH) {
            let mut batch =
                lines.iter().map(|(number, text)| Entry { number: *number, bytes: 0, reports: understand(text), room: None }).collect();
            self.write(&mut line, &mut batch, cancel).await?;
        }
        Ok(line)
    }

    async fn write(&self, line: &mut Line, batch: &mut Vec<Entry>, cancel: &CancellationToken) -> Result<(), Stopped> {
        let (count, bytes) = (batch.len(), batch.iter().map(|entry| entry.bytes).sum());
        let last = batch.last().map_or(0, |entry| entry.number);
        let mut entries = std::mem::take(batch);
        // Room is given back with the entries, when they are written.
        let kib = entries.iter().filter_map(|entry| entry.room.as_ref()).map(Room::kib).sum();
        let sizes: Vec<usize> = entries.iter().map(|entry| entry.reports.len()).collect();
        let mut reports: Reports = entries.iter_mut().flat_map(|entry| std::mem::take(&mut entry.reports)).collect();
        metrics::histogram!("flowo_ingest_batch_size").record(reports.len() as f64);
        if let Err(error) = self.commit(line, &reports, last, cancel).await? {
            warn!(error = chain(&error), "A batch was refused; writing its updates one by one");
            for (entry, size) in entries.iter_mut().zip(sizes) {
                entry.reports = reports.drain(..size).collect();
            }
            self.one_by_one(line, &mut entries, cancel).await?;
        }
        line.shrink_after(kib);
        self.wrote(count, bytes);
        if line.is_of(self.id) {
            self.journal.files().forget(last); // Another server's are numbered by another count.
        }
        Ok(())
    }

    /// So many lines, and bytes, are in the database.
    fn wrote(&self, lines: usize, bytes: usize) {
        let shared = &*self.journal.0;
        shared.bytes.fetch_sub(bytes, Ordering::Relaxed);
        shared.written.send_modify(|written| *written += i64::try_from(lines).unwrap_or(0));
    }

    /// Commits as soon as the database is there. What it then refuses is wrong with the reports.
    async fn commit(
        &self,
        line: &mut Line,
        reports: &[Incoming],
        number: i64,
        cancel: &CancellationToken,
    ) -> Result<Result<(), StoreError>, Stopped> {
        let (mut pause, mut tries) = (PAUSE.0, LAST_TRIES);
        loop {
            match line.commit(reports, Some(number)).await {
                Err(error) if error.is_unavailable() => {
                    self.pause(&error, pause, cancel, &mut tries).await?;
                    pause = (pause * 2).min(PAUSE.1);
                }
                outcome => {
                    self.journal.0.away.store(false, Ordering::Relaxed);
                    return Ok(outcome.map(|_| ()));
                }
            }
        }
    }

    /// Each line by itself, so that only what cannot be stored is set aside; where even that fails, it is passed over.
    async fn one_by_one(&self, line: &mut Line, entries: &mut [Entry], cancel: &CancellationToken) -> Result<(), Stopped> {
        for Entry { number, reports, .. } in entries {
            let (number, reports) = (*number, std::mem::take(reports));
            let Err(error) = self.commit(line, &reports, number, cancel).await? else { continue };
            let why = chain(&error);
            let aside: Reports = reports.into_iter().map(|report| quarantined(report, why.clone())).collect();
            let Err(error) = self.commit(line, &aside, number, cancel).await? else { continue };
            error!(error = chain(&error), why, "An update could not even be set aside");
            if let Err(error) = self.commit(line, &[], number, cancel).await? {
                error!(error = chain(&error), "The journal could not be marked");
            }
        }
        Ok(())
    }

    /// Waits for the database; what was taken meanwhile is put on the disk for good.
    async fn pause(&self, error: &StoreError, pause: Duration, cancel: &CancellationToken, tries: &mut u32) -> Result<(), Stopped> {
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
