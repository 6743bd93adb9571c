//! Fills in from a run's log what the client did not report: jobs reported while this server was away, ends that were
//! never reported, and rules of jobs that the client does not describe. Reported values are never changed.

use super::PIECE;
use ingest::mask::Masking;
use model::{
    JobStatus, Millis, RunId, RunStatus,
    event::{JobFiles, JobInfo},
    fold::LogAttempt,
};
use peek::run_jobs::{self, Description, End, RunJobs};
use read::files::{ByteRange, Reach, RunFiles};
use serde_json::Value;
use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
    sync::Arc,
};
use store::{
    Store, StoreError,
    apply::fill::{self, Known, Run},
};
use tracing::info;

/// Attempts that are filled in at a time, and the total size of their descriptions.
const BATCH: usize = 500;
const BATCH_BYTES: usize = 16 << 20;
/// Most descriptions are shorter than this many bytes; a longer one is read again.
const SHORT: usize = 64 << 10;
/// Time zones differ by a multiple of this (ms).
const QUARTER: Millis = 15 * 60 * 1000;

/// An attempt to take from the log, and whether its description is needed too.
struct Wanted {
    job: i64,
    nth: usize,
    describe: bool,
}

/// Compares a run with its log and fills in the difference. For a run in progress it fills in descriptions only.
/// Returns the jobs whose descriptions are too long to be read whole.
///
/// # Errors
/// Database errors only; parts of the log that cannot be read are left out.
pub(super) async fn fill(store: &Store, source: Source<'_>, run: RunId, log: &RunJobs) -> Result<BTreeSet<i64>, StoreError> {
    let mut long = BTreeSet::new();
    if log.jobs.is_empty() {
        return Ok(long);
    }
    let mut conn = store.conn().await?;
    let Some(facts) = fill::run(&mut conn, run).await? else { return Ok(long) };
    let is_over = facts.status.is_end();
    if !is_over && !facts.nameless {
        return Ok(long);
    }
    let known = fill::known(&mut conn, run, is_over).await?;
    drop(conn);
    let Some(clock) = Clock::new(log, &facts) else { return Ok(long) };
    let end = log.end.filter(|_| is_over).map(run_status).zip(log.last.map(|last| clock.time(last)));
    let wanted = wanted(log, &known, is_over, end.map(|(status, _)| status));
    let ends = end
        .is_some_and(|(status, _)| facts.status == RunStatus::Lost || (facts.status, status) == (RunStatus::Failed, RunStatus::Cancelled));
    if wanted.is_empty() && !ends {
        return Ok(long);
    }
    let mut texts = Texts { source, from: 0, bytes: Vec::new() };
    let mut rest = wanted.iter().peekable();
    // Runs at least once: the end of the run is filled in even if its jobs need nothing.
    loop {
        let (mut attempts, mut bytes) = (Vec::new(), 0);
        while let Some(one) = rest.next_if(|_| attempts.len() < BATCH && bytes < BATCH_BYTES) {
            let attempt = &log.jobs[&one.job][one.nth];
            let description = if one.describe { texts.describe(attempt.at).await } else { None };
            bytes += description.as_ref().map_or(0, Description::weight);
            long.extend(description.as_ref().filter(|description| description.open).map(|_| one.job));
            attempts.push(LogAttempt {
                job_id: one.job,
                attempt: i32::try_from(one.nth + 1).unwrap_or(i32::MAX),
                started_at: clock.time(attempt.started),
                ended: attempt.ended.map(|(end, at)| (job_status(end), clock.time(at))),
                info: description.map(|description| Arc::new(job_info(one.job, description, attempt.rule.as_deref()))),
            });
        }
        let mut tx = store.begin().await?;
        fill::fill(&mut tx, run, end, attempts).await?;
        store::commit(tx).await?;
        if rest.peek().is_none() {
            break;
        }
    }
    info!(run.id = %run, attempts = wanted.len(), "Filled in unreported jobs from the log of the run");
    Ok(long)
}

