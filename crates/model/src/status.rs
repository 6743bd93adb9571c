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

            /// The word that people read.
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
    /// The state of a run.
    RunStatus, "run status", "waiting, running, success, failed, lost, cancelled, suspended or skipped" {
        /// Known but not started.
        Waiting = "waiting" / "Waiting",
        Running = "running" / "Running",
        /// Paused by somebody; goes on when somebody resumes it.
        Suspended = "suspended" / "Suspended",
        Success = "success" / "Done",
        Failed = "failed" / "Failed",
        /// Its client stopped reporting.
        Lost = "lost" / "Lost",
        Cancelled = "cancelled" / "Cancelled",
        Skipped = "skipped" / "Skipped",
    }
);

status!(
    /// The state of one attempt of a job.
    JobStatus, "job status", "waiting, running, suspended, success, failed, lost, cancelled or skipped" {
        Waiting = "waiting" / "Waiting",
        Running = "running" / "Running",
        /// Held back before it started; waits again when somebody resumes it. Counters count it as waiting.
        Suspended = "suspended" / "Suspended",
        Success = "success" / "Done",
        Failed = "failed" / "Failed",
        /// Its end was never reported.
        Lost = "lost" / "Lost",
        Cancelled = "cancelled" / "Cancelled",
        Skipped = "skipped" / "Skipped",
    }
);

impl RunStatus {
    /// Whether the run is over: nothing more is expected.
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Success | Self::Failed | Self::Lost | Self::Cancelled | Self::Skipped)
    }

    /// Whether a run may pass from `self` to `next` within one epoch.
    ///
    /// A lost run comes back when its client reports again. A run that was assumed to have failed, because its client
    /// has no report for the end, or assumed to have no jobs, comes back when its jobs are reported. A failed run
    /// becomes cancelled if its log says that its user stopped it. Every other end is final.
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Waiting | Self::Suspended => !matches!(next, Self::Waiting),
            Self::Running => !matches!(next, Self::Waiting | Self::Running | Self::Skipped),
            Self::Lost => matches!(next, Self::Running | Self::Success | Self::Failed | Self::Cancelled),
            Self::Failed => matches!(next, Self::Running | Self::Success | Self::Cancelled),
            Self::Skipped => matches!(next, Self::Running | Self::Success | Self::Failed | Self::Cancelled),
            Self::Success | Self::Cancelled => false,
        }
    }

    /// Whether running jobs of such a run again needs the run's next epoch: its end is final. Any other run goes on in
    /// the same epoch.
    pub const fn rerun_opens_epoch(self) -> bool {
        self.is_end() && !self.may_become(Self::Running)
    }
}

impl JobStatus {
    /// The states named by words separated by commas, each state once however often it is named.
    ///
    /// # Errors
    /// The first word that is not a state.
    pub fn list(words: &str) -> Result<Vec<Self>, Invalid> {
        let mut list = Vec::new();
        for word in words.split(',').filter(|word| !word.is_empty()) {
            let status = word.parse()?;
            if !list.contains(&status) {
                list.push(status);
            }
        }
        Ok(list)
    }

    /// How urgently the state needs attention; 0 is the least. Lists by state begin with the most urgent one. Where
    /// many jobs are drawn as one mark, that mark shows the most urgent of their states. A suspended job needs a person
    /// before it can go on, a running one does not.
    pub const fn urgency(self) -> u8 {
        match self {
            Self::Failed => 7,
            Self::Lost => 6,
            Self::Suspended => 5,
            Self::Running => 4,
            Self::Waiting => 3,
            Self::Cancelled => 2,
            Self::Skipped => 1,
            Self::Success => 0,
        }
    }

    /// Whether the attempt is over.
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Success | Self::Failed | Self::Lost | Self::Cancelled | Self::Skipped)
    }

    /// Whether the attempt has not started yet.
    pub const fn is_unstarted(self) -> bool {
        matches!(self, Self::Waiting | Self::Suspended)
    }

    /// Whether one attempt may pass from `self` to `next`. A retry is another attempt.
    ///
    /// A suspended job starts only after it was resumed; otherwise somebody skips it, cancels it or marks it as done. A
    /// report about a suspended job shows that the job was resumed, so the report moves it as if it waited.
    ///
    /// Lost only means that Flowo received no end; a later report replaces it. A failed job becomes cancelled if the
    /// log of its run says that the user stopped it.
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Waiting => !matches!(next, Self::Waiting),
            Self::Suspended => matches!(next, Self::Waiting | Self::Success | Self::Cancelled | Self::Skipped),
            Self::Running => next.is_end(),
            Self::Lost => matches!(next, Self::Success | Self::Failed | Self::Cancelled),
            Self::Failed => matches!(next, Self::Cancelled),
            Self::Success | Self::Cancelled | Self::Skipped => false,
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
    fn urgency_is_the_order_in_which_states_are_listed() {
        let mut all = JobStatus::ALL.to_vec();
        all.sort_by_key(|status| std::cmp::Reverse(status.urgency()));
        assert_eq!(
            all.iter().map(|status| status.as_str()).collect::<Vec<_>>().join(" "),
            "failed lost suspended running waiting cancelled skipped success"
        );
    }

    #[test]
    fn a_list_of_states_names_each_once() {
        assert_eq!(JobStatus::list("failed,,lost,failed,"), Ok(vec![JobStatus::Failed, JobStatus::Lost]));
        assert_eq!(JobStatus::list(&"running,".repeat(100_000)), Ok(vec![JobStatus::Running]));
        assert!(JobStatus::list("failed,broken").is_err());
    }

    #[test]
    fn a_finished_job_never_moves_again_unless_its_failure_is_explained() {
        for end in [JobStatus::Success, JobStatus::Failed, JobStatus::Cancelled, JobStatus::Skipped] {
            for next in JobStatus::ALL {
                let explained = (end, *next) == (JobStatus::Failed, JobStatus::Cancelled);
                assert_eq!(end.may_become(*next), explained, "{end} -> {next}");
            }
        }
    }

    #[test]
    fn a_job_is_suspended_before_it_starts_and_leaves_that_state_by_an_operators_word() {
        for status in JobStatus::ALL {
            assert_eq!(status.may_become(JobStatus::Suspended), *status == JobStatus::Waiting, "{status} -> suspended");
        }
        let leads_to: Vec<&str> =
            JobStatus::ALL.iter().filter(|next| JobStatus::Suspended.may_become(**next)).map(|next| next.as_str()).collect();
        assert_eq!(leads_to, ["waiting", "success", "cancelled", "skipped"]);
    }

    #[test]
    fn a_rerun_opens_an_epoch_after_a_final_end_only() {
        let opens: Vec<&str> = RunStatus::ALL.iter().filter(|status| status.rerun_opens_epoch()).map(|status| status.as_str()).collect();
        assert_eq!(opens, ["success", "cancelled"]);
        for status in RunStatus::ALL.iter().filter(|status| status.rerun_opens_epoch()) {
            assert!(RunStatus::ALL.iter().all(|next| !status.may_become(*next)), "{status} is final within its epoch");
        }
    }

    #[test]
    fn only_a_run_that_did_not_end_by_its_own_word_comes_back() {
        for status in RunStatus::ALL.iter().filter(|status| status.is_end()) {
            assert_eq!(
                status.may_become(RunStatus::Running),
                matches!(status, RunStatus::Lost | RunStatus::Failed | RunStatus::Skipped),
                "{status}"
            );
        }
    }
}
