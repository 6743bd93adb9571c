//! One tick: the rows changed by the commits of a few milliseconds, encoded once for all readers.

use bytes::Bytes;
use model::{
    JobKey, RunId, UserId,
    live::{Frame, LiveCursor, RunChange},
};
use std::collections::{BTreeMap, BTreeSet};
use store::runs::Audience;

/// Changes that are sent together.
pub(crate) struct Tick {
    pub cursor: LiveCursor,
    /// The frame of the scope `runs` for readers who may see everything.
    everybody: Bytes,
    /// The same frame, not encoded: for readers who see only their own runs.
    frame: Frame,
    owners: Vec<Option<UserId>>,
    /// Encoded frames of the runs that somebody is watching.
    pub watched: BTreeMap<RunId, Bytes>,
    /// Every run that changed, with its changed jobs: what a resuming reader of one run missed.
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
            // A deleted row no longer has an owner; its id reveals nothing.
            if *owner == Some(user) || matches!(change, RunChange::Gone(_)) {
                frame.runs.push(change.clone());
            }
        }
        if frame.runs.is_empty() { Bytes::new() } else { encode(self.cursor, &frame) }
    }

    /// The approximate memory size, in bytes.
    pub fn weight(&self) -> usize {
        let watched: usize = self.watched.values().map(Bytes::len).sum();
        let ids: usize = self.touched.values().map(|jobs| 32 + jobs.len() * 16).sum();
        256 + self.everybody.len() * 2 + watched + ids
    }
}

/// A frame in its wire format.
pub(crate) fn encode(cursor: LiveCursor, frame: &Frame) -> Bytes {
    let mut out = Vec::with_capacity(256 + frame.runs.len() * 512 + frame.jobs.len() * 384);
    out.extend_from_slice(format!("id: {cursor}\nevent: frame\ndata: ").as_bytes());
    serde_json::to_writer(&mut out, frame).expect("a frame has only string keys and finite numbers");
    out.extend_from_slice(b"\n\n");
    out.into()
}
