//! Plays the demo lab through the same translation and writer that real reports take.

use super::{Big, ReportKind, ScriptedReport, ScriptedRun, Size, USERS, history, running};
use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt as _, TryStreamExt as _};
use ingest::{
    Refused, Writer, batch,
    flowo::{translate::translate, wire},
};
use model::{
    RunId, UserId,
    access::Role,
    event::{Event, Report, RunKey, RunStart},
};
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use store::{
    Store,
    apply::{Incoming, Sender},
    people,
};
use tokio::{sync::Semaphore, task::JoinSet};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::warn;

/// Marks the users of the lab, and through them everything that belongs to the lab.
pub const MARK: &str = "demo lab";
/// Runs played at a time while filling the past.
const ABREAST: usize = 24;
/// Reports of the large run in progress at a time.
const AHEAD: usize = 500;
/// How long the running part lasts when a page asked for it.
const LIVE: TimeDelta = TimeDelta::minutes(30);

/// Removes every trace of the lab; returns how many runs were removed.
pub async fn clear(store: &Store) -> Result<u64> {
    let mut tx = store.begin().await?;
    let gone = store::runs::edit::delete_of_users(&mut tx, MARK).await?;
    store::commit(tx).await?;
    Ok(gone)
}

/// Plays the finished runs of the last 30 days, as fast as they can be written.
pub async fn play_history(store: &Store, cancel: &CancellationToken) -> Result<usize> {
    let now = now(store);
    with_writer(store, async |writer| {
        let people = people(store).await?;
        let mut playing = JoinSet::new();
        let mut count = 0;
        // Attempts in one directory must be played in order; runs in different directories need not.
        let mut lanes: HashMap<String, Vec<ScriptedRun>> = HashMap::new();
        for run in history(now, seed(now)) {
            count += 1;
            lanes.entry(directory(&run)).or_default().push(run);
        }
        let abreast = Arc::new(Semaphore::new(ABREAST));
        for runs in lanes.into_values() {
            let (writer, people, cancel, abreast) = (writer.clone(), people.clone(), cancel.clone(), Arc::clone(&abreast));
            playing.spawn(async move {
                let Ok(_turn) = abreast.acquire().await else { return Ok(()) };
                for run in runs {
                    if cancel.is_cancelled() {
                        return Ok(());
                    }
                    let sender = &people[run.user];
                    play(&writer, sender, run, None).await?;
                }
                Ok::<(), Refused>(())
            });
        }
        while let Some(done) = playing.join_next().await {
            done??;
        }
        Ok(count)
    })
    .await
}

/// Plays runs in real time for about `span`, several at a time.
pub async fn play_live(store: &Store, span: TimeDelta, cancel: &CancellationToken) -> Result<()> {
    let now = now(store);
    with_writer(store, async |writer| {
        let people = people(store).await?;
        let mut playing = JoinSet::new();
        for run in running(now, span, seed(now)).into_iter().take(ABREAST * 8) {
            let (writer, sender, cancel) = (writer.clone(), people[run.user].clone(), cancel.clone());
            playing.spawn(async move { play(&writer, &sender, run, Some(&cancel)).await });
        }
        while let Some(done) = playing.join_next().await {
            done??;
        }
        Ok(())
    })
    .await
}

/// Plays one run of any size that ended just now, as fast as it can be written. Calls `on_written` with the number of reports
/// written so far. Returns the run's id.
pub async fn play_big(store: &Store, size: Size, cancel: &CancellationToken, on_written: impl Fn(usize)) -> Result<RunId> {
    let seed = seed(now(store));
    // Generated once to find its length, because it has to end now.
    let end = Big::new(size, DateTime::UNIX_EPOCH, seed).last().map_or(DateTime::UNIX_EPOCH, |report| report.at);
    let big = Big::new(size, now(store) - (end - DateTime::UNIX_EPOCH) - TimeDelta::seconds(5), seed);
    let run = RunId(big.run());
    with_writer(store, async |writer| {
        let people = people(store).await?;
        let sender = &people[USERS[0]];
        let reports = futures::stream::iter(big).take_while(|_| std::future::ready(!cancel.is_cancelled()));
        let submitted = reports.filter_map(|report| std::future::ready(translated(sender, report))).map(|incoming| writer.submit(incoming));
        // Submitted in order, acknowledged in order, many at a time.
        let mut done = 0;
        let mut answers = std::pin::pin!(submitted.buffered(AHEAD));
        // Polled without yielding, because yielding would wake the futures in another order.
        tokio::task::unconstrained(async {
            while answers.try_next().await?.is_some() {
                done += 1;
                on_written(done);
            }
            Ok::<(), Refused>(())
        })
        .await?;
        Ok(run)
    })
    .await
}

fn directory(run: &ScriptedRun) -> String {
    let contexts = run.reports.iter().filter_map(|report| match &report.kind {
        ReportKind::Event { context, .. } => context.get("workdir")?.as_str(),
        _ => None,
    });
    contexts.into_iter().next().unwrap_or_default().to_owned()
}

