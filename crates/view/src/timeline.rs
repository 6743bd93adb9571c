//! The timeline of a run: a window of it, what happened in a span, and the chain of jobs that determined how long the run took.
//!
//! Times on the axis are milliseconds since its start; idle spans may be left out.

use chart::time::{Breaks, Place};
use model::{AsOf, JobKey, Millis, text};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How the jobs of a run are laid out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Arrangement {
    /// Only the jobs of this rule.
    pub rule: Option<String>,
    /// Leave idle spans out of the axis.
    pub skip_idle: bool,
    /// The jobs as they were at a past moment.
    pub at: Option<AsOf>,
}

/// Which part of a timeline to show.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    pub arrangement: Arrangement,
    /// A part of the axis; `None` is the whole axis.
    pub span: Option<(Place, Place)>,
    /// The width in pixels on which the span is drawn.
    pub pixels: u32,
    /// The vertical range in which groups are drawn, in pixels.
    pub top: u32,
    pub bottom: u32,
    /// Names of groups whose default folding is reversed.
    pub turned: Vec<String>,
}

/// A rule in the timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    pub name: String,
    /// The number of jobs that began, and of their attempts.
    pub jobs: u32,
    pub attempts: u32,
    pub running: u32,
    /// How many jobs have a newest attempt that failed.
    pub failed: u32,
    pub lanes: u32,
    /// How many ran at the same time at most.
    pub peak: u32,
    /// When the first began and the last ended, on the axis; `None` while one is running.
    pub from: i64,
    pub to: Option<i64>,
    /// Core-seconds used.
    pub core_s: i64,
}

impl Group {
    /// How many jobs began, and how many of them failed, or else run.
    pub fn says(&self) -> String {
        let jobs = text::things(u64::from(self.jobs), "job");
        match (self.failed, self.running) {
            (0, 0) => jobs,
            (0, running) => format!("{jobs} · {running} running"),
            (failed, _) => format!("{jobs} · {failed} failed"),
        }
    }
}

/// The drawing of one group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Drawn {
    /// Marks of consecutive lanes from lane `first` on, as packed by `chart::lanes::pack`.
    Lanes { first: u32, lanes: Vec<Vec<u32>> },
    /// How many ran in each of equal parts of the span, and the indexes of the parts in which one failed.
    Area { counts: Vec<u32>, failed: Vec<u32> },
}

impl Drawn {
    /// The approximate number of integers in it.
    pub fn size(&self) -> usize {
        match self {
            Self::Lanes { lanes, .. } => lanes.iter().map(Vec::len).sum(),
            Self::Area { counts, failed } => counts.len() / 2 + failed.len(),
        }
    }
}

/// A part of a timeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimelineView {
    /// The time at the start of the axis.
    pub origin: Millis,
    /// The end of the axis; while something is running, where it was when the timeline was read.
    pub end: i64,
    pub running: bool,
    pub breaks: Breaks,
    /// The highest number of jobs, and of cores, at the same time.
    pub peak: (u32, u32),
    /// All groups, by start.
    pub groups: Vec<Group>,
    /// The part that is drawn.
    pub from: i64,
    pub to: i64,
    /// The width of that part in quarters of a pixel, the unit of marks.
    pub quarters: u32,
    pub drawn: Vec<(u32, Drawn)>,
    /// Running jobs and cores in use, in equal parts of the span.
    pub curve: Vec<(u32, u32)>,
}

/// What happened in a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpanSums {
    pub jobs: u32,
    pub core_ms: i64,
    pub busiest: u32,
    pub cores: u32,
    /// A position on the axis.
    pub busiest_at: i64,
}

/// One job of the chain that determined how long the run took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub job: JobKey,
    pub group: u32,
    pub lane: u32,
    pub from: i64,
    /// `None` while it is running.
    pub to: Option<i64>,
}

/// The chain of jobs that determined how long a run took, last job first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// Empty if the dependencies between jobs are not known.
    pub links: Vec<Link>,
    /// Set if more jobs precede the chain: the number of jobs that were followed.
    pub followed: Option<u32>,
}

impl Chain {
    /// What a reader must know if the chain is not complete.
    pub fn says(&self) -> Option<String> {
        self.followed.map(|jobs| format!("The last {} jobs of the critical path; it begins earlier", text::count(i64::from(jobs))))
    }
}

/// Wildcards of a job that its tooltip names.
const WILDCARDS: usize = 6;

/// The first wildcards of a job, and how many more it has.
pub fn few_wildcards(wildcards: &BTreeMap<String, String>) -> Vec<String> {
    let mut words: Vec<String> = wildcards.iter().take(WILDCARDS).map(|(key, value)| format!("{key}={value}")).collect();
    if wildcards.len() > WILDCARDS {
        words.push(format!("+{} more", wildcards.len() - WILDCARDS));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::{Chain, few_wildcards};

    #[test]
    fn a_path_of_which_only_the_end_was_followed_says_so() {
        assert_eq!(Chain::default().says(), None);
        let says = Chain { links: Vec::new(), followed: Some(2_000) }.says().expect("words");
        assert!(says.starts_with("The last 2\u{202f}000 jobs of the critical path"), "{says}");
    }

    #[test]
    fn wildcards_that_are_not_named_are_counted() {
        let of = |names: std::ops::RangeInclusive<char>| few_wildcards(&names.map(|name| (name.to_string(), "1".to_owned())).collect());
        assert_eq!(of('a'..='f').join(" "), "a=1 b=1 c=1 d=1 e=1 f=1");
        assert_eq!(of('a'..='h').join(" "), "a=1 b=1 c=1 d=1 e=1 f=1 +2 more");
    }
}
