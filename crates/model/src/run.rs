//! Runs as a row of a table and a run's own page show them.

use crate::{Invalid, JobStatus, Millis, RunId, RunStatus, cut::Cut, text};
use serde::{Deserialize, Serialize};

/// Jobs of a run or a rule by the state of their newest attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobCounts {
    /// Jobs the client announced; `None` if it never did.
    pub planned: Option<i32>,
    /// Waiting and suspended: nothing of them has started.
    pub waiting: i32,
    pub running: i32,
    pub success: i32,
    pub failed: i32,
    pub lost: i32,
    /// Skipped and cancelled.
    pub skipped: i32,
}

impl JobCounts {
    /// The number of jobs of which anything was reported.
    pub const fn seen(&self) -> i32 {
        let more = self.waiting.saturating_add(self.running).saturating_add(self.success);
        more.saturating_add(self.failed).saturating_add(self.lost).saturating_add(self.skipped)
    }

    /// Counts one more job in a state.
    pub const fn add(&mut self, status: JobStatus) {
        let count = match status {
            JobStatus::Waiting | JobStatus::Suspended => &mut self.waiting,
            JobStatus::Running => &mut self.running,
            JobStatus::Success => &mut self.success,
            JobStatus::Failed => &mut self.failed,
            JobStatus::Lost => &mut self.lost,
            JobStatus::Cancelled | JobStatus::Skipped => &mut self.skipped,
        };
        *count = count.saturating_add(1);
    }

    /// The total against which progress is measured. It may exceed the plan, because checkpoints add jobs.
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

    /// The state of all jobs together; `None` if no job is planned or was reported. What needs attention
    /// comes first: failed, lost, running, then waiting, unless all are done.
    pub fn overall(&self) -> Option<JobStatus> {
        let total = self.total();
        Some(match self {
            _ if total == 0 => return None,
            Self { failed: 1.., .. } => JobStatus::Failed,
            Self { lost: 1.., .. } => JobStatus::Lost,
            Self { running: 1.., .. } => JobStatus::Running,
            Self { success, .. } if *success == total => JobStatus::Success,
            Self { success, skipped, .. } if success.saturating_add(*skipped) == total => JobStatus::Skipped,
            _ => JobStatus::Waiting,
        })
    }

    /// The number of jobs in one state, or in the states that are counted together with it; planned jobs that were not
    /// reported count as waiting.
    pub fn of(&self, status: JobStatus) -> i32 {
        match status {
            JobStatus::Waiting | JobStatus::Suspended => self.total().saturating_sub(self.seen()).saturating_add(self.waiting),
            JobStatus::Running => self.running,
            JobStatus::Success => self.success,
            JobStatus::Failed => self.failed,
            JobStatus::Lost => self.lost,
            JobStatus::Cancelled | JobStatus::Skipped => self.skipped,
        }
    }
}

/// One row of the runs table; also what a live frame contains for a run.
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
    /// The time of the start, or of the creation until it starts. The newest-first order uses it.
    pub sort_at: Millis,
    pub started_at: Option<Millis>,
    pub ended_at: Option<Millis>,
    pub jobs: JobCounts,
    /// Reports that could not be applied.
    pub quarantined: i32,
    /// Grows with every visible change of the row.
    pub revision: i64,
}

/// What people see as a run's name: its name, else the last part of its directory, else words that say there is neither.
pub fn title<'a>(name: &'a str, directory: Option<&'a str>) -> &'a str {
    if !name.trim().is_empty() {
        return name;
    }
    directory.and_then(|path| path.rsplit('/').find(|part| !part.is_empty())).unwrap_or("Unnamed run")
}

impl RunSummary {
    /// Its [`title`].
    pub fn title(&self) -> &str {
        title(&self.name, self.directory.as_deref())
    }

    /// Milliseconds from start to end, or until `now` while it runs; `None` before it began.
    pub fn duration(&self, now: Millis) -> Option<Millis> {
        Some(self.ended_at.unwrap_or(now).saturating_sub(self.started_at?).max(0))
    }