/// Gives different runs each time, because ids must not repeat.
fn seed(now: DateTime<Utc>) -> u64 {
    now.timestamp_millis().unsigned_abs()
}

fn now(store: &Store) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(store.clock().now()).unwrap_or_default()
}

async fn with_writer<T>(store: &Store, work: impl AsyncFnOnce(Writer) -> Result<T>) -> Result<T> {
    let (writer, task) = batch::writer(store.clone());
    let task = tokio::spawn(task.run(CancellationToken::new()));
    let outcome = work(writer).await;
    task.await?; // The task ends when the last handle on its queue is dropped.
    outcome
}

async fn people(store: &Store) -> Result<HashMap<&'static str, Sender>> {
    let mut conn = store.conn().await?;
    let mut all = HashMap::new();
    for name in USERS {
        // If a real person has this name already, the lab's user gets another.
        let mut user = people::os_user(&mut conn, MARK, name, Role::Member).await?;
        if !people::is_of(&mut conn, UserId(user.id), MARK).await? {
            user = people::os_user(&mut conn, MARK, &format!("{name} (demo)"), Role::Member).await?;
        }
        all.insert(name, Sender { user: Some(UserId(user.id)), name: user.name, admin: false });
    }
    Ok(all)
}

/// Plays one run: at once, or in real time until cancelled.
async fn play(writer: &Writer, sender: &Sender, run: ScriptedRun, live: Option<&CancellationToken>) -> Result<(), Refused> {
    for report in run.reports {
        let at = report.at.timestamp_millis();
        if let Some(cancel) = live {
            let wait = Duration::from_millis((at - writer.clock().now()).max(0).unsigned_abs());
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = tokio::time::sleep(wait) => {}
            }
        }
        let Some(incoming) = translated(sender, report) else { continue };
        writer.submit(incoming).await?;
    }
    Ok(())
}

/// Translates a report as the routes would; `None` if it is not valid.
fn translated(sender: &Sender, report: ScriptedReport) -> Option<Incoming> {
    let at = report.at.timestamp_millis();
    Some(match report.kind {
        ReportKind::Event { event, record, context } => {
            let body = serde_json::json!({ "event": event, "record": record, "context": context }).to_string();
            let Ok(envelope) = serde_json::from_str::<wire::Envelope<'_>>(&body) else {
                warn!(event, "The demo lab wrote a report that nobody can read");
                return None;
            };
            let translated = translate(envelope, at).ok()?;
            incoming(sender, at, event, body, translated.report, translated.quarantine)
        }
        ReportKind::Heartbeat { run } => sign(sender, at, "heartbeat", run, Event::Heartbeat),
        ReportKind::Close { run } => sign(sender, at, "close", run, Event::Closed),
    })
}

fn sign(sender: &Sender, at: i64, name: &str, run: uuid::Uuid, event: Event) -> Incoming {
    let report = Report { run: RunKey::Id(RunId(run)), at, context: RunStart::default(), event };
    incoming(sender, at, name, "{}".into(), report, None)
}

fn incoming(sender: &Sender, at: i64, event: &str, body: String, report: Report, quarantine: Option<String>) -> Incoming {
    Incoming {
        sender: sender.clone(),
        source: "flowo",
        client_version: Some("demo lab".into()),
        received_at: at,
        event: event.into(),
        body,
        quarantine,
        report,
    }
}

/// Plays the demo lab for the buttons of the first-run card.
pub struct DemoPlayer {
    store: Store,
    stopping: CancellationToken,
    tasks: TaskTracker,
    playing: Arc<AtomicBool>,
    /// Cancels what is playing now.
    stop: std::sync::Mutex<CancellationToken>,
}

impl DemoPlayer {
    pub fn new(store: Store, stopping: CancellationToken, tasks: TaskTracker) -> Self {
        let stop = std::sync::Mutex::new(stopping.child_token());
        Self { store, stopping, tasks, playing: Arc::default(), stop }
    }

    fn token(&self, renew: bool) -> CancellationToken {
        let mut stop = self.stop.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let old = stop.clone();
        if renew {
            *stop = self.stopping.child_token();
        }
        old
    }

    /// Starts to play in the background; does nothing if the lab is playing already.
    pub fn load(&self) {
        if self.playing.swap(true, Ordering::SeqCst) {
            return;
        }
        let (store, cancel, playing) = (self.store.clone(), self.token(false), Arc::clone(&self.playing));
        self.tasks.spawn(async move {
            let outcome = match play_history(&store, &cancel).await {
                Ok(_) => play_live(&store, LIVE, &cancel).await,
                Err(error) => Err(error),
            };
            if let Err(error) = outcome {
                warn!(error = format!("{error:#}"), "The demo lab stopped");
            }
            playing.store(false, Ordering::SeqCst);
        });
    }

    /// Stops the playing and removes every trace of the lab.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn clear(&self) -> Result<()> {
        self.token(true).cancel();
        clear(&self.store).await.map(drop)
    }
}
