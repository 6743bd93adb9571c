//! Works through the change log: handles every committed change once, as soon as it is committed, or later if the
//! monitor was not running.
//!
//! Woken by notifications, and every ten seconds without one. `flowod monitor` prints the changes; with
//! `ENABLE_DB_MONITORING` the server writes them into its own log.

use std::{collections::HashMap, mem, sync::Arc, time::Duration};
use store::{
    Conn, Loop, Store, StoreError,
    changes::{self, Horizon},
    error::chain,
    listen::Listener,
    monitor::{self, After, Kept, Line, PAGE, Wanted},
};
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How often the change log is read without a notification.
const POLL: Duration = Duration::from_secs(10);
/// Long enough to gather a burst.
const GATHER: Duration = Duration::from_millis(10);
/// How long to wait between two attempts to listen, or to begin.
const PAUSE: Duration = Duration::from_secs(1);
/// How long saving the last position may take at the end.
const LEAVE: Duration = Duration::from_secs(5);
/// Lines handled and remembered ahead of an open transaction; further lines wait until that transaction ends.
const AHEAD: usize = 10_000;

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Where the last monitor of this name ended; if there was none, now.
    Last,
    /// At the first unprocessed line.
    Unprocessed,
}

/// What a monitor should do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// A monitor continues where the last one of the same name ended.
    pub name: String,
    pub wanted: Wanted,
    pub start: Start,
    /// Marks lines as processed, and saves the position.
    pub marks: bool,
    /// Stops when all existing lines are handled.
    pub once: bool,
}

/// Receives lines. No more are read until it has handled them.
pub trait Sink: Send {
    /// Returns the ids of the lines it handled; the others stay unprocessed. `None` if it accepts no more.
    fn take(&mut self, lines: &[Line]) -> impl Future<Output = Option<Vec<i64>>> + Send;
}

/// The position of a monitor.
struct Place {
    horizon: Horizon,
    /// Ids of lines that were handled although they are not before the horizon, with their transactions.
    ahead: HashMap<i64, u64>,
    wanted: Wanted,
    /// The saved position, from which the next monitor starts.
    kept: Option<Kept>,
    /// Lines that were handled but not marked, because the database was lost in between.
    unmarked: Vec<i64>,
}

impl Place {
    async fn mark(&mut self, conn: &mut Conn) -> Result<(), StoreError> {
        if !self.unmarked.is_empty() {
            monitor::processed(conn, &self.unmarked).await?;
            self.unmarked.clear();
        }
        Ok(())
    }

    async fn keep(&mut self, conn: &mut Conn, name: &str) -> Result<(), StoreError> {
        let mut ahead: Vec<i64> = self.ahead.keys().copied().collect();
        ahead.sort_unstable();
        let now = Kept { horizon: self.horizon.clone(), ahead };
        if self.kept.as_ref() != Some(&now) {
            monitor::keep_place(conn, name, &now).await?;
            self.kept = Some(now);
        }
        Ok(())
    }
}

/// Hands changes to `sink` until `cancel`, or until it accepts no more; reconnects after every loss of the database.
///
/// # Errors
/// Only with `once`, or if not even the first read succeeds.
pub async fn run(store: &Store, plan: Plan, sink: &mut impl Sink, cancel: &CancellationToken) -> Result<(), StoreError> {
    let mut place = begin(store, &plan).await?;
    let bell = Arc::new(Notify::new());
    let listening = (!plan.once).then(|| tokio::spawn(listen(store.clone(), Arc::clone(&bell), cancel.clone())));
    let mut rounds = Loop::new("Reading the change log", POLL, cancel.clone()).woken_by(bell);
    let outcome = loop {
        if !rounds.next().await {
            break Ok(());
        }
        if !plan.once {
            sleep(GATHER).await;
        }
        match pass(store, &plan, &mut place, sink).await {
            Err(error) if plan.once => break Err(error),
            Ok(more) if plan.once || !more => break Ok(()),
            outcome => rounds.ended(outcome.map(drop)),
        }
        if place.ahead.len() >= AHEAD {
            rounds.rest();
        }
    };
    if let Some(listening) = listening {
        listening.abort();
    }
    if plan.marks {
        // An interrupted pass handled lines that are not marked yet. Without a database they will be handled again.
        let _ = timeout(LEAVE, note(store, &plan, &mut place)).await;
    }
    outcome
}

async fn note(store: &Store, plan: &Plan, place: &mut Place) -> Result<(), StoreError> {
    let mut conn = store.conn().await?;
    place.mark(&mut conn).await?;
    if plan.start == Start::Last || place.kept.is_some() {
        place.keep(&mut conn, &plan.name).await?;
    } // Else the monitor ended among lines older than any saved position; the next one continues where the last one ended.
    Ok(())
}

async fn begin(store: &Store, plan: &Plan) -> Result<Place, StoreError> {
    let mut conn = store.conn().await?;
    let mut wanted = plan.wanted.clone();
    let kept = match plan.start {
        Start::Unprocessed => {
            wanted.unprocessed = true;
            Kept { horizon: Horizon::beginning(), ahead: Vec::new() }
        }
        Start::Last => match monitor::place(&mut conn, &plan.name).await? {
            Some(kept) => kept,
            None => monitor::present(&mut conn, AHEAD as i64).await?,
        },
    };
    Ok(Place {
        horizon: kept.horizon,
        ahead: kept.ahead.into_iter().map(|id| (id, u64::MAX)).collect(),
        wanted,
        kept: None,
        unmarked: Vec::new(),
    })
}

