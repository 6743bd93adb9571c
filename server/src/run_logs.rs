//! Reads the logs of runs for what their reports do not contain: versions, the command, why jobs failed, groups and
//! cluster jobs. Reads only logs that the run's account may read: for the owner's runs, every log that the person who
//! started Flowo may read; for the runs of others, only logs below their roots. Reads each log once, as it grows.

mod fill;
mod left_out;

use ingest::mask::Masking;
use model::{
    RunId, UserId,
    access::{FileReader, Proof},
    file::NoFile,
    run::{LEFT_OUT, PrintedError},
};
use peek::{
    run_jobs::RunJobsReader,
    run_log::{Exception, RunLog, RunLogReader},
};
use read::files::{ByteRange, Reach, RunFiles};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
    time::Duration,
};
use store::{
    Loop, Store, StoreError,
    error::chain,
    run_logs::{self, Due, JobFacts, RunFacts},
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// A run in progress is compared with its log at every `COMPARE`th look.
const COMPARE: u32 = 4;
/// How often to look at the logs of runs that have ended, or whose newest report is an error: these logs explain why.
const LOOK: Duration = Duration::from_secs(1);
/// Every `ALL`th look covers the logs of all runs.
const ALL: u64 = 3;
/// Runs whose logs are read at the same time; the newest come first.
const RUNS: u32 = 200;
/// Bytes read of one log at a time, and of one log in total.
const PIECE: usize = 1 << 20;
const LOG: u64 = 64 << 20;

/// How much of a run's log was read, and what it contained.
#[derive(Default)]
struct Reading {
    at: u64,
    reader: RunLogReader,
    jobs: RunJobsReader,
    looks: u32,
    written: Option<RunLog>,
    /// Some of the content belongs to jobs that are not reported yet.
    waits: bool,
    /// The size of the log in bytes if it exceeds [`LOG`]; `cut_written` is whether that was written.
    cut: Option<u64>,
    cut_written: bool,
    /// Jobs whose descriptions are too long to be read whole.
    long: BTreeSet<i64>,
}

/// The readings of all runs.
#[derive(Default)]
struct Readings {
    by_run: HashMap<RunId, Reading>,
    /// Whether a warning was logged that more logs wait than [`RUNS`].
    crowded: bool,
}

/// Reads logs until cancelled.
pub async fn run(store: Store, files: RunFiles, owner: UserId, masking: Masking, cancel: CancellationToken) {
    let mut readings = Readings::default();
    let mut rounds = Loop::new("Reading logs of runs", LOOK, cancel);
    for look in 0_u64.. {
        if !rounds.next().await {
            return;
        }
        rounds.ended(once(&store, &files, (owner, masking), &mut readings, look.is_multiple_of(ALL)).await);
    }
}

async fn once(
    store: &Store,
    files: &RunFiles,
    (owner, masking): (UserId, Masking),
    Readings { by_run: readings, crowded }: &mut Readings,
    all: bool,
) -> Result<(), StoreError> {
    let mut due = run_logs::due(&mut *store.conn().await?, RUNS + 1).await?;
    if due.len() > RUNS as usize {
        due.truncate(RUNS as usize);
        if !std::mem::replace(crowded, true) {
            warn!("The logs of more than {RUNS} runs are to be read; those of the newest {RUNS} are, the others as these end");
        }
    }
    readings.retain(|run, _| due.iter().any(|due| due.id == run.0));
    for due in due.into_iter().filter(|due| all || due.troubled || due.ended) {
        let run = RunId(due.id);
        let reach = reach(&due, owner);
        let reading = readings.entry(run).or_default();
        let whole = files.shows(&reach) && read(files, &reach, &due, masking, reading).await;
        let over = due.ended && whole || !files.shows(&reach);
        // A log may explain a failure before the job is known to have failed; that part is written once the failure is known.
        let found = if over { std::mem::take(&mut reading.reader).finish() } else { reading.reader.found().clone() };
        let cut = reading.cut.is_some() != reading.cut_written;
        if reading.written.as_ref() != Some(&found) || cut || reading.waits || over && due.ended {
            match write(store, run, &found, reading).await {
                Ok(waits) => (reading.waits, reading.cut_written) = (waits, reading.cut.is_some()),
                Err(error) => {
                    readings.remove(&run); // The log is read from the start when the database is back.
                    return Err(error);
                }
            }
            reading.written = Some(found);
        }
        reading.looks = reading.looks.wrapping_add(1);
        if whole && (due.ended || reading.looks.is_multiple_of(COMPARE)) {
            let source = fill::Source { files, reach: &reach, logfile: Path::new(&due.logfile), masking };
            match fill::fill(store, source, run, reading.jobs.found()).await {
                Err(error) if error.is_unavailable() => {
                    readings.remove(&run);
                    return Err(error);
                }
                Err(error) => warn!(run.id = %run, error = chain(&error), "What was not reported could not be filled in"),
                Ok(long) if long.is_subset(&reading.long) => {}
                Ok(long) => {
                    reading.long.extend(long);
                    if let Some(found) = &reading.written
                        && let Err(error) = write(store, run, found, reading).await
                    {
                        readings.remove(&run);
                        return Err(error);
                    }
                }
            }
        }
        if over && due.ended {
            run_logs::done(&mut *store.conn().await?, run).await?;
            readings.remove(&run);
        }
    }
    Ok(())
}

/// Reads as the account of the run would, signed in. A run without an account is read as nobody, who has no roots of their own.
fn reach(due: &Due, owner: UserId) -> Reach {
    let run_of = due.user_id.map(UserId);
    let reader = FileReader { account: run_of.unwrap_or(UserId(0)), proof: Proof::Session, is_owner: run_of == Some(owner) };
    Reach::of(&reader, due.account.as_deref().unwrap_or_default(), run_of, due.directory.as_deref())
}

/// Returns whether part of the content waits for reports.
async fn write(store: &Store, run: RunId, found: &RunLog, reading: &Reading) -> Result<bool, StoreError> {
    let (mut facts, jobs) = as_facts(found);
    let attempts = reading.jobs.found().left_out;
    if let Some(left_out) = left_out::says(found, attempts, &reading.long, reading.cut.map(|size| (LOG, size))) {
        facts.environment.insert(LEFT_OUT, left_out);
    }
    let mut tx = store.begin().await?;
    let waits = run_logs::write(&mut tx, run, &facts, &jobs).await?;
    store::commit(tx).await?;
    Ok(waits)
}

/// Reads one more piece; returns whether there is no more for now.
async fn read(files: &RunFiles, reach: &Reach, due: &Due, masking: Masking, reading: &mut Reading) -> bool {
    if reading.at >= LOG {
        if let Ok(window) = files.slice(reach, Path::new(&due.logfile), ByteRange::From(reading.at, 1)).await {
            reading.cut = Some(window.facts.size).filter(|size| *size > reading.at);
        }
        return true;
    }
    match files.slice(reach, Path::new(&due.logfile), ByteRange::From(reading.at, PIECE)).await {
        Ok(window) => {
            if window.facts.size < reading.at {
                *reading = Reading::default(); // The file was replaced.
                return false;
            }
            // While more may follow, only whole lines are taken: masking recognises a secret by the text around it.
            let lines = window.bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
            let taken = if due.ended || (lines == 0 && window.bytes.len() >= PIECE) { window.bytes.len() } else { lines };
            let bytes = &window.bytes[..taken];
            reading.reader.feed(&masking.bytes(bytes));
            // This reader remembers positions in the file; what is read from there later is masked then.
            reading.jobs.feed(bytes);
            reading.at += taken as u64;
            reading.at >= window.facts.size
        }
        // The log may be readable next time.
        Err(NoFile::Busy | NoFile::Slow) => false,
        Err(_) => true,
    }
}

/// The content of a log in the form of the tables.
fn as_facts(log: &RunLog) -> (RunFacts, Vec<JobFacts>) {
    let environment = [
        ("Snakemake", &log.version),
        ("Python", &log.python),
        ("Platform", &log.platform),
        ("Account", &log.user),
        ("Began", &log.date),
        ("Cores", &log.cores),
        ("Nodes", &log.nodes),
        ("Resources", &log.resources),
        ("Shell", &log.shell),
        ("Configuration MD5", &log.config_md5),
        ("Snakemake's log", &log.own_log),
        ("Elapsed", &log.elapsed),
    ];
    let environment: BTreeMap<_, _> = environment.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect();
    let errors = log.exceptions.iter().map(printed).collect();
    let facts = RunFacts { host: log.host.clone(), command_line: log.command.clone(), environment, errors };
    let mut jobs = Jobs::new();
    for error in log.errors.iter().filter(|error| error.job.is_some() || error.before_start) {
        let facts = of(&mut jobs, error.job, error.attempt);
        (facts.failed, facts.silent, facts.exit) = (true, error.is_silent, error.exit_status);
        facts.rule.clone_from(&error.rule);
        facts.error.clone_from(&error.message);
    }
    for member in &log.groups {
        of(&mut jobs, Some(member.job), 1).group = Some(member.group.clone());
    }
    for submitted in &log.submitted {
        of(&mut jobs, Some(submitted.job), submitted.attempt).external = Some(submitted.external.clone());
    }
    (facts, jobs.into_values().collect())
}

/// Keyed by job and attempt.
type Jobs = BTreeMap<(Option<i64>, i32), JobFacts>;

fn of(jobs: &mut Jobs, job: Option<i64>, attempt: u32) -> &mut JobFacts {
    let attempt = i32::try_from(attempt).unwrap_or(i32::MAX);
    jobs.entry((job, attempt)).or_insert_with(|| JobFacts { job, attempt, ..JobFacts::default() })
}

fn printed(exception: &Exception) -> PrintedError {
    let Exception { class, rule, place, job, text } = exception.clone();
    PrintedError { exception: class, rule, location: place, job_id: job, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_becomes_rows_of_the_tables() {
        let mut reader = RunLogReader::new();
        reader.feed(b"host: node7\nProvided cores: 4\nSubmitted job 5 with external jobid '1003'.\n");
        let (facts, jobs) = as_facts(&reader.finish());
        assert_eq!(facts.host.as_deref(), Some("node7"));
        assert_eq!(facts.environment.get("Cores").map(String::as_str), Some("4"));
        assert_eq!(jobs, [JobFacts { job: Some(5), attempt: 1, external: Some("1003".into()), ..JobFacts::default() }]);
    }
}