/// The attempts of which the log says more than the tables; all of one job together, oldest first.
fn wanted(log: &RunJobs, known: &[Known], is_over: bool, end: Option<RunStatus>) -> Vec<Wanted> {
    let known: HashMap<i64, &Known> = known.iter().map(|known| (known.job_id, known)).collect();
    let mut wanted = Vec::new();
    for (job, attempts) in &log.jobs {
        let held = known.get(job);
        let number = held.map_or(0, |held| usize::try_from(held.attempt).unwrap_or(0));
        for (nth, attempt) in attempts.iter().enumerate().skip(number.saturating_sub(1)) {
            let ended = attempt.ended.map(|(end, _)| end);
            if !is_over && attempt.rule.as_deref() == Some("") {
                continue; // Its end will name its rule.
            }
            let describe = match held {
                Some(held) if number == nth + 1 => {
                    let open = held.guessed || !held.status.is_end();
                    let more = is_over && open && (ended.is_some() || held.status == JobStatus::Lost && end.is_some());
                    let explained = is_over && held.status == JobStatus::Failed && ended == Some(End::Cancelled);
                    if held.informed && !more && !explained {
                        continue;
                    }
                    !held.informed
                }
                _ if is_over => true,
                _ => continue,
            };
            wanted.push(Wanted { job: *job, nth, describe });
        }
    }
    wanted
}

/// Converts a host's local time to ours.
struct Clock {
    /// Added to the host's time, in ms.
    shift: Millis,
    /// Nothing in a run is before this time.
    from: Millis,
}

impl Clock {
    /// If the run's start was reported, the log's start time and the reported one are the same instant. Otherwise the
    /// time zone is guessed, on the assumption that the first report came soon after the start.
    fn new(log: &RunJobs, run: &Run) -> Option<Self> {
        let first = log.jobs.values().flatten().map(|attempt| attempt.started).min();
        let (began, from) = (log.began.or(first)? * 1000, run.started_at?);
        let shift = from - began;
        if run.started && log.began.is_some() {
            return Some(Self { shift, from });
        }
        let zone = (shift + QUARTER / 2).div_euclid(QUARTER) * QUARTER;
        Some(Self { shift: zone, from: from.min(began + zone) })
    }

    fn time(&self, seconds: i64) -> Millis {
        seconds.saturating_mul(1000).saturating_add(self.shift).max(self.from)
    }
}

/// The log of a run, and how to mask secrets in it.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub files: &'a RunFiles,
    pub reach: &'a Reach,
    pub logfile: &'a Path,
    pub masking: Masking,
}

/// Reads descriptions from a log, usually several per piece.
struct Texts<'a> {
    source: Source<'a>,
    from: u64,
    bytes: Vec<u8>,
}

impl Texts<'_> {
    /// A description that is still `open` is cut off.
    async fn describe(&mut self, at: u64) -> Option<Description> {
        let is_held = at >= self.from && at - self.from + (SHORT as u64) < self.bytes.len() as u64;
        if !is_held {
            self.read(at).await?;
        }
        let description = self.parsed(at, SHORT)?;
        if !description.open {
            return Some(description);
        }
        // It is a long description, or the last of the log.
        if self.from != at {
            self.read(at).await?;
        }
        let is_last = self.bytes.len() < PIECE;
        let description = if is_last {
            self.parsed(at, PIECE)?
        } else {
            // Do not cut a path in half.
            let whole = self.bytes.iter().rposition(|byte| matches!(byte, b'\n' | b','));
            self.parsed(at, whole.unwrap_or(PIECE))?
        };
        Some(Description { open: description.open && !is_last, ..description })
    }

    async fn read(&mut self, at: u64) -> Option<()> {
        let Source { files, reach, logfile, .. } = self.source;
        let window = files.slice(reach, logfile, ByteRange::From(at, PIECE)).await.ok()?;
        (self.from, self.bytes) = (at, window.bytes);
        Some(())
    }

    /// Parses a description at `at` from at most `most` bytes of the buffer.
    fn parsed(&self, at: u64, most: usize) -> Option<Description> {
        let start = usize::try_from(at.checked_sub(self.from)?).ok()?;
        let part = self.bytes.get(start..)?;
        Some(run_jobs::describe(&self.source.masking.bytes(&part[..part.len().min(most)])))
    }
}

