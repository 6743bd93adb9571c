//! The states of runs and jobs, and the moves between them that a report may make.

use crate::Invalid;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

macro_rules! status {
    ($(#[$doc:meta])* $name:ident, $what:literal, $expected:literal { $($(#[$vdoc:meta])* $variant:ident = $word:literal / $label:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every state, in the order in which people list them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word in the database, the API and `data-status`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The word people read.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(word: &str) -> Result<Self, Invalid> {
                match word {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(Invalid::new($what, word, $expected)),
                }
            }
        }
    };
}

status!(
    /// Where a run stands.
    RunStatus, "run status", "waiting, running, success, failed, lost, cancelled, suspended or skipped" {
        /// Known, not begun.
        Waiting = "waiting" / "Waiting",
        Running = "running" / "Running",
        /// Held by somebody; goes on when told.
        Suspended = "suspended" / "Suspended",
        Success = "success" / "Done",
        Failed = "failed" / "Failed",
        /// Its client fell silent.
        Lost = "lost" / "Lost",
        Cancelled = "cancelled" / "Cancelled",
        Skipped = "skipped" / "Skipped",
    }
);

status!(
    /// Where one attempt of a job stands.
    JobStatus, "job status", "waiting, running, success, failed, lost, cancelled or skipped" {
        Waiting = "waiting" / "Waiting",
        Running = "running" / "Running",
        Success = "success" / "Done",
        Failed = "failed" / "Failed",
        /// Its end was never reported.
        Lost = "lost" / "Lost",
        Cancelled = "cancelled" / "Cancelled",
        Skipped = "skipped" / "Skipped",
    }
);

impl RunStatus {
    /// Nothing more is expected of it.
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Success | Self::Failed | Self::Lost | Self::Cancelled | Self::Skipped)
    }

    /// Whether a run may pass from `self` to `next`.
    ///
    /// A lost run comes back when its client speaks again. So does one that was taken to have failed, because its
    /// client has no word for the end, when jobs of it are heard of. Every other end is final.
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Waiting | Self::Suspended => !matches!(next, Self::Waiting),
            Self::Running => !matches!(next, Self::Waiting | Self::Running | Self::Skipped),
            Self::Lost => matches!(next, Self::Running | Self::Success | Self::Failed | Self::Cancelled),
            Self::Failed => matches!(next, Self::Running | Self::Success),
            Self::Success | Self::Cancelled | Self::Skipped => false,
        }
    }
}

impl JobStatus {
    /// This attempt is over.
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Success | Self::Failed | Self::Lost | Self::Cancelled | Self::Skipped)
    }

    /// Whether one attempt may pass from `self` to `next`. A retry is another attempt.
    ///
    /// Lost means that we did not hear; hearing of it after all is welcome.
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Waiting => !matches!(next, Self::Waiting),
            Self::Running => next.is_end(),
            Self::Lost => matches!(next, Self::Success | Self::Failed | Self::Cancelled),
            Self::Success | Self::Failed | Self::Cancelled | Self::Skipped => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip() {
        for status in RunStatus::ALL {
            assert_eq!(status.as_str().parse::<RunStatus>(), Ok(*status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
        for status in JobStatus::ALL {
            assert_eq!(status.as_str().parse::<JobStatus>(), Ok(*status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
        assert!("RUNNING".parse::<RunStatus>().is_err());
    }

    #[test]
    fn a_finished_job_never_moves_again() {
        for end in [JobStatus::Success, JobStatus::Failed, JobStatus::Cancelled, JobStatus::Skipped] {
            for next in JobStatus::ALL {
                assert!(!end.may_become(*next), "{end} -> {next}");
            }
        }
    }

    #[test]
    fn only_a_run_that_did_not_end_by_its_own_word_comes_back() {
        for status in RunStatus::ALL.iter().filter(|status| status.is_end()) {
            assert_eq!(status.may_become(RunStatus::Running), matches!(status, RunStatus::Lost | RunStatus::Failed), "{status}");
        }
    }
}
