//! The batch writer's statements: load what a batch refers to, fold, write what changed.
//!
//! Set-based: the number of statements depends on which kinds of things changed, never on how many. The caller owns the
//! transaction; nothing is acknowledged before it commits.

mod close;
mod entries;
mod files;
pub mod fill;
mod load;
mod rerun;
mod write;

use crate::{Conn, StoreError};
use model::{
    Millis, RunId, RunStatus, UserId,
    event::{Event, Report, RunKey},
    fold::{RunFold, jobs_of},
};
use std::collections::{HashMap, HashSet};

pub(crate) use files::write as write_files;
pub use rerun::rerun;

/// Who sent a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    pub user: Option<UserId>,
    pub name: String,
    /// May report on other people's runs.
    pub admin: bool,
}

/// A report on its way into the tables, with its original text.
#[derive(Clone, Debug)]
pub struct Incoming {
    pub sender: Sender,
    pub source: &'static str,
    pub client_version: Option<String>,
    pub received_at: Millis,
    /// The client's name for the event.
    pub event: String,
    /// The report as it was received, as JSON text without U+0000.
    pub body: String,
    /// Why the event could not be understood; such a report is stored and counts as a sign of life.
    pub quarantine: Option<String>,
    pub report: Report,
}

impl Incoming {
    /// The names by which its run may be found: by id, and by the sender's log file.
    pub fn run_names(&self) -> [Option<RunName<'_>>; 2] {
        let (id, logfile) = match &self.report.run {
            RunKey::Id(id) => (Some(*id), self.report.context.logfile.as_deref()),
            RunKey::Logfile(logfile) => (None, Some(logfile.as_str())),
        };
        [id.map(RunName::Id), logfile.map(|logfile| RunName::Logfile(self.sender.user, logfile))]
    }
}

/// A name of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RunName<'a> {
    Id(RunId),
    Logfile(Option<UserId>, &'a str),
}

/// What happened to one report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// Stored and applied to this run, whose status is now this.
    Applied { run: RunId, status: RunStatus },
    /// Somebody else's run: nothing was stored.
    Foreign,
    /// There is no such run, and the event cannot create one: nothing was stored.
    Unknown,
    /// The run was deleted; reports about it are dropped.
    Deleted,
}

/// Applies a batch in order and returns what happened to each report.
///
/// # Errors
/// On any error the caller must roll back: part of the batch may have been written.
pub async fn apply(conn: &mut Conn, batch: &[Incoming]) -> Result<Vec<Receipt>, StoreError> {
    let mut receipts = Vec::with_capacity(batch.len());
    let mut rest = batch;
    while !rest.is_empty() {
        let (segment, tail) = rest.split_at(segment_len(rest));
        receipts.append(&mut apply_segment(conn, segment).await?);
        rest = tail;
    }
    Ok(receipts)
}

/// How many reports may be folded before the tables must be brought up to date.
///
/// A close ends jobs that were not loaded and decides whether a later start is a retry. So a start of a run, or a
/// report about its jobs after a close, begins a new segment.
fn segment_len(batch: &[Incoming]) -> usize {
    let mut closed = HashSet::new();
    for (at, incoming) in batch.iter().enumerate() {
        let is_start = matches!(incoming.report.event, Event::RunStarted(_));
        let notices = || !jobs_of(&incoming.report.event).is_empty() && closed.contains(&incoming.report.run);
        if !closed.is_empty() && (is_start || notices()) {
            return at;
        }
        if incoming.report.event.may_close() {
            closed.insert(&incoming.report.run);
        }
    }
    batch.len()
}

async fn apply_segment(conn: &mut Conn, segment: &[Incoming]) -> Result<Vec<Receipt>, StoreError> {
    let ids = load::resolve(conn, segment).await?;
    let mut runs = load::runs(conn, segment, &ids).await?;
    let mut receipts: Vec<Option<Receipt>> = vec![None; segment.len()];

    let mut wanted = HashSet::new();
    for (at, incoming) in segment.iter().enumerate() {
        receipts[at] = refusal(incoming, ids[at], &runs);
        if let (None, Some(id)) = (receipts[at], ids[at]) {
            wanted.extend(jobs_of(&incoming.report.event).into_iter().map(|job| (id, job)));
        }
    }
    load::jobs(conn, &wanted, &mut runs.folds).await?;

    let mut words = Vec::new();
    for (at, incoming) in segment.iter().enumerate() {
        let (None, Some(fold)) = (receipts[at], ids[at].and_then(|id| runs.folds.get_mut(&id))) else { continue };
        if incoming.quarantine.is_some() {
            *runs.quarantined.entry(fold.run.id).or_default() += 1;
        }
        words.extend(entries::said(fold, &incoming.report.event, incoming.report.at));
        fold.apply(incoming.report.event.clone(), incoming.report.at);
        receipts[at] = Some(Receipt::Applied { run: fold.run.id, status: fold.run.status });
    }

    let receipts: Vec<Receipt> = receipts.into_iter().map(|receipt| receipt.unwrap_or(Receipt::Unknown)).collect();
    let reports = write::events(conn, segment, &receipts).await?;
    write::runs(conn, &runs).await?;
    write::jobs(conn, runs.folds.values(), &reports).await?;
    entries::write(conn, words, &receipts).await?;
    Ok(receipts)
}

/// The runs of a segment, and what is known about those that do not exist.
struct Loaded {
    folds: HashMap<RunId, RunFold>,
    owners: HashMap<RunId, Option<UserId>>,
    /// When each run was last seen, as stored.
    seen: HashMap<RunId, Millis>,
    deleted: HashSet<RunId>,
    quarantined: HashMap<RunId, i32>,
}

fn refusal(incoming: &Incoming, id: Option<RunId>, runs: &Loaded) -> Option<Receipt> {
    let Some(id) = id else { return Some(Receipt::Unknown) };
    if runs.deleted.contains(&id) {
        return Some(Receipt::Deleted);
    }
    match runs.owners.get(&id) {
        None => Some(Receipt::Unknown),
        Some(owner) if *owner == incoming.sender.user || incoming.sender.admin => None,
        Some(_) => Some(Receipt::Foreign),
    }
}

/// Reports that only mean something for an existing run.
///
/// A rule graph alone does not create a run: clients also send it when they only look at a workflow, to draw it or to
/// list what would be done.
fn needs_run(report: &Report) -> bool {
    match &report.event {
        Event::Heartbeat | Event::Seen | Event::Closed => true,
        Event::RuleGraph(_) => !report.context.sent && matches!(report.run, RunKey::Logfile(_)),
        _ => false,
    }
}

/// The key by which a sender's log file is known.
fn logfile_of(incoming: &Incoming) -> Option<(Option<UserId>, &str)> {
    let logfile = match &incoming.report.run {
        RunKey::Logfile(logfile) => Some(logfile.as_str()),
        RunKey::Id(_) if matches!(incoming.report.event, Event::RunStarted(_)) => incoming.report.context.logfile.as_deref(),
        RunKey::Id(_) => None,
    };
    Some((incoming.sender.user, logfile?))
}
