//! Runs as they are shown: in a row, and on their own page.

use crate::{Invalid, JobStatus, Millis, RunId, RunStatus};
use serde::{Deserialize, Serialize};

/// Jobs of a run or a rule by the state of their newest attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobCounts {
    /// Jobs the client announced; `None` if it never did.
    pub planned: Option<i32>,
    pub waiting: i32,
    pub running: i32,
    pub success: i32,
    pub failed: i32,
    pub lost: i32,
    /// Skipped and cancelled.
    pub skipped: i32,
}

impl JobCounts {
    /// Jobs of which anything was reported.
    pub const fn seen(&self) -> i32 {
        self.waiting + self.running + self.success + self.failed + self.lost + self.skipped
    }

    /// One job more in a state.
    pub const fn add(&mut self, status: JobStatus) {
        let count = match status {
            JobStatus::Waiting => &mut self.waiting,
            JobStatus::Running => &mut self.running,
            JobStatus::Success => &mut self.success,
            JobStatus::Failed => &mut self.failed,
            JobStatus::Lost => &mut self.lost,
            JobStatus::Cancelled | JobStatus::Skipped => &mut self.skipped,
        };
        *count += 1;
    }

    /// What progress is measured against. A plan may fall short: checkpoints add jobs.
    pub fn total(&self) -> i32 {
        self.planned.unwrap_or(0).max(self.seen())
    }

    /// The segments of a progress bar in their fixed order; zero counts are left out.
    pub fn segments(&self) -> impl Iterator<Item = (JobStatus, i32)> {
        [
            (JobStatus::Success, self.success),
            (JobStatus::Failed, self.failed),
            (JobStatus::Lost, self.lost),
            (JobStatus::Skipped, self.skipped),
            (JobStatus::Running, self.running),
        ]
        .into_iter()
        .filter(|(_, count)| *count > 0)
    }

    /// How they stand together; `None` if no job is planned or was reported. What needs attention
    /// comes first: failed, lost, running, then waiting, unless all are done.
    pub fn overall(&self) -> Option<JobStatus> {
        let total = self.total();
        Some(match self {
            _ if total == 0 => return None,
            Self { failed: 1.., .. } => JobStatus::Failed,
            Self { lost: 1.., .. } => JobStatus::Lost,
            Self { running: 1.., .. } => JobStatus::Running,
            Self { success, .. } if *success == total => JobStatus::Success,
            Self { success, skipped, .. } if success + skipped == total => JobStatus::Skipped,
            _ => JobStatus::Waiting,
        })
    }

    /// The count of one state; unreported planned jobs count as waiting.
    pub fn of(&self, status: JobStatus) -> i32 {
        match status {
            JobStatus::Waiting => self.total() - self.seen() + self.waiting,
            JobStatus::Running => self.running,
            JobStatus::Success => self.success,
            JobStatus::Failed => self.failed,
            JobStatus::Lost => self.lost,
            JobStatus::Cancelled | JobStatus::Skipped => self.skipped,
        }
    }
}

/// One row of the runs table, and what a live frame says of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    pub id: RunId,
    pub number: i64,
    pub name: String,
    pub status: RunStatus,
    /// Which client protocol reported it.
    pub source: String,
    pub user: String,
    pub directory: Option<String>,
    pub tags: Vec<String>,
    pub dry_run: bool,
    pub attempt: i32,
    /// The start, or the creation before it: what the newest-first order goes by.
    pub sort_at: Millis,
    pub started_at: Option<Millis>,
    pub ended_at: Option<Millis>,
    pub jobs: JobCounts,
    /// Reports that could not be applied.
    pub quarantined: i32,
    /// Grows with every visible change of the row.
    pub revision: i64,
}

impl RunSummary {
    /// The name, or the directory's last part, or a word that says there is none.
    pub fn title(&self) -> &str {
        if !self.name.trim().is_empty() {
            return &self.name;
        }
        self.directory.as_deref().and_then(|path| path.rsplit('/').find(|part| !part.is_empty())).unwrap_or("Unnamed run")
    }

    /// Milliseconds from start to end, or to `now` while it goes on; `None` before it began.
    pub fn duration(&self, now: Millis) -> Option<Millis> {
        Some((self.ended_at.unwrap_or(now) - self.started_at?).max(0))
    }

    /// Milliseconds still to go at the pace so far; `None` when that cannot be said.
    ///
    /// Needs three finished jobs and a tenth of the work done before it dares to guess.
    pub fn remaining(&self, now: Millis) -> Option<Millis> {
        let done = i64::from(self.jobs.success + self.jobs.failed + self.jobs.lost + self.jobs.skipped);
        let total = i64::from(self.jobs.total());
        if self.status != RunStatus::Running || done < 3 || done * 10 < total || done >= total {
            return None;
        }
        Some(self.duration(now)? * (total - done) / done)
    }
}

