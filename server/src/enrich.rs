//! Reads the logs of runs for what their reports do not tell: versions, the command, why jobs failed, groups and
//! cluster jobs. Only logs that whoever started the run could read here; each once, as it grows.

use crate::files::Gate;
use app::state::{Part, Reach};
use model::{RunId, file::NoFile};
use peek::run_log::{RunLog, RunLogReader};
use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    time::Duration,
};
use store::{
    Store, StoreError,
    error::chain,
    run_logs::{self, Due, JobFacts, RunFacts},
};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// How often logs are looked at.
const LOOK: Duration = Duration::from_secs(3);
/// Runs whose logs are read at the same time.
const RUNS: u32 = 200;
/// Bytes read of one log at a time, and of one log at all.
const PIECE: usize = 1 << 20;
const LOG: u64 = 64 << 20;

/// How far the log of a run was read, and what it said.
#[derive(Default)]
struct Reading {
    at: u64,
    reader: RunLogReader,
    written: Option<RunLog>,
}

/// Reads until cancelled.
pub async fn run(store: Store, gate: Gate, cancel: CancellationToken) {
    let mut readings = HashMap::new();
    let mut tick = interval(LOOK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            _ = tick.tick() => {}
        }
        if let Err(error) = once(&store, &gate, &mut readings).await {
            warn!(error = chain(&error), "Reading logs of runs failed; trying again in {LOOK:?}");
        }
    }
}

async fn once(store: &Store, gate: &Gate, readings: &mut HashMap<RunId, Reading>) -> Result<(), StoreError> {
    let due = run_logs::due(&mut *store.conn().await?, RUNS).await?;
    readings.retain(|run, _| due.iter().any(|due| due.id == run.0));
    for due in due {
        let run = RunId(due.id);
        let reach = Reach { directory: due.directory.clone().map(PathBuf::from), owner: due.owner, beneath: false };
        let reading = readings.entry(run).or_default();
        let whole = gate.shows(&reach) && read(gate, &reach, &due, reading).await;
        let over = due.ended && whole || !gate.shows(&reach);
        // What a log told before its job was known to have failed is written when that is known.
        let found = if over { std::mem::take(&mut reading.reader).finish() } else { reading.reader.found().clone() };
        if reading.written.as_ref() != Some(&found) || !found.errors.is_empty() {
            if let Err(error) = write(store, run, &found).await {
                readings.remove(&run); // Read from the start when the database is there again.
                return Err(error);
            }
            reading.written = Some(found);
        }
        if over && due.ended {
            run_logs::done(&mut *store.conn().await?, run).await?;
            readings.remove(&run);
        }
    }
    Ok(())
}

async fn write(store: &Store, run: RunId, found: &RunLog) -> Result<(), StoreError> {
    let (facts, jobs) = told(found);
    let mut tx = store.begin().await?;
    run_logs::write(&mut tx, run, &facts, &jobs).await?;
    store::commit(tx).await
}

/// Reads on, a piece; whether there is no more for now.
async fn read(gate: &Gate, reach: &Reach, due: &Due, reading: &mut Reading) -> bool {
    if reading.at >= LOG {
        return true;
    }
    match gate.window(reach, Path::new(&due.logfile), Part::From(reading.at, PIECE)).await {
        Ok(window) => {
            if window.facts.size < reading.at {
                *reading = Reading::default(); // Another file by now.
                return false;
            }
            reading.reader.feed(&window.bytes);
            reading.at += window.bytes.len() as u64;
            reading.at >= window.facts.size
        }
        // They may answer next time.
        Err(NoFile::Busy | NoFile::Slow) => false,
        Err(_) => true,
    }
}

/// What a log says, in the words of the tables.
fn told(log: &RunLog) -> (RunFacts, Vec<JobFacts>) {
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
    let environment = environment.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect();
    let facts = RunFacts { host: log.host.clone(), command_line: log.command.clone(), environment, failure: log.failure.clone() };
    let mut jobs: BTreeMap<i64, JobFacts> = BTreeMap::new();
    let entry = |job: i64| JobFacts { job, ..JobFacts::default() };
    for error in &log.errors {
        if let Some(job) = error.job {
            let facts = jobs.entry(job).or_insert_with(|| entry(job));
            facts.exit = error.exit_status;
            facts.error.clone_from(&error.message);
        }
    }
    for member in &log.groups {
        jobs.entry(member.job).or_insert_with(|| entry(member.job)).group = Some(member.group.clone());
    }
    for submitted in &log.submitted {
        jobs.entry(submitted.job).or_insert_with(|| entry(submitted.job)).external = Some(submitted.external.clone());
    }
    (facts, jobs.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_told_in_the_words_of_the_tables() {
        let mut reader = RunLogReader::new();
        reader.feed(b"host: node7\nProvided cores: 4\nSubmitted job 5 with external jobid '1003'.\n");
        let (facts, jobs) = told(&reader.finish());
        assert_eq!(facts.host.as_deref(), Some("node7"));
        assert_eq!(facts.environment.get("Cores").map(String::as_str), Some("4"));
        assert_eq!(jobs, [JobFacts { job: 5, external: Some("1003".into()), ..JobFacts::default() }]);
    }
}
