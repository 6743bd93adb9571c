//! What the live stream sends, and how a page applies it.

use crate::{
    JobKey, Millis, RunId,
    job::JobRow,
    run::{RuleRow, RunSummary},
};
use serde::{Deserialize, Serialize};

/// The point up to which a reader has seen everything: an epoch of the server and a sequence number in that epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LiveCursor {
    pub epoch: u64,
    pub seq: u64,
}

impl std::fmt::Display for LiveCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:x}-{}", self.epoch, self.seq)
    }
}

impl std::str::FromStr for LiveCursor {
    type Err = crate::Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || crate::Invalid::new("cursor", text, "<epoch>-<number>");
        let (epoch, seq) = text.split_once('-').ok_or_else(wrong)?;
        Ok(Self { epoch: u64::from_str_radix(epoch, 16).map_err(|_| wrong())?, seq: seq.parse().map_err(|_| wrong())? })
    }
}

/// What happened to one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunChange {
    Now(Box<RunSummary>),
    /// Deleted, or no longer visible to this reader.
    Gone(RunId),
}

impl RunChange {
    /// The run that it is about.
    pub fn run(&self) -> RunId {
        match self {
            Self::Now(run) => run.id,
            Self::Gone(id) => *id,
        }
    }
}

/// What is sent to a page in one piece: the current rows changed by one or more commits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// When the oldest change in the frame was made, by the database's clock.
    pub changed_at: Option<Millis>,
    /// When the frame was sent, by the server's clock.
    pub sent_at: Millis,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<RunChange>,
    /// Only in the stream of one run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<JobRow>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone_jobs: Vec<JobKey>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleRow>,
    /// More jobs changed than one frame carries: the page must fetch its window again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub jobs_stale: bool,
}

/// How the server learns of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Listening {
    /// Notifications arrive.
    Live,
    /// Connected again; reading what was missed.
    CatchingUp,
    /// Notifications do not arrive: the server reads the change log every few seconds.
    Polling,
    /// The database does not answer.
    Down,
}

impl Listening {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::CatchingUp => "catching_up",
            Self::Polling => "polling",
            Self::Down => "down",
        }
    }
}

/// Whether `newer` replaces a row of revision `held`. Old and repeated changes have no effect.
pub const fn replaces(held: Option<i64>, newer: i64) -> bool {
    match held {
        None => true,
        Some(held) => newer > held,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn frames_in_any_order_end_at_the_newest_row(mut revisions in proptest::collection::vec(1i64..40, 1..60)) {
            let fold = |order: &[i64]| order.iter().fold(None, |held, &next| if replaces(held, next) { Some(next) } else { held });
            let newest = revisions.iter().copied().max();
            prop_assert_eq!(fold(&revisions), newest);
            revisions.reverse();
            prop_assert_eq!(fold(&revisions), newest);
        }
    }

    #[test]
    fn a_live_cursor_round_trips() {
        let cursor = LiveCursor { epoch: 0xfe12, seq: 41 };
        assert_eq!(cursor.to_string().parse::<LiveCursor>(), Ok(cursor));
        assert!("zz".parse::<LiveCursor>().is_err());
    }
}
