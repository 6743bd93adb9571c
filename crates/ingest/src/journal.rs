//! Stores updates from clients that wait for each answer and never repeat anything: first on this machine's disk, a
//! moment later in the database, in one batch with other updates.
//!
//! An acknowledged update survives the end of this process and of the database. While the database is unreachable,
//! updates are kept in the journal, and the answers say so. When a server starts, it writes what its journal contains
//! before anything else.

mod files;

use crate::{
    Refused,
    batch::{Doorbell, Room, WriterConnection, WriterTask, quarantined},
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

/// How many lines one transaction contains at most.
const BATCH: usize = 500;
/// How many lines may wait while the database is reachable; beyond that, clients wait.
const SOON: i64 = 2048;
/// How many lines may wait while it is unreachable; further ones are refused ...
const LATER: usize = 65_536;
/// ... and so are lines beyond this many bytes, whatever their number.
const BYTES: usize = 256 << 20;
/// How long a client waits for room; the queue has more room beyond that, should the database hang. Clients that wait
/// for only a second do not give up.
const ROOM: Duration = Duration::from_millis(500);
/// How long a reader waits until updates accepted earlier are in the database.
const SETTLED: Duration = Duration::from_secs(5);
/// The pause between attempts while the database is unreachable: the first, and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// How many attempts are made when the server is stopping; after that the next server continues.
const LAST_TRIES: u32 = 2;
/// The reports of a line, to be applied in order; empty for a line without meaning.
pub type Reports = Vec<Incoming>;

struct Entry {
    number: i64,
    bytes: usize,
    reports: Reports,
    /// The memory reservation of a large update; released when the update is written.
    room: Option<Room>,
}

/// What happened to an update.
#[derive(Debug)]
pub enum Taken {
    /// The update is in the journal, and will be in the database soon.
    Soon,
    /// The update is kept in the journal until the database is reachable again.
    Later,
    /// The update could not be written to the journal; these are its reports.
    Not(Reports),
}

/// The entrance to a journal. Cheap to clone.
#[derive(Clone)]
pub struct Journal(Arc<Shared>);

struct Shared {
    files: Mutex<Files>,
    queue: mpsc::Sender<Entry>,
    /// How many lines were accepted, including those found at the start, and how many of these are in the database.
    taken: AtomicI64,
    written: watch::Sender<i64>,
    bytes: AtomicUsize,
    /// The last attempt to write did not reach the database.
    away: AtomicBool,
}

/// The task that writes a journal into the database.
pub struct JournalTask {
    journal: Journal,
    queue: mpsc::Receiver<Entry>,
    store: Store,
    doorbell: Arc<Doorbell>,
    id: Uuid,
    former: Option<Uuid>,
    left: Vec<files::Line>,
    /// Journals of servers that no longer run.
    orphans: Vec<Found>,
}

/// Stopped before everything was written: the rest stays in the journal.
struct Stopped;

impl Journal {
    /// Opens the journal in a directory, which several servers of this machine may share.
    ///
    /// # Errors
    /// The directory is not writable, or its content not readable.
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

    /// Accepts a line and its reports. Unless the result says otherwise, the line is on this machine's disk when this returns.
    ///
    /// # Errors
    /// Too much is waiting, or the server is stopping. In both cases nothing was stored.
    pub async fn take(&self, line: &str, reports: Reports, room: Option<Room>) -> Result<Taken, Refused> {
        let shared = &*self.0;
        if !self.is_away() && self.waiting() >= SOON {
            let mut written = shared.written.subscribe();
            let room = written.wait_for(|written| shared.taken.load(Ordering::Acquire) - written < SOON || self.is_away());
            // A client that has waited this long need not wait longer: there is room for many more lines.
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

    /// Waits until everything accepted earlier is in the database, but not for ever.
    pub async fn settled(&self) {
        let taken = self.0.taken.load(Ordering::Acquire);
        let mut written = self.0.written.subscribe();
        let all = written.wait_for(|written| *written >= taken || self.is_away());
        if timeout(SETTLED, all).await.is_err() {
            warn!("An answer does not wait any longer for updates that came before it");
        }
    }

    /// Whether the last attempt to write did not reach the database.
    pub fn is_away(&self) -> bool {
        self.0.away.load(Ordering::Relaxed)
    }

    /// How many accepted lines are not in the database yet.
    pub fn waiting(&self) -> i64 {
        self.0.taken.load(Ordering::Acquire) - *self.0.written.borrow()
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.0.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl JournalTask {
    /// Works until cancelled, then writes what was accepted; what cannot be written then is left for the next server.
    /// `understand` parses lines that another process wrote.
    pub async fn run(mut self, cancel: CancellationToken, mut understand: impl FnMut(&str) -> Reports + Send) {
        for mut orphan in std::mem::take(&mut self.orphans) {
            let (id, left) = (orphan.files.id, std::mem::take(&mut orphan.left));
            if self.catch_up(id, left, orphan.former, &cancel, &mut understand).await.is_err() {
                return;
            }
            orphan.files.clear();
        }
        let left = std::mem::take(&mut self.left);
        let Ok(mut connection) = self.catch_up(self.id, left, self.former, &cancel, &mut understand).await else { return };
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let taken = tokio::select! {
                biased;
                () = cancel.cancelled() => break,
                taken = self.queue.recv_many(&mut batch, BATCH) => taken,
            };
            if taken == 0 || self.write(&mut connection, &mut batch, &cancel).await.is_err() {
                return;
            }
        }
        self.queue.close();
        while self.queue.recv_many(&mut batch, BATCH).await > 0 {
            if self.write(&mut connection, &mut batch, &cancel).await.is_err() {
                return;
            }
        }
        self.journal.files().clear();
    }

    /// Writes what another process left in a journal, and returns the connection for further lines.
    async fn catch_up(
        &self,
        id: Uuid,
        left: Vec<files::Line>,
        former: Option<Uuid>,
        cancel: &CancellationToken,
        understand: &mut impl FnMut(&str) -> Reports,
    ) -> Result<WriterConnection, Stopped> {
        let mut connection = WriterConnection::new(self.store.clone(), Arc::clone(&self.doorbell), Some(id));
        if left.is_empty() && former.is_none() {
            return Ok(connection);
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
            understand(text); // Later lines are understood with the help of these.
        }
        self.wrote(before, 0);
        let left = &left[before..];
        if !left.is_empty() {
            info!(lines = left.len(), "Writing updates that an earlier server left in its journal");
        }
        for lines in left.chunks(BATCH) {
            let mut batch =
                lines.iter().map(|(number, text)| Entry { number: *number, bytes: 0, reports: understand(text), room: None }).collect();
            self.write(&mut connection, &mut batch, cancel).await?;
        }
        Ok(connection)
    }

    async fn write(&self, connection: &mut WriterConnection, batch: &mut Vec<Entry>, cancel: &CancellationToken) -> Result<(), Stopped> {
        let (count, bytes) = (batch.len(), batch.iter().map(|entry| entry.bytes).sum());
        let last = batch.last().map_or(0, |entry| entry.number);
        let mut entries = std::mem::take(batch);
        // The reservations are released with the entries, once they are written.
        let kib = entries.iter().filter_map(|entry| entry.room.as_ref()).map(Room::kib).sum();
        let sizes: Vec<usize> = entries.iter().map(|entry| entry.reports.len()).collect();
        let mut reports: Reports = entries.iter_mut().flat_map(|entry| std::mem::take(&mut entry.reports)).collect();
        metrics::histogram!("flowo_ingest_batch_size").record(reports.len() as f64);
        if let Err(error) = self.commit(connection, &reports, last, cancel).await? {
            warn!(error = chain(&error), "A batch was refused; writing its updates one by one");
            for (entry, size) in entries.iter_mut().zip(sizes) {
                entry.reports = reports.drain(..size).collect();
            }
            self.one_by_one(connection, &mut entries, cancel).await?;
        }
        connection.shrink_after(kib);
        self.wrote(count, bytes);
        if connection.is_of(self.id) {
            self.journal.files().forget(last); // The lines of another server's journal are numbered separately.
        }
        Ok(())
    }

    /// Records that this many lines and bytes are now in the database.
    fn wrote(&self, lines: usize, bytes: usize) {
        let shared = &*self.journal.0;
        shared.bytes.fetch_sub(bytes, Ordering::Relaxed);
        shared.written.send_modify(|written| *written += i64::try_from(lines).unwrap_or(0));
    }

    /// Commits as soon as the database is reachable. If the database then refuses, the fault is in the reports.
    async fn commit(
        &self,
        connection: &mut WriterConnection,
        reports: &[Incoming],
        number: i64,
        cancel: &CancellationToken,
    ) -> Result<Result<(), StoreError>, Stopped> {
        let (mut pause, mut tries) = (PAUSE.0, LAST_TRIES);
        loop {
            match connection.commit(reports, Some(number)).await {
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

    /// Commits each line separately, so that only lines that cannot be stored are set aside; if even that fails, the line is skipped.
    async fn one_by_one(
        &self,
        connection: &mut WriterConnection,
        entries: &mut [Entry],
        cancel: &CancellationToken,
    ) -> Result<(), Stopped> {
        for Entry { number, reports, .. } in entries {
            let (number, reports) = (*number, std::mem::take(reports));
            let Err(error) = self.commit(connection, &reports, number, cancel).await? else { continue };
            let why = chain(&error);
            let aside: Reports = reports.into_iter().map(|report| quarantined(report, why.clone())).collect();
            let Err(error) = self.commit(connection, &aside, number, cancel).await? else { continue };
            error!(error = chain(&error), why, "Could not quarantine an update that cannot be stored");
            if let Err(error) = self.commit(connection, &[], number, cancel).await? {
                error!(error = chain(&error), "Could not record how far the journal is applied");
            }
        }
        Ok(())
    }

    /// Waits for the database; lines accepted in the meantime are synced to disk.
    async fn pause(&self, error: &StoreError, pause: Duration, cancel: &CancellationToken, tries: &mut u32) -> Result<(), Stopped> {
        if !self.journal.0.away.swap(true, Ordering::Relaxed) {
            warn!(error = chain(error), "Updates are kept in the journal: the database is not reachable");
            // Clients that wait to read, or for room, need not wait for the database.
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