const fn job_status(end: End) -> JobStatus {
    match end {
        End::Done => JobStatus::Success,
        End::Failed => JobStatus::Failed,
        End::Cancelled => JobStatus::Cancelled,
    }
}

const fn run_status(end: End) -> RunStatus {
    match end {
        End::Done => RunStatus::Success,
        End::Failed => RunStatus::Failed,
        End::Cancelled => RunStatus::Cancelled,
    }
}

/// `rule` is the rule's name if only the end of the job names it.
fn job_info(job_id: i64, description: Description, rule: Option<&str>) -> JobInfo {
    let number = |text: String| text.parse::<i64>().map_or(Value::String(text), Value::from);
    JobInfo {
        job_id,
        rule: description.rule.or_else(|| rule.filter(|rule| !rule.is_empty()).map(str::to_owned)),
        threads: description.threads,
        wildcards: description.wildcards.into_iter().map(|(name, value)| (name, Value::String(value))).collect(),
        resources: description.resources.into_iter().map(|(name, value)| (name, number(value))).collect(),
        reason: description.reason,
        message: description.message,
        shell_command: description.shell_command,
        files: JobFiles { input: description.input, output: description.output, log: description.log, benchmark: description.benchmark },
        checkpoint: description.checkpoint,
        ..JobInfo::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use peek::run_jobs::RunJobsReader;

    fn log() -> RunJobs {
        let mut reader = RunJobsReader::new();
        reader.feed(
            b"  Date: 2026-11-29 21:00:00\n[Sun Nov 29 21:00:01 2026]\nrule a:\n    jobid: 1\n[Sun Nov 29 21:00:02 2026]\n\
              Finished jobid: 1 (Rule: a)\n[Sun Nov 29 21:00:03 2026]\nrule b:\n    jobid: 2\n",
        );
        reader.found().clone()
    }

    fn known(job_id: i64, informed: bool, status: JobStatus) -> Known {
        Known { job_id, attempt: 1, informed, status, guessed: status == JobStatus::Lost }
    }

    fn asked(known: &[Known], is_over: bool, end: Option<RunStatus>) -> Vec<(i64, bool)> {
        wanted(&log(), known, is_over, end).iter().map(|one| (one.job, one.describe)).collect()
    }

    #[test]
    fn only_what_is_not_known_is_wanted() {
        use JobStatus::{Lost, Running, Success};
        assert_eq!(asked(&[], true, None), [(1, true), (2, true)], "nothing is known");
        assert_eq!(asked(&[], false, None), [], "reports may come yet");
        assert_eq!(asked(&[known(1, true, Success), known(2, true, Lost)], true, None), [], "nor does the log know");
        assert_eq!(asked(&[known(1, true, Lost), known(2, true, Lost)], true, None), [(1, false)]);
        assert_eq!(asked(&[known(1, false, Success), known(2, true, Running)], false, None), [(1, true)]);
        assert_eq!(asked(&[known(1, true, Success), known(2, true, Lost)], true, Some(RunStatus::Cancelled)), [(2, false)]);
    }

    #[test]
    fn times_of_the_log_become_ours() {
        const NINE: Millis = 1_795_986_000_000; // 2026-11-29 21:00:00 UTC
        let run = |started_at, started| Run { status: RunStatus::Success, started_at: Some(started_at), started, nameless: false };
        // The host is two hours east of us and its clock is 40 s fast; the start was reported when it happened.
        let clock = Clock::new(&log(), &run(NINE - 7_240_000, true)).expect("a clock");
        assert_eq!(clock.time(NINE / 1000 + 5), NINE - 7_240_000 + 5_000);
        // The start was not reported, and the first report came a minute later.
        let clock = Clock::new(&log(), &run(NINE - 7_140_000, false)).expect("a clock");
        assert_eq!(clock.time(NINE / 1000 + 5), NINE - 7_200_000 + 5_000);
        assert_eq!(clock.time(0), NINE - 7_200_000, "not before the run");
    }
}