    /// Milliseconds still to go at the pace so far; `None` if that cannot be estimated.
    ///
    /// Needs three finished jobs and a tenth of the work done before it gives an estimate.
    pub fn remaining(&self, now: Millis) -> Option<Millis> {
        let JobCounts { success, failed, lost, skipped, .. } = self.jobs;
        let done = [success, failed, lost, skipped].into_iter().map(i64::from).sum::<i64>();
        let total = i64::from(self.jobs.total());
        if self.status != RunStatus::Running || done < 3 || done * 10 < total || done >= total {
            return None;
        }
        Some(self.duration(now)?.saturating_mul(total - done) / done)
    }
}

/// A valid name and tags for a run: trimmed, each tag once, none empty.
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

/// Another attempt of the same run.
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
    /// The text in the run's own log, if that could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The client's number of the job concerned, from the run's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<i64>,
    pub at: Millis,
}

impl ReportedError {
    /// An empty error, reported at that time.
    pub const fn at(at: Millis) -> Self {
        Self { exception: String::new(), rule: None, location: None, traceback: None, text: None, job_id: None, at }
    }

    /// The error's text. Two reports with the same text are the same error reported twice.
    pub fn text(&self) -> String {
        self.traceback.iter().fold(self.exception.clone(), |text, trace| format!("{text}\n{trace}"))
    }
}

/// An exception as the log of a run prints it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrintedError {
    pub exception: String,
    pub rule: Option<String>,
    pub location: Option<String>,
    /// The client's number of the job concerned.
    pub job_id: Option<i64>,
    pub text: String,
}

/// Adds what the run's log prints to the errors that were reported; returns whether that changed anything.
///
/// Both lists are in the order in which the errors happened, and both name the class. The log may contain more: of
/// equal consecutive reports a run keeps only the first, and it keeps a bounded number of them. If the text belongs to
/// a job, the job shows it and the error only names the job. A text that was reported is not repeated.
pub fn complete(reported: &mut [ReportedError], printed: &[PrintedError]) -> bool {
    let mut rest = printed.iter();
    let mut changed = false;
    for error in reported {
        let mut ahead = rest.clone();
        let Some(found) = ahead.find(|printed| printed.exception == error.exception) else { continue };
        rest = ahead;
        let before = error.clone();
        error.rule = error.rule.take().or_else(|| found.rule.clone());
        error.location = error.location.take().or_else(|| found.location.clone());
        error.job_id = found.job_id;
        let is_new = found.job_id.is_none() && error.traceback.is_none() && !found.text.is_empty();
        error.text = is_new.then(|| found.text.clone());
        changed |= *error != before;
    }
    changed
}
/// How many jobs were not reported completely, by where the missing data comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilledCounts {
    /// The ends of these jobs were assumed from the end of the run.
    pub close: i64,
    /// The data of these jobs was read from the log of the run.
    pub log: i64,
}

/// The key in [`RunDetail::environment`] that says what was left out when the run's log was read.
pub const LEFT_OUT: &str = "Left out of the log";

/// What a page calls a rule that no report names.
pub const NO_RULE: &str = "not described by the client";

/// A rule with the counts of its jobs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleRow {
    /// Empty for jobs whose rule was never reported.
    pub name: String,
    pub language: Option<String>,
    pub jobs: JobCounts,
}

/// The number of jobs of some rules in some states (all if none is named), including planned jobs that were not reported yet.
///
/// A reported job whose rule is not known counts as one of the planned jobs, whichever rule that one has.
pub fn total(rules: &[RuleRow], statuses: &[JobStatus]) -> i32 {
    let statuses = counted_alone(statuses);
    let unnamed: i32 = rules.iter().filter(|rule| rule.name.is_empty()).map(|rule| rule.jobs.seen()).sum();
    let open: i32 = rules.iter().map(|rule| rule.jobs.total() - rule.jobs.seen()).sum();
    let twice = if statuses.is_empty() || statuses.contains(&JobStatus::Waiting) { unnamed.min(open) } else { 0 };
    let of = |jobs: &JobCounts| if statuses.is_empty() { jobs.total() } else { statuses.iter().map(|status| jobs.of(*status)).sum() };
    rules.iter().map(|rule| of(&rule.jobs)).sum::<i32>() - twice
}

