//! The recorded conversations of real clients as sequences of events, and the state to which each must lead.
//!
//! `<recording>.events` is what `ingest` makes of a recording (it compares them with the recordings), in the notation
//! of `notation.rs`. `<recording>.end` is the end state as [`end`] writes it. Times are milliseconds since the client began.
#![forbid(unsafe_code)]

mod notation;
mod stored;

use model::{
    JobStatus, Millis, RunId,
    event::Event,
    fold::{JobState, RunFold, RunState},
    job::Filled,
};
use proptest::prelude::*;
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};
use stored::{Stored, in_state};
use uuid::Uuid;

/// One recorded conversation.
struct Recording {
    /// Client and name, such as `flowo/2.2.0/ok`.
    name: String,
    events: Vec<(Millis, Event)>,
    /// What it must lead to.
    end: String,
}

fn recordings() -> &'static [Recording] {
    static ALL: LazyLock<Vec<Recording>> = LazyLock::new(read);
    &ALL
}

fn read() -> Vec<Recording> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded");
    let mut found = Vec::new();
    let mut dirs = vec![root.clone()];
    while let Some(dir) = dirs.pop() {
        let paths: Vec<PathBuf> = fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path()).collect();
        dirs.extend(paths.iter().filter(|path| path.is_dir()).cloned());
        for path in paths.into_iter().filter(|path| path.extension().is_some_and(|end| end == "events")) {
            let name = path.strip_prefix(&root).expect("below the root").with_extension("").display().to_string();
            let text = fs::read_to_string(&path).expect("events");
            let end = fs::read_to_string(path.with_extension("end")).unwrap_or_else(|_| panic!("{name} has no end"));
            found.push(Recording { name, events: text.lines().map(notation::read).collect(), end });
        }
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    found
}

fn unknown() -> RunState {
    RunState::unknown(RunId(Uuid::nil()), 0)
}

fn folded<'a>(events: impl IntoIterator<Item = &'a (Millis, Event)>) -> RunFold {
    let mut fold = RunFold::new(unknown());
    for (at, event) in events {
        fold.apply(event.clone(), *at);
    }
    fold
}

/// The state of a run and of all attempts of its jobs as text, without the jobs' descriptions.
fn end<'a>(run: &RunState, jobs: impl IntoIterator<Item = (i64, &'a [JobState])>) -> String {
    let jobs: BTreeMap<i64, &[JobState]> = jobs.into_iter().collect();
    let time = |at: Option<Millis>| at.map_or_else(|| "?".to_owned(), |at| at.to_string());
    let mut text = format!("run {} at {}, last seen {}", run.status, time(run.ended_at), run.last_seen_at);
    for (is, word) in [(run.closed, "closed"), (run.dry_run, "dry"), (run.heartbeats, "heartbeats"), (run.logfile.is_some(), "log")] {
        if is {
            let _ = write!(text, ", {word}");
        }
    }
    text.push('\n');
    if let Some((per_rule, total)) = &run.planned {
        let _ = write!(text, "planned {total}");
        for (rule, count) in per_rule {
            let _ = write!(text, ", {count} {rule}");
        }
        text.push('\n');
    }
    if let Some((done, total)) = run.progress {
        let _ = writeln!(text, "client counts {done} of {total}");
    }
    for error in &run.new_errors {
        let _ = writeln!(text, "error {:?}", error.exception.lines().next().unwrap_or(""));
    }
    for status in JobStatus::ALL {
        let count = in_state(jobs.values().copied(), *status);
        if count > 0 {
            let _ = writeln!(text, "{count} {status}");
        }
    }
    for (id, attempts) in jobs {
        let _ = write!(text, "job {id} {}:", attempts.last().and_then(|job| job.rule.as_deref()).unwrap_or("?"));
        for job in attempts {
            let _ = write!(text, " {} {}-{}", job.status, time(job.started_at), time(job.ended_at));
            text += &job.update.exit_code.map_or_else(String::new, |code| format!(" exit {code}"));
            text += &job.update.external_id.as_ref().map_or_else(String::new, |id| format!(" external {id}"));
            text += if job.filled == Some(Filled::Close) { " assumed" } else { "" };
            text += if job.informed { "" } else { " not described" };
        }
        text.push('\n');
    }
    text
}

fn end_of(fold: &RunFold) -> String {
    end(&fold.run, fold.jobs.iter().map(|(id, attempts)| (*id, attempts.as_slice())))
}

#[test]
fn every_recorded_conversation_leads_to_its_end() {
    let all = recordings();
    assert!(all.len() >= 56, "only {} recordings", all.len());
    for Recording { name, events, end } in all {
        let fold = folded(events);

        assert_eq!(end_of(&fold), *end, "{name}");
        let failed = in_state(fold.jobs.values().map(Vec::as_slice), JobStatus::Failed);
        assert_eq!(fold.run.failed as usize, failed, "{name}: the failed jobs as the fold counts them");
        for attempts in fold.jobs.values() {
            assert!(attempts.iter().map(|job| job.attempt).eq(1..=attempts.len() as i32), "{name}: attempts are numbered from 1");
        }
    }
}

#[test]
fn the_notation_loses_nothing_that_it_writes() {
    for Recording { name, events, .. } in recordings() {
        for (at, event) in events {
            let line = notation::write(*at, event);
            assert_eq!(notation::read(&line), (*at, event.clone()), "{name}: {line}");
        }
    }
}

#[test]
fn every_recorded_event_that_arrives_twice_in_a_row_changes_nothing() {
    for Recording { name, events, end } in recordings() {
        let twice = events.iter().flat_map(|event| [event, event]);

        assert_eq!(end_of(&folded(twice)), *end, "{name}");
    }
}

#[test]
fn a_run_whose_first_report_was_lost_ends_the_same() {
    for name in ["flowo/2.2.0/lost_start", "flowo/2.2.0/lost_start_recovered"] {
        let recording = recordings().iter().find(|recording| recording.name == name).expect("the recording");

        let fold = folded(&recording.events[1..]);

        assert_eq!(end_of(&fold), recording.end.replace(", heartbeats", ""), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Writers load a run, apply some reports and write it back. Where they divide the reports must not matter.
    #[test]
    fn a_conversation_divided_into_any_batches_leads_to_the_same_end(cuts in proptest::collection::vec(any::<bool>(), 64)) {
        for Recording { name, events, end: wanted } in recordings() {
            let mut stored = Stored::new(unknown());
            let mut batch = Vec::new();
            for (event, cut) in events.iter().zip(cuts.iter().cycle()) {
                batch.push(event.clone());
                // As in the store, nothing about jobs follows a possible end in the same batch.
                if *cut || event.1.may_close() {
                    stored.apply(std::mem::take(&mut batch));
                }
            }
            stored.apply(batch);

            let jobs = stored.jobs.iter().map(|(id, attempts)| (*id, attempts.as_slice()));
            prop_assert_eq!(&end(&stored.run, jobs), wanted, "{}", name);
        }
    }
}
