//! Files that open pages follow. One task reads each followed file, however many pages show it.
//!
//! A task lives as long as anybody follows its file. It checks whether the file has changed, reads what was added, and
//! sends the same bytes to every follower. A page that has missed more than that reads the gap itself.

use super::{Reach, RunFiles};
use bytes::Bytes;
use futures::stream::Stream;
use model::log::LogPart;
use model::{
    RunId,
    file::{FileFacts, FileRef, NoFile},
    log::LogFound,
};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use store::Loop;
use tokio::sync::{
    broadcast::{self, error::RecvError},
    watch,
};
use tokio_util::sync::CancellationToken;
use view::logs::{FileNews, LogWindow};

/// How often a file is checked.
const LOOK: Duration = Duration::from_millis(250);
/// How many updates a page may fall behind before it must read the file itself.
const LAG: usize = 16;
/// How many added bytes are sent as lines. If a file grows by more, pages read what they show.
const PUSHED: u64 = 64 << 10;
/// How many files are followed at the same time.
const FILES: usize = 1_000;

/// All followed files and their followers. Cheap to clone.
#[derive(Clone)]
pub struct Followers {
    files: RunFiles,
    open: Arc<Mutex<HashMap<Followed, Channels>>>,
    reads: Arc<AtomicU64>,
}

/// A followed file, for followers with the same reach.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Followed {
    run: RunId,
    file: FileRef,
    path: PathBuf,
    reach: Reach,
}

/// What is sent about a file: each update, and the latest state.
#[derive(Clone)]
struct Channels {
    news: broadcast::Sender<Bytes>,
    latest: watch::Sender<Option<Bytes>>,
}

impl Followers {
    pub fn new(files: RunFiles) -> Self {
        Self { files, open: Arc::default(), reads: Arc::default() }
    }

    /// Live stream events about a file: first its current state, then every change. `None` if too many files are followed.
    ///
    /// The caller checks that the reader may see the run, and drops the stream when this right ends; `reach` says which of
    /// its files.
    pub fn follow(&self, run: RunId, file: FileRef, path: PathBuf, reach: Reach) -> Option<impl Stream<Item = Bytes> + Send + use<>> {
        let (news, latest) = self.join(Followed { run, file, path, reach })?;
        Some(futures::stream::unfold((news, latest, true), |(mut news, mut latest, first)| async move {
            let received = if first { Err(RecvError::Lagged(0)) } else { news.recv().await };
            let bytes = match received {
                Ok(bytes) => bytes,
                // The page reads what it missed itself, as soon as it knows how large the file is.
                Err(RecvError::Lagged(_)) => latest.wait_for(Option::is_some).await.ok()?.clone()?,
                Err(RecvError::Closed) => return None,
            };
            Some((bytes, (news, latest, false)))
        }))
    }

    /// The event for a page whose reader may not see the run any more.
    pub fn hidden(file: &FileRef) -> Bytes {
        encoded(file, &Err(NoFile::Hidden), None)
    }

    /// How many files are followed now.
    pub fn followed(&self) -> usize {
        self.lock().len()
    }

    /// How often a file was read because it had changed.
    pub fn reads(&self) -> u64 {
        self.reads.load(Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Followed, Channels>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn join(&self, followed: Followed) -> Option<(broadcast::Receiver<Bytes>, watch::Receiver<Option<Bytes>>)> {
        let mut open = self.lock();
        if let Some(channels) = open.get(&followed) {
            return Some((channels.news.subscribe(), channels.latest.subscribe()));
        }
        if open.len() >= FILES {
            return None;
        }
        let (news, receiver) = broadcast::channel(LAG);
        let (latest, state) = watch::channel(None);
        let channels = Channels { news, latest };
        open.insert(followed.clone(), channels.clone());
        metrics::gauge!("flowo_followed_files").set(open.len() as f64);
        tokio::spawn(self.clone().read(followed, channels));
        Some((receiver, state))
    }

    /// Reads one file until nobody follows it any more.
    async fn read(self, followed: Followed, channels: Channels) {
        let Followed { file, path, reach, .. } = &followed;
        // Ends when nobody follows the file any more.
        let mut looks = Loop::new("Following a file", LOOK, CancellationToken::new());
        let mut known = self.files.facts(reach, path).await;
        // The beginning of the next line, or of a line that is not terminated yet. Initially the end of what pages have
        // already read themselves.
        let mut to = known.as_ref().map_or(0, |facts| facts.size);
        loop {
            channels.latest.send_replace(Some(encoded(file, &known, None)));
            looks.next().await;
            {
                let mut open = self.lock();
                if channels.news.receiver_count() == 0 {
                    open.remove(&followed);
                    metrics::gauge!("flowo_followed_files").set(open.len() as f64);
                    return;
                }
            }
            let now = self.files.facts(reach, path).await;
            if now == known {
                continue;
            }
            // The file exists, but no turn was free or it did not answer in time: nothing to send.
            if matches!(now, Err(NoFile::Busy | NoFile::Slow)) {
                continue;
            }
            metrics::counter!("flowo_followed_reads_total").increment(1);
            self.reads.fetch_add(1, Relaxed);
            let size = |facts: &Result<FileFacts, NoFile>| facts.as_ref().map_or(0, |facts| facts.size);
            let (size, before) = (size(&now), size(&known));
            let mut lines = None;
            if size > before && size > to && size - before <= PUSHED {
                lines = self.lines(reach, path, to).await;
            }
            to = lines.as_ref().map_or(size, |window| window.text.to);
            let _ = channels.news.send(encoded(file, &now, lines));
            known = now;
        }
    }
}

impl Followers {
    /// Lines from a byte on, of an uncompressed log. A compressed file does not grow line by line.
    async fn lines(&self, reach: &Reach, path: &Path, from: u64) -> Option<LogWindow> {
        let found = self.files.log(reach, path, LogPart::From(from), None).await;
        match found {
            Ok((facts, LogFound::Text(text))) if !text.packed => Some(LogWindow { facts, text }),
            _ => None,
        }
    }
}

fn encoded(file: &FileRef, facts: &Result<FileFacts, NoFile>, lines: Option<LogWindow>) -> Bytes {
    let news = FileNews { file: file.clone(), facts: facts.clone(), lines };
    let data = serde_json::to_string(&news).unwrap_or_default();
    format!("event: file\ndata: {data}\n\n").into()
}
