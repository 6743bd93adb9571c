//! A past moment whose state somebody asks for, limited to the times that the database can hold.
//!
//! Not for times that clients report; the adapters check those on arrival.

use crate::Millis;
use serde::{Deserialize, Serialize};

/// The first and the last moment that can be asked for anywhere: the start of year 1 and the end of year 9999.
pub const EARLIEST: Millis = -62_135_596_800_000;
pub const LATEST: Millis = 253_402_300_799_999;

/// A moment of the past that a page shows, from 1970 on. A number out of range becomes the nearest valid moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "i64", into = "i64")]
pub struct AsOf(Millis);

impl AsOf {
    pub fn new(at: Millis) -> Self {
        Self(at.clamp(0, LATEST))
    }

    pub const fn millis(self) -> Millis {
        self.0
    }
}

impl From<Millis> for AsOf {
    fn from(at: Millis) -> Self {
        Self::new(at)
    }
}

impl From<AsOf> for Millis {
    fn from(at: AsOf) -> Self {
        at.0
    }
}