/// A name and tags as they may be given to a run: trimmed, each tag once, none empty.
///
/// # Errors
/// A name above 500 letters; more than 50 tags; a tag above 100 letters, or with a comma.
pub fn label(name: &str, tags: &[String]) -> Result<(String, Vec<String>), Invalid> {
    let name = name.trim();
    if name.chars().count() > 500 {
        return Err(Invalid::new("name", "a long text", "at most 500 letters"));
    }
    let mut kept: Vec<String> = Vec::new();
    for tag in tags.iter().map(|tag| tag.trim()).filter(|tag| !tag.is_empty()) {
        if tag.chars().count() > 100 || tag.contains(',') {
            return Err(Invalid::new("tags", tag, "at most 100 letters and no comma"));
        }
        if !kept.iter().any(|held| held == tag) {
            kept.push(tag.to_owned());
        }
    }
    if kept.len() > 50 {
        return Err(Invalid::new("tags", kept.len().to_string(), "at most 50"));
    }
    Ok((name.to_owned(), kept))
}

/// Another attempt of the same thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    pub id: RunId,
    pub attempt: i32,
    pub status: RunStatus,
}

/// An error as the client reported it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReportedError {
    pub exception: String,
    #[serde(default)]
    pub rule: Option<String>,
    #[serde(default)]
    pub location: Option<String>,
    #[serde(default)]
    pub traceback: Option<String>,
    pub at: Millis,
}

impl ReportedError {
    /// What it says, by which one that is told twice is known.
    pub fn text(&self) -> String {
        self.traceback.iter().fold(self.exception.clone(), |text, trace| format!("{text}\n{trace}"))
    }
}

/// A rule with the counts of its jobs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleRow {
    /// Empty for jobs whose rule was never told.
    pub name: String,
    pub language: Option<String>,
    pub jobs: JobCounts,
}

/// A run on its own page. Large parts (code, raw events) are asked for when wanted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunDetail {
    pub run: RunSummary,
    pub client_version: Option<String>,
    pub snakefile: Option<String>,
    pub command_line: Option<String>,
    pub host: Option<String>,
    /// What it ran with, by name: versions, cores. Empty unless its log could be read.
    pub environment: std::collections::BTreeMap<String, String>,
    pub config_files: Vec<String>,
    pub catalog_slug: Option<String>,
    pub last_seen_at: Millis,
    pub heartbeats: bool,
    pub closed_by_client: bool,
    pub errors: Vec<ReportedError>,
    /// Every attempt of the lineage, oldest first, this one included.
    pub attempts: Vec<Attempt>,
    pub rules: Vec<RuleRow>,
}

#[cfg(test)]
mod tests {
    #[test]
    fn jobs_stand_together_as_the_most_pressing_of_them() {
        let some = |planned, waiting, running, success, failed, lost, skipped| {
            JobCounts { planned: Some(planned), waiting, running, success, failed, lost, skipped }.overall()
        };
        assert_eq!(JobCounts::default().overall(), None);
        assert_eq!(some(4, 0, 0, 0, 0, 0, 0), Some(JobStatus::Waiting));
        assert_eq!(some(4, 0, 1, 1, 1, 1, 0), Some(JobStatus::Failed));
        assert_eq!(some(4, 0, 1, 1, 0, 1, 0), Some(JobStatus::Lost));
        assert_eq!(some(4, 0, 1, 3, 0, 0, 0), Some(JobStatus::Running));
        assert_eq!(some(4, 0, 0, 3, 0, 0, 0), Some(JobStatus::Waiting));
        assert_eq!(some(4, 0, 0, 4, 0, 0, 0), Some(JobStatus::Success));
        assert_eq!(some(4, 0, 0, 3, 0, 0, 1), Some(JobStatus::Skipped));
    }

    use super::*;

    #[test]
    fn labels_are_trimmed_and_bounded() {
        let tags = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
        assert_eq!(label(" a b ", &tags(&["x", " x", "", "y "])), Ok(("a b".into(), tags(&["x", "y"]))));
        assert!(label(&"ü".repeat(500), &[]).is_ok() && label(&"ü".repeat(501), &[]).is_err());
        assert!(label("", &tags(&["a,b"])).is_err() && label("", &[("x").repeat(101)]).is_err());
        assert!(label("", &(0..51).map(|n| n.to_string()).collect::<Vec<_>>()).is_err());
    }

    #[test]
    fn a_plan_that_falls_short_gives_way_to_what_was_seen() {
        let counts = JobCounts { planned: Some(3), success: 7, ..JobCounts::default() };
        assert_eq!(counts.total(), 7);
        assert_eq!(counts.of(JobStatus::Waiting), 0);
    }

    #[test]
    fn planned_jobs_that_were_never_seen_are_waiting() {
        let counts = JobCounts { planned: Some(10), success: 2, waiting: 1, running: 1, ..JobCounts::default() };
        assert_eq!(counts.of(JobStatus::Waiting), 7);
    }
}
