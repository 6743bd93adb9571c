//! The timeline of a run: a window of it, what happened in a span, and the chain of jobs that decided how long it took.
//!
//! Times on the axis are milliseconds since its start; idle spans may be left out of it.

use chart::time::{Breaks, Place};
use model::{AsOf, JobKey, Millis};
use serde::{Deserialize, Serialize};

/// How the jobs of a run are laid out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Arrangement {
    /// Only the jobs of this rule.
    pub rule: Option<String>,
    /// Leave idle spans out of the axis.
    pub skip_idle: bool,
    /// As they were at a moment of the past.
    pub at: Option<AsOf>,
}

/// Which part of a timeline.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    pub arrangement: Arrangement,
    /// On the axis; `None` is all of it.
    pub span: Option<(Place, Place)>,
    /// Pixels the span is drawn on.
    pub pixels: u32,
    /// The heights between which groups are wanted, in pixels.
    pub top: u32,
    pub bottom: u32,
    /// Names of groups that are folded or unfolded against what they begin as.
    pub turned: Vec<String>,
}

/// A rule in the timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    pub name: String,
    /// Jobs that began, and their attempts.
    pub jobs: u32,
    pub attempts: u32,
    pub running: u32,
    /// Jobs whose newest attempt failed.
    pub failed: u32,
    pub lanes: u32,
    /// Most at once.
    pub peak: u32,
    /// When the first began and the last ended, on the axis; `None` while one runs.
    pub from: i64,
    pub to: Option<i64>,
    /// Core-seconds used.
    pub core_s: i64,
}

/// What is drawn of one group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Drawn {
    /// Marks of lanes from the first one named on, as `chart::lanes::pack` packs them.
    Lanes { first: u32, lanes: Vec<Vec<u32>> },
    /// How many ran in each of equal parts of the span, and in which parts one failed.
    Area { counts: Vec<u32>, failed: Vec<u32> },
}

impl Drawn {
    /// Numbers in it, more or less.
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
    /// The end of the axis; while something runs, where it was when this was read.
    pub end: i64,
    pub running: bool,
    pub breaks: Breaks,
    /// Most jobs and most cores at once.
    pub peak: (u32, u32),
    /// All of them, by start.
    pub groups: Vec<Group>,
    /// The part that is drawn.
    pub from: i64,
    pub to: i64,
    /// Quarters of a pixel to the whole part, which is what marks count in.
    pub quarters: u32,
    pub drawn: Vec<(u32, Drawn)>,
    /// Jobs running and cores taken in equal parts of the span.
    pub curve: Vec<(u32, u32)>,
}

/// What happened in a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpanSums {
    pub jobs: u32,
    pub core_ms: i64,
    pub busiest: u32,
    pub cores: u32,
    /// On the axis.
    pub busiest_at: i64,
}

/// One job of the chain that decided how long the run took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub job: JobKey,
    pub group: u32,
    pub lane: u32,
    pub from: i64,
    /// `None` while it runs.
    pub to: Option<i64>,
}

/// The chain of jobs that decided how long a run took, the last one first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// Empty where nobody knows which job waited for which.
    pub links: Vec<Link>,
    /// More jobs come before those that were followed: so many.
    pub followed: Option<u32>,
}

impl Chain {
    /// What a reader is told who takes it for all of it.
    pub fn says(&self) -> Option<String> {
        self.followed.map(|jobs| format!("The last {} jobs of the critical path; it begins earlier", model::text::count(i64::from(jobs))))
    }
}

#[cfg(test)]
mod tests {
    use super::Chain;

    #[test]
    fn a_path_of_which_only_the_end_was_followed_says_so() {
        assert_eq!(Chain::default().says(), None);
        let says = Chain { links: Vec::new(), followed: Some(2_000) }.says().expect("words");
        assert!(says.starts_with("The last 2\u{202f}000 jobs of the critical path"), "{says}");
    }
}