/// The states whose counters these states are counted by, each once: some states share one.
fn counted_alone(statuses: &[JobStatus]) -> Vec<JobStatus> {
    let mut counters: Vec<JobStatus> = Vec::with_capacity(statuses.len());
    for status in statuses {
        let counter = match status {
            JobStatus::Suspended => JobStatus::Waiting,
            JobStatus::Cancelled => JobStatus::Skipped,
            status => *status,
        };
        if !counters.contains(&counter) {
            counters.push(counter);
        }
    }
    counters
}

/// A run on its own page. Large parts (code, raw events) are fetched when they are needed.
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
    /// Parts that were too long to be kept whole.
    #[serde(default)]
    pub cuts: Vec<Cut>,
    #[serde(default)]
    pub filled: FilledCounts,
}

impl RunDetail {
    /// What a reader must know to not mistake this for complete, reported data. Sentences without their full stop.
    pub fn notes(&self) -> Vec<String> {
        let jobs = |n: i64| if n == 1 { "1 job".to_owned() } else { format!("{} jobs", text::count(n)) };
        let close = (self.filled.close > 0).then(|| {
            let jobs = jobs(self.filled.close);
            format!("The client did not report the end of {jobs}. The run ended without reporting them as failed, so their times end with the run")
        });
        let log = (self.filled.log > 0).then(|| {
            let were = if self.filled.log == 1 { "was" } else { "were" };
            format!("{} {were} not reported in full. The rest comes from the log of the run", jobs(self.filled.log))
        });
        let left_out = self.environment.get(LEFT_OUT);
        let left_out = left_out.map(|what| format!("Flowo left out some of the run's log (all of it is under Logs): {what}"));
        self.cuts.iter().map(Cut::says).chain(close).chain(log).chain(left_out).collect()
    }
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
    fn a_report_is_completed_by_what_was_printed_then() {
        let error = |class: &str| ReportedError { exception: class.into(), ..ReportedError::at(0) };
        let print = |class: &str, job_id, text: &str| PrintedError {
            exception: class.into(),
            job_id,
            text: text.into(),
            ..PrintedError::default()
        };
        let mut reported = [error("Missing"), error("Rule"), error("Odd"), error("Workflow")];
        let printed = [
            print("Missing", Some(1), "one"),
            print("Missing", Some(2), "another, which was not kept"),
            print("Rule", None, "a rule"),
            print("Workflow", None, "the end"),
        ];

        assert!(complete(&mut reported, &printed));

        let texts: Vec<_> = reported.iter().map(|error| (error.job_id, error.text.as_deref())).collect();
        assert_eq!(texts, [(Some(1), None), (None, Some("a rule")), (None, None), (None, Some("the end"))]);
        assert!(!complete(&mut reported, &printed), "nothing new");
        assert_eq!(reported[0].text(), "Missing", "still the same report");
    }

    fn row(name: &str, planned: Option<i32>, seen: i32) -> RuleRow {
        RuleRow { name: name.into(), language: None, jobs: JobCounts { planned, success: seen, ..JobCounts::default() } }
    }

    #[test]
    fn a_job_whose_rule_is_not_known_is_one_of_those_that_were_planned() {
        let planned = [row("a", Some(1), 0), row("all", Some(1), 0), row("", None, 1)];
        assert_eq!((total(&planned, &[]), total(&planned, &[JobStatus::Waiting])), (2, 1));
        let more = [row("a", Some(1), 1), row("", None, 3)];
        assert_eq!((total(&more, &[]), total(&more, &[JobStatus::Success])), (4, 4), "more than were planned");
    }

    #[test]
    fn states_that_share_a_counter_are_counted_once() {
        let jobs = JobCounts { planned: Some(9), waiting: 2, skipped: 3, ..JobCounts::default() };
        let rules = [RuleRow { jobs, ..row("a", None, 0) }];
        for (statuses, number) in [
            (&[JobStatus::Waiting, JobStatus::Suspended][..], 6),
            (&[JobStatus::Suspended], 6),
            (&[JobStatus::Cancelled, JobStatus::Skipped], 3),
            (&[JobStatus::Skipped, JobStatus::Skipped], 3),
        ] {
            assert_eq!(total(&rules, statuses), number, "{statuses:?}");
        }
    }

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
