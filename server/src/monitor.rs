//! Works through the change log: every committed change once, as soon as it is committed, or later if we were away.
//!
//! Woken by the doorbell, and every ten seconds without it. `flowod monitor` prints what it is given; with
//! `ENABLE_DB_MONITORING` the server writes it into its own log.

use std::{collections::HashMap, mem, time::Duration};
use store::{
    Conn, Store, StoreError,
    changes::{self, Horizon},
    error::chain,
    listen::Listener,
    monitor::{self, After, Kept, Line, PAGE, Wanted},
};
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How often the change log is read without being called.
const POLL: Duration = Duration::from_secs(10);
/// Long enough to gather a burst.
const GATHER: Duration = Duration::from_millis(10);
/// How long to wait for a database that is gone.
const PAUSE: Duration = Duration::from_secs(1);
/// How long the last note of what was told may take.
const LEAVE: Duration = Duration::from_secs(5);
/// Lines ahead of an open transaction that are told, and remembered; what is beyond is told when that one ends.
const AHEAD: usize = 10_000;

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Where the last monitor of this name ended; without one, now.
    Last,
    /// With everything that is not processed.
    Unprocessed,
}

/// What is wanted of a monitor.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Monitors of the same name go on where the other ended.
    pub name: String,
    pub wanted: Wanted,
    pub start: Start,
    /// Marks lines as processed, and keeps the place.
    pub marks: bool,
    /// Stops when everything there is was told.
    pub once: bool,
}

/// Takes lines as they come. Nothing more is read before it is done with them.
pub trait Sink: Send {
    /// Numbers of the lines that were handled; the others stay unprocessed. `None`: nobody takes any more.
    fn take(&mut self, lines: &[Line]) -> impl Future<Output = Option<Vec<i64>>> + Send;
}

/// Where a monitor is.
struct Place {
    horizon: Horizon,
    /// Lines told already although they are not before the horizon, by their transactions.
    ahead: HashMap<i64, u64>,
    wanted: Wanted,
    /// What the next monitor would begin with.
    kept: Option<Kept>,
    /// Lines that were handled and are not marked yet: the database was lost in between.
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

/// Tells changes until `cancel`, or until nobody takes them; comes back after every loss of the database.
///
/// # Errors
/// Only with `once`, or if not even the first look succeeds.
pub async fn run(store: &Store, plan: Plan, sink: &mut impl Sink, cancel: &CancellationToken) -> Result<(), StoreError> {
    let mut place = begin(store, &plan).await?;
    let (bell, mut rung) = mpsc::channel(1);
    let listening = (!plan.once).then(|| tokio::spawn(listen(store.clone(), bell)));
    let outcome = loop {
        match pass(store, &plan, &mut place, sink).await {
            Ok(true) if plan.once => break Ok(()),
            Ok(true) => {}
            Ok(false) => break Ok(()),
            Err(error) if plan.once => break Err(error),
            Err(error) => {
                warn!(error = chain(&error), "The change log cannot be read; trying again in {PAUSE:?}");
                tokio::select! {
                    () = sleep(PAUSE) => continue,
                    () = cancel.cancelled() => break Ok(()),
                }
            }
        }
        let patient = place.ahead.len() >= AHEAD;
        tokio::select! {
            () = cancel.cancelled() => break Ok(()),
            () = sleep(POLL) => {}
            Some(()) = rung.recv(), if !patient => sleep(GATHER).await,
        }
    };
    if let Some(listening) = listening {
        listening.abort();
    }
    if plan.marks {
        // A pass that broke off told lines that are not noted yet. Without a database they are told again.
        let _ = timeout(LEAVE, note(store, &plan, &mut place)).await;
    }
    outcome
}

async fn note(store: &Store, plan: &Plan, place: &mut Place) -> Result<(), StoreError> {
    let mut conn = store.conn().await?;
    place.mark(&mut conn).await?;
    if plan.start == Start::Last || place.kept.is_some() {
        place.keep(&mut conn, &plan.name).await?;
    } // Else it broke off in what is older than any place: the next one goes on where the last one ended.
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

/// Tells what there is; whether it is still wanted.
async fn pass(store: &Store, plan: &Plan, place: &mut Place, sink: &mut impl Sink) -> Result<bool, StoreError> {
    let mut conn = store.conn().await?;
    place.mark(&mut conn).await?;
    let next = changes::horizon(&mut conn).await?; // Taken first: what commits in between is read again, not missed.
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
            // A pass that breaks off is begun again: what was told in it must not be told twice.
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
            warn!("A transaction is open for long; what came after it is told when it ends");
            ahead = mem::take(&mut place.ahead); // With those that were told beyond this page.
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

/// Rings for every commit. What is missed while the connection is lost, the next look finds.
async fn listen(store: Store, bell: mpsc::Sender<()>) {
    loop {
        match Listener::connect(&store, "flowo_monitor").await {
            Ok(mut listener) => loop {
                let _ = bell.try_send(()); // One that waits is enough.
                if listener.next().await.is_err() {
                    break;
                }
            },
            Err(error) => warn!(error = chain(&error), "The monitor does not hear; it looks every {POLL:?}"),
        }
        if bell.is_closed() {
            return;
        }
        sleep(PAUSE).await;
    }
}

/// A line as people read it: `2026-11-21 08:00:00.000 UPDATE workflow_runs <id> status: running → success (flowo)`.
pub fn readable(line: &Line) -> String {
    let text = |values: &Option<serde_json::Value>, name: &str| {
        let values = values.as_ref()?;
        // Of a long message the line has the beginning, and how many letters it has in all.
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
    // What strangers wrote must not act on a terminal.
    model::terminal::line(&said).into_owned()
}

/// Into the log of the server.
struct Told;

impl Sink for Told {
    async fn take(&mut self, lines: &[Line]) -> Option<Vec<i64>> {
        for line in lines {
            info!(target: "flowo::changes", "{}", readable(line));
        }
        Some(lines.iter().map(|line| line.id).collect())
    }
}

/// Tells every change in the log of the server until cancelled.
pub async fn within(store: Store, cancel: CancellationToken) {
    let plan = Plan { name: "server".to_owned(), wanted: Wanted::default(), start: Start::Last, marks: true, once: false };
    while !cancel.is_cancelled() {
        if let Err(error) = run(&store, plan.clone(), &mut Told, &cancel).await {
            warn!(error = chain(&error), "The monitor could not begin; trying again in {PAUSE:?}");
            let _ = timeout(PAUSE, cancel.cancelled()).await;
        }
    }
}