/// Hands over all existing lines; returns whether the sink accepts more.
async fn pass(store: &Store, plan: &Plan, place: &mut Place, sink: &mut impl Sink) -> Result<bool, StoreError> {
    let mut conn = store.conn().await?;
    place.mark(&mut conn).await?;
    let next = changes::horizon(&mut conn).await?; // Taken first: what commits during the pass is read again, not missed.
    place.horizon = changes::rewound(&mut conn, place.horizon.clone()).await?;
    let mut after = After::horizon(&place.horizon);
    let mut ahead = HashMap::new();
    loop {
        let lines = monitor::lines(&mut conn, &place.wanted, &after).await?;
        let Some(last) = lines.last() else { break };
        after = After::line(last);
        let full = lines.len() as i64 == PAGE;
        let reached = last.xact;
        ahead.extend(lines.iter().filter(|line| !next.settled(line.xact)).map(|line| (line.id, line.xact)));
        let new: Vec<Line> = lines.into_iter().filter(|line| !place.ahead.contains_key(&line.id)).collect();
        if !new.is_empty() {
            let Some(handled) = sink.take(&new).await else { return Ok(false) };
            // An interrupted pass is repeated; the lines it has handled must not be handled twice.
            place.ahead.extend(new.iter().map(|line| (line.id, line.xact)));
            if plan.marks {
                place.unmarked.extend(handled);
                place.mark(&mut conn).await?;
            }
        }
        if !full {
            break;
        }
        if ahead.len() >= AHEAD {
            warn!("A transaction is open for long; later changes are shown when it ends");
            ahead = mem::take(&mut place.ahead); // Includes the lines that were handled beyond this page.
            ahead.retain(|_, xact| !next.settled(*xact));
            break;
        }
        if next.settled(reached) {
            place.horizon = next.at(reached);
            place.ahead.retain(|_, xact| *xact >= reached);
        }
    }
    (place.ahead, place.horizon) = (ahead, next);
    if plan.marks {
        place.keep(&mut conn, &plan.name).await?;
    }
    Ok(true)
}

/// Rings for every commit. Commits missed while the connection is lost are found by the next poll.
async fn listen(store: Store, bell: Arc<Notify>, cancel: CancellationToken) {
    let mut connections = Loop::new("Listening", PAUSE, cancel);
    while connections.next().await {
        match Listener::connect(&store, "flowo_monitor").await {
            Ok(mut listener) => loop {
                bell.notify_one(); // One pending ring is enough.
                if listener.next().await.is_err() {
                    break;
                }
            },
            Err(error) => warn!(error = chain(&error), "The monitor does not hear; it looks every {POLL:?}"),
        }
    }
}

/// A line in readable form: `2026-11-21 08:00:00.000 UPDATE workflow_runs <id> status: running → success (flowo)`.
pub fn readable(line: &Line) -> String {
    let text = |values: &Option<serde_json::Value>, name: &str| {
        let values = values.as_ref()?;
        // For a long message the line holds the beginning and the total number of letters.
        let letters = values.get("letters").and_then(serde_json::Value::as_u64).filter(|_| name == "message");
        let whole = model::history::whole(values.get(name)?);
        Some(model::cut::letters_of(&whole, 80, letters.unwrap_or(whole.chars().count() as u64)))
    };
    let fields = line.changed_fields.iter().map(|name| match (text(&line.old_values, name), text(&line.new_values, name)) {
        (Some(old), Some(new)) => format!("{name}: {old} → {new}"),
        (None, Some(value)) | (Some(value), None) => format!("{name}: {value}"),
        (None, None) => name.clone(),
    });
    let fields: Vec<String> = fields.collect();
    let run = line.workflow_run_id.filter(|run| run.to_string() != line.record_id).map(|run| format!(" of {run}")).unwrap_or_default();
    let actor = line.actor.as_ref().map(|actor| format!(" ({actor})")).unwrap_or_default();
    let said = format!(
        "{} {} {} {}{run} {}{actor}",
        model::text::iso(line.timestamp),
        line.operation,
        line.table_name,
        line.record_id,
        fields.join(", ")
    );
    // Text written by strangers must not control a terminal.
    model::terminal::line(&said).into_owned()
}

/// Writes lines into the server's log.
struct ServerLog;

impl Sink for ServerLog {
    async fn take(&mut self, lines: &[Line]) -> Option<Vec<i64>> {
        for line in lines {
            info!(target: "flowo::changes", "{}", readable(line));
        }
        Some(lines.iter().map(|line| line.id).collect())
    }
}

/// Writes every change into the server's log until cancelled.
pub async fn within(store: Store, cancel: CancellationToken) {
    let plan = Plan { name: "server".to_owned(), wanted: Wanted::default(), start: Start::Last, marks: true, once: false };
    let mut attempts = Loop::new("Beginning to monitor", PAUSE, cancel.clone());
    while attempts.next().await {
        attempts.ended(run(&store, plan.clone(), &mut ServerLog, &cancel).await);
    }
}
