//! One tick: the rows behind the commits of a few milliseconds, encoded once for everybody.

use bytes::Bytes;
use model::{
    JobKey, RunId, UserId,
    live::{Frame, LiveCursor, RunChange},
};
use std::collections::{BTreeMap, BTreeSet};
use store::runs::Audience;

/// What changed together.
pub(crate) struct Tick {
    pub cursor: LiveCursor,
    /// The frame of the scope `runs` for readers who may see everything.
    everybody: Bytes,
    /// The same, not encoded: for readers who see only their own.
    frame: Frame,
    owners: Vec<Option<UserId>>,
    /// Encoded frames of the runs that somebody watches.
    pub watched: BTreeMap<RunId, Bytes>,
    /// Every run touched, with its touched jobs: what a resuming reader of one run missed.
    pub touched: BTreeMap<RunId, BTreeSet<JobKey>>,
}

impl Tick {
    pub fn new(
        cursor: LiveCursor,
        frame: Frame,
        owners: Vec<Option<UserId>>,
        watched: BTreeMap<RunId, Bytes>,
        touched: BTreeMap<RunId, BTreeSet<JobKey>>,
    ) -> Self {
        Self { cursor, everybody: encode(cursor, &frame), frame, owners, watched, touched }
    }

    /// The frame of the scope `runs`; empty if nothing in it concerns this reader.
    pub fn runs_frame(&self, audience: Audience) -> Bytes {
        let Audience::User(user) = audience else { return self.everybody.clone() };
        let mut frame = Frame { runs: Vec::new(), ..self.frame.clone() };
        for (change, owner) in self.frame.runs.iter().zip(&self.owners) {
            // A row that is gone has no owner any more; its id tells nobody anything.
            if *owner == Some(user) || matches!(change, RunChange::Gone(_)) {
                frame.runs.push(change.clone());
            }
        }
        if frame.runs.is_empty() { Bytes::new() } else { encode(self.cursor, &frame) }
    }

    /// Roughly what it keeps in memory, in bytes.
    pub fn weight(&self) -> usize {
        let watched: usize = self.watched.values().map(Bytes::len).sum();
        let ids: usize = self.touched.values().map(|jobs| 32 + jobs.len() * 16).sum();
        256 + self.everybody.len() * 2 + watched + ids
    }
}

/// A frame as it goes over the wire.
pub(crate) fn encode(cursor: LiveCursor, frame: &Frame) -> Bytes {
    let mut out = Vec::with_capacity(256 + frame.runs.len() * 512 + frame.jobs.len() * 384);
    out.extend_from_slice(format!("id: {cursor}\nevent: frame\ndata: ").as_bytes());
    serde_json::to_writer(&mut out, frame).expect("a frame has only string keys and finite numbers");
    out.extend_from_slice(b"\n\n");
    out.into()
}
