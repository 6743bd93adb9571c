//! Epochs: how often a run has continued after a final end. An epoch is not an attempt: attempts count the tries of one
//! job, or the runs that a client started one after another for the same work.
//!
//! Within an epoch a run moves only along the edges of [`RunStatus::may_become`](crate::RunStatus::may_become), and a
//! final end stays. Running its jobs again opens the next epoch. Attempts of a job go on counting across epochs, so
//! nothing of an earlier epoch is overwritten.

use crate::Invalid;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The epoch of a run, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i32", into = "i32")]
pub struct Epoch(i32);

impl Epoch {
    /// The epoch in which every run begins.
    pub const FIRST: Self = Self(1);

    /// The epoch that a rerun opens.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl TryFrom<i32> for Epoch {
    type Error = Invalid;

    fn try_from(number: i32) -> Result<Self, Invalid> {
        if number >= 1 { Ok(Self(number)) } else { Err(Invalid::new("epoch", number.to_string(), "1 or more")) }
    }
}

impl From<Epoch> for i32 {
    fn from(epoch: Epoch) -> Self {
        epoch.0
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_count_from_one() {
        assert_eq!(Epoch::FIRST.next(), Epoch::try_from(2).unwrap());
        assert_eq!(serde_json::to_value(Epoch::FIRST).unwrap(), 1);
        for number in [i32::MIN, -1, 0] {
            assert!(Epoch::try_from(number).is_err(), "{number}");
            assert!(serde_json::from_value::<Epoch>(number.into()).is_err(), "{number}");
        }
        assert_eq!(Epoch::try_from(i32::MAX).unwrap().next(), Epoch::try_from(i32::MAX).unwrap(), "no overflow");
    }
}
