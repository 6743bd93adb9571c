//! Checks that the recorded conversations of real clients still translate to the events that the tests of `model` use.
//!
//! `model` cannot translate. It therefore keeps the translated events, in `crates/model/tests/recorded`. These tests
//! compare them with what the recordings translate to now, and the states that they lead to with `expected.json`.
//! Where the translation changed on purpose, the tests write the events anew if `FLOWO_WRITE_EVENTS` is set.

#[path = "../../model/tests/recorded/notation.rs"]
mod notation;

use crate::flowo::{translate::translate, wire};
use model::{
    JobStatus, Millis, RunId, RunStatus,
    event::Event,
    fold::{RunFold, RunState},
};
use serde_json::Value;
use std::{
    env, fs,
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// The events of one run, each with its time.
pub(crate) type Events = Vec<(Millis, Event)>;

fn crates() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the directory of the crates")
}

fn recordings(client: &str) -> PathBuf {
    crates().with_file_name("server").join("tests/data/recordings").join(client)
}

/// What the runs of every recording of a client must end in, by recording.
pub(crate) fn expected(client: &str) -> Vec<(String, Value)> {
    let text = fs::read_to_string(recordings(client).join("expected.json")).expect("expected.json");
    let all: serde_json::Map<String, Value> = serde_json::from_str(&text).expect("JSON");
    all.into_iter().collect()
}

/// The lines of a recording.
pub(crate) fn lines(client: &str, name: &str) -> Vec<Value> {
    let text = fs::read_to_string(recordings(client).join(format!("{name}.jsonl"))).expect("a recording");
    text.lines().map(|line| serde_json::from_str(line).expect("a recorded line")).collect()
}

/// When a line arrived, in milliseconds since the client began.
pub(crate) fn time(line: &Value) -> Millis {
    line["at_ms"].as_i64().expect("a time")
}

/// Compares the translated events of a run with the kept ones; returns the state to which the kept ones lead.
pub(crate) fn kept(client: &str, run: &str, events: &Events) -> RunFold {
    let path = crates().join("model/tests/recorded").join(client).join(format!("{run}.events"));
    let translated: String = events.iter().map(|(at, event)| notation::write(*at, event) + "\n").collect();
    if env::var_os("FLOWO_WRITE_EVENTS").is_some() {
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(&path, &translated).expect("a file");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let differ = translated
        .lines()
        .zip(kept.lines())
        .position(|(translated, kept)| translated != kept)
        .unwrap_or(translated.lines().count().min(kept.lines().count()));
    assert_eq!(
        translated.lines().nth(differ),
        kept.lines().nth(differ),
        "{client}/{run}: line {} of {} is no longer what the recording means; FLOWO_WRITE_EVENTS=1 writes it anew",
        differ + 1,
        path.display()
    );
    let mut fold = RunFold::new(RunState::unknown(RunId(Uuid::nil()), 0));
    for (at, event) in kept.lines().map(notation::read) {
        fold.apply(event, at);
    }
    fold
}

/// Compares the state of a run, and the states of all attempts of its jobs, with the expected ones, each in our words.
pub(crate) fn compare(name: &str, fold: &RunFold, status: RunStatus, jobs: &[(i64, Vec<JobStatus>)]) {
    let mut shown: Vec<(i64, Vec<JobStatus>)> =
        fold.jobs.iter().map(|(id, attempts)| (*id, attempts.iter().map(|job| job.status).collect())).collect();
    shown.sort();
    let mut wanted = jobs.to_vec();
    wanted.sort();
    assert_eq!((fold.run.status, shown), (status, wanted), "{name}");
}

/// The jobs of an expectation with the states of their attempts, given our word for each recorded one.
pub(crate) fn jobs(wanted: &Value, state: &str, word: fn(&str) -> JobStatus) -> Vec<(i64, Vec<JobStatus>)> {
    let jobs = wanted["jobs"].as_object().expect("jobs");
    let of = |job: &Value| {
        let states: Vec<&str> = job["attempt_states"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if states.is_empty() { vec![word(job[state].as_str().expect("a state"))] } else { states.into_iter().map(word).collect() }
    };
    jobs.iter().map(|(id, job)| (id.parse().expect("a number"), of(job))).collect()
}

/// What the lines of a recording mean.
fn translated(lines: &[Value]) -> Events {
    let event = |line: &Value| match line["path"].as_str().and_then(|path| path.rsplit('/').next()) {
        Some("heartbeat") => Event::Heartbeat,
        Some("close") => Event::Closed,
        _ => {
            let body = line["body"].to_string();
            let envelope: wire::Envelope<'_> = serde_json::from_str(&body).expect("an envelope");
            let translated = translate(envelope, time(line)).expect("a run");
            assert_eq!(translated.quarantine, None);
            translated.report.event
        }
    };
    lines.iter().map(|line| (time(line), event(line))).collect()
}

#[test]
fn the_events_of_every_conversation_of_the_plugin_are_the_kept_ones() {
    let run_word = |word: &str| match word {
        "RUNNING" => RunStatus::Running,
        "SUCCESS" => RunStatus::Success,
        "ERROR" => RunStatus::Failed,
        other => panic!("no word for {other}"),
    };
    let job_word = |word: &str| match word {
        "WAITING" => JobStatus::Waiting,
        "RUNNING" => JobStatus::Running,
        "SUCCESS" => JobStatus::Success,
        "ERROR" => JobStatus::Failed,
        "UNKNOWN" => JobStatus::Lost,
        other => panic!("no word for {other}"),
    };
    for client in ["flowo/2.2.0", "flowo/2.1.1"] {
        for (name, wanted) in expected(client) {
            let fold = kept(client, &name, &translated(&lines(client, &name)));

            let status = run_word(wanted["run"]["state"].as_str().expect("a state"));
            compare(&name, &fold, status, &jobs(&wanted, "state", job_word));
        }
    }
}
