//! Jobs of a run: a window of the list, one with all its details, and what failed.

use crate::logs::LogTail;
use model::{
    AsOf,
    job::{Failures, JobDetail, JobRow},
    live::LiveCursor,
    page::Page,
    preview::Benchmark,
    text,
};
use serde::{Deserialize, Serialize};

/// A window of a run's jobs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobList {
    pub page: Page<JobRow>,
    /// The position in the live stream at which it was read.
    pub cursor: LiveCursor,
}

/// Which jobs of a run, as the URL says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobAsk {
    pub rule: Option<String>,
    /// Statuses separated by commas.
    pub status: Option<String>,
    /// Text in a wildcard's value.
    pub find: Option<String>,
    pub sort: Option<String>,
    /// The position after which the list continues.
    pub after: Option<String>,
    /// The jobs as they were at a past moment.
    pub at: Option<AsOf>,
}

/// A job with its command, if it has one, as highlighted HTML.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenJob {
    pub detail: JobDetail,
    pub command: Option<String>,
    /// The last lines of its first logs, at most 4 logs.
    pub logs: Vec<LogTail>,
    /// What resources it used, from its benchmark file.
    pub benchmark: Option<Benchmark>,
}

/// What failed, with the last lines of the log of the job shown as an example.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailuresView {
    pub failures: Failures,
    /// The last lines of that job's first logs, at most 4 logs.
    pub logs: Vec<LogTail>,
}

/// Values that few clients report: each becomes a column if a row of the first window has it and there is room.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Extra {
    Reason,
    Queued,
    Memory,
    Host,
}

impl Extra {
    pub const ALL: [Self; 4] = [Self::Reason, Self::Queued, Self::Memory, Self::Host];

    pub const fn label(self) -> &'static str {
        match self {
            Self::Reason => "Reason",
            Self::Queued => "Queued",
            Self::Memory => "Memory",
            Self::Host => "Host",
        }
    }

    /// The CSS class of the column.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Reason | Self::Host => "far c-word cut",
            Self::Queued | Self::Memory => "far c-num num end",
        }
    }

    /// The value as text; `None` if the client did not report it.
    pub fn of(self, job: &JobRow) -> Option<String> {
        match self {
            Self::Reason => job.reason.clone().filter(|reason| !reason.is_empty()),
            Self::Queued => job.queued_at.zip(job.started_at).map(|(queued, started)| text::duration((started - queued).max(0))),
            Self::Memory => job.mem_mb.map(|mb| text::bytes(mb.saturating_mul(1_000_000))),
            Self::Host => job.host.clone(),
        }
    }
}

/// What a job used, as names and values; only what its benchmark file says.
pub fn benchmark_facts(took: &Benchmark) -> Vec<(&'static str, String)> {
    let seconds = |seconds: f64| text::duration((seconds * 1000.0) as i64);
    let facts = [
        ("Clock", Some(seconds(took.seconds))),
        ("Processor", took.cpu_seconds.map(seconds)),
        ("Peak memory", took.memory.map(text::size)),
        ("Read", took.read.map(text::size)),
        ("Written", took.written.map(text::size)),
        ("Load", took.load.map(|load| format!("{load:.0} %"))),
        ("Times", times(took.times, took.more)),
    ];
    facts.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// How often a command was run to measure it.
fn times(read: u32, more: bool) -> Option<String> {
    let times = text::count(i64::from(read));
    if more { Some(format!("the first {times}, there are more")) } else { (read > 1).then_some(times) }
}

#[cfg(test)]
mod tests {
    use super::times;

    #[test]
    fn repeats_that_were_not_read_are_no_secret() {
        assert_eq!((times(1, false), times(3, false)), (None, Some("3".to_owned())));
        assert_eq!(times(1_000, true).as_deref(), Some("the first 1\u{202f}000, there are more"));
    }
}
