//! One tick: the rows changed by the commits of a few milliseconds, encoded once for all readers.

use bytes::Bytes;
use model::{
    JobKey, Millis, RunId,
    access::Belonging,
    live::{Frame, LiveCursor, RunChange},
};
use std::collections::{BTreeMap, BTreeSet};
use store::runs::Audience;

/// Changes that are sent together.
pub(crate) struct Tick {
    pub cursor: LiveCursor,
    /// The frame of the scope `runs` for readers who may see everything.
    everybody: Bytes,
    /// The same frame, not encoded: for readers who do not see all of it.
    frame: Frame,
    whose: Whose,
    /// Encoded frames of the runs that somebody is watching.
    watched: BTreeMap<RunId, Bytes>,
    /// Every run that changed, with its changed jobs: what a resuming reader of one run missed.
    pub touched: BTreeMap<RunId, BTreeSet<JobKey>>,
}

/// What the newest change of a run says about who may see it and its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Whose the run is, and the directory in which it ran, if reported.
    Now { belonging: Belonging, directory: Option<String> },
    /// It was deleted.
    Gone,
    /// Changes may have been missed: only the database knows.
    Unknown,
}

/// Whose the runs of a tick are.
#[derive(Debug, Default)]
pub(crate) struct Whose {
    /// Deleted runs are missing.
    pub belongings: BTreeMap<RunId, Belonging>,
    /// Runs that other readers may see than before.
    pub moved: BTreeSet<RunId>,
}

impl Whose {
    /// Whether this reader may see a run. A deleted row no longer belongs to anybody; its id reveals nothing.
    fn sees(&self, audience: Audience, run: RunId) -> bool {
        self.belongings.get(&run).is_none_or(|belonging| audience.sees(belonging))
    }
}

impl Tick {
    pub fn new(
        cursor: LiveCursor,
        frame: Frame,
        whose: Whose,
        watched: BTreeMap<RunId, Bytes>,
        touched: BTreeMap<RunId, BTreeSet<JobKey>>,
    ) -> Self {
        Self { cursor, everybody: encode(cursor, &frame), frame, whose, watched, touched }
    }

    /// The frame of the scope `runs`; empty if nothing in it concerns this reader.
    pub fn runs_frame(&self, audience: Audience) -> Bytes {
        if self.frame.runs.iter().all(|change| self.whose.sees(audience, change.run())) {
            return self.everybody.clone(); // Also saves most readers of shared runs an encoding of their own.
        }
        let shown = |change: &RunChange| match change.run() {
            run if self.whose.sees(audience, run) => Some(change.clone()),
            // The reader may have seen it until now.
            run if self.whose.moved.contains(&run) => Some(RunChange::Gone(run)),
            _ => None,
        };
        let frame = Frame { runs: self.frame.runs.iter().filter_map(shown).collect(), ..self.frame.clone() };
        if frame.runs.is_empty() { Bytes::new() } else { encode(self.cursor, &frame) }
    }

    /// The frame of the scope of one run, whose reader was allowed to see it; empty if nothing concerns this reader.
    pub fn run_frame(&self, run: RunId, audience: Audience) -> Bytes {
        match self.watched.get(&run) {
            Some(frame) if self.whose.sees(audience, run) => frame.clone(),
            Some(_) if self.whose.moved.contains(&run) => encode(self.cursor, &gone(run, self.frame.sent_at)),
            _ => Bytes::new(),
        }
    }

    /// How a run stands after this tick; `None` if the tick does not touch the run.
    pub fn standing(&self, run: RunId) -> Option<Standing> {
        if !self.touched.contains_key(&run) {
            return None;
        }
        let change = self.frame.runs.iter().find(|change| change.run() == run);
        Some(match (self.whose.belongings.get(&run), change) {
            (Some(belonging), Some(RunChange::Now(now))) => Standing::Now { belonging: *belonging, directory: now.directory.clone() },
            _ => Standing::Gone,
        })
    }

    /// The approximate memory size, in bytes.
    pub fn weight(&self) -> usize {
        let watched: usize = self.watched.values().map(Bytes::len).sum();
        let ids: usize = self.touched.values().map(|jobs| 32 + jobs.len() * 16).sum();
        256 + self.everybody.len() * 2 + watched + ids
    }
}

/// A frame that says that a run is gone, for this reader at least.
pub(crate) fn gone(run: RunId, sent_at: Millis) -> Frame {
    Frame { sent_at, runs: vec![RunChange::Gone(run)], ..Frame::default() }
}

/// A frame in its wire format.
pub(crate) fn encode(cursor: LiveCursor, frame: &Frame) -> Bytes {
    let mut out = Vec::with_capacity(256 + frame.runs.len() * 512 + frame.jobs.len() * 384);
    out.extend_from_slice(format!("id: {cursor}\nevent: frame\ndata: ").as_bytes());
    serde_json::to_writer(&mut out, frame).expect("a frame has only string keys and finite numbers");
    out.extend_from_slice(b"\n\n");
    out.into()
}
