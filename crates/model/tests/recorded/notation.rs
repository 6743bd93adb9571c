//! Events as text, one line each: the milliseconds since the client began, and what happened. No times of day.
//!
//! Only what affects a state is written: for a description, its rule; for a message, only that there was one. The
//! recorded conversations beside this file are in this notation. `ingest` includes this file to write them.

use model::{
    JobStatus, Millis,
    event::{Event, JobInfo, JobUpdate, LastWord, RunStart},
    run::ReportedError,
};
use serde_json::Value;
use std::{fmt::Display, sync::Arc};

const LAST_WORDS: [(&str, LastWord); 4] = [
    ("last=done", LastWord::Done),
    ("last=done-if-idle", LastWord::DoneIfIdle),
    ("last=failed", LastWord::Failed),
    ("last=cancelled", LastWord::Cancelled),
];

/// An event as a line.
pub fn write(at: Millis, event: &Event) -> String {
    let mut words = match event {
        Event::RunStarted(start) => vec![flag("start", true), flag("dry", start.dry_run), flag("heartbeats", start.heartbeats)],
        Event::RuleGraph(_) => vec!["graph".to_owned()],
        Event::Planned { per_rule, total } => {
            let rules = per_rule.iter().map(|(rule, count)| format!("{rule}={count}"));
            std::iter::once(format!("plan {total}")).chain(rules).collect()
        }
        Event::JobsStarted(ids) => std::iter::once("begin".to_owned()).chain(ids.iter().map(i64::to_string)).collect(),
        Event::JobInfo(info) => vec![format!("info {}", info.job_id), pair("rule", info.rule.as_ref()), flag("planned", info.planned)],
        Event::JobEnded { job_id, status } => vec![format!("end {job_id} {status}")],
        Event::JobFailed { job_id, update } => vec![format!("fail {job_id}"), update_words(update)],
        Event::JobUpdated { job_id, update } => vec![format!("told {job_id}"), update_words(update)],
        Event::Progress { done, total } => vec![format!("progress {done} {total}")],
        Event::Error(error) => vec![format!("error {}", Value::from(error.text()))],
        Event::Fatal { error, idle: false } => vec![format!("fatal {}", Value::from(error.text()))],
        Event::Fatal { error, idle: true } => vec![format!("fatal-if-idle {}", Value::from(error.text()))],
        Event::WasDryRun => vec!["dry".to_owned()],
        Event::NothingToDo => vec!["nothing".to_owned()],
        Event::Said { logfile, end, .. } => {
            let last = LAST_WORDS.into_iter().find(|(_, word)| Some(*word) == *end).map_or("", |(word, _)| word);
            vec!["said".to_owned(), flag("log", logfile.is_some()), last.to_owned()]
        }
        Event::Seen => vec!["seen".to_owned()],
        Event::Heartbeat => vec!["heartbeat".to_owned()],
        Event::Closed => vec!["close".to_owned()],
        Event::Other => vec!["other".to_owned()],
    };
    words.retain(|word| !word.is_empty());
    format!("{at:>6} {}", words.join(" "))
}

fn flag(word: &str, is: bool) -> String {
    if is { word.to_owned() } else { String::new() }
}

fn pair(name: &str, value: Option<impl Display>) -> String {
    value.map_or_else(String::new, |value| format!("{name}={value}"))
}

fn update_words(update: &JobUpdate) -> String {
    let mut words = vec![pair("rule", update.rule.as_ref()), pair("external", update.external_id.as_ref()), pair("exit", update.exit_code)];
    words.retain(|word| !word.is_empty());
    words.join(" ")
}

/// The event of a line, with its time.
///
/// # Panics
/// If the line is not in this notation.
pub fn read(line: &str) -> (Millis, Event) {
    let (at, what) = line.trim_start().split_once(' ').unwrap_or_else(|| panic!("no time and event: {line}"));
    let (name, rest) = what.split_once(' ').unwrap_or((what, ""));
    let words: Vec<&str> = rest.split_whitespace().collect();
    let number = |at: usize| words[at].parse::<i64>().unwrap_or_else(|_| panic!("no number: {line}"));
    let has = |word: &str| words.contains(&word);
    let value = |name: &str| words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned);
    let update = || {
        let exit_code = value("exit").and_then(|code| code.parse().ok());
        Box::new(JobUpdate { rule: value("rule"), external_id: value("external"), exit_code, ..JobUpdate::default() })
    };
    let error = || ReportedError { exception: serde_json::from_str(rest).expect("a quoted text"), ..ReportedError::at(0) };
    let event = match name {
        "start" => Event::RunStarted(Arc::new(RunStart { dry_run: has("dry"), heartbeats: has("heartbeats"), ..RunStart::default() })),
        "graph" => Event::RuleGraph(Arc::default()),
        "plan" => {
            let rules = words.iter().filter_map(|word| word.split_once('='));
            let per_rule = rules.map(|(rule, count)| (rule.to_owned(), count.parse().expect("a count"))).collect();
            Event::Planned { per_rule, total: number(0) as i32 }
        }
        "begin" => Event::JobsStarted((0..words.len()).map(number).collect()),
        "info" => {
            Event::JobInfo(Arc::new(JobInfo { job_id: number(0), rule: value("rule"), planned: has("planned"), ..JobInfo::default() }))
        }
        "end" => Event::JobEnded { job_id: number(0), status: words[1].parse::<JobStatus>().expect("a status") },
        "fail" => Event::JobFailed { job_id: number(0), update: update() },
        "told" => Event::JobUpdated { job_id: number(0), update: update() },
        "progress" => Event::Progress { done: number(0) as i32, total: number(1) as i32 },
        "error" => Event::Error(error()),
        "fatal" => Event::Fatal { error: error(), idle: false },
        "fatal-if-idle" => Event::Fatal { error: error(), idle: true },
        "dry" => Event::WasDryRun,
        "nothing" => Event::NothingToDo,
        "said" => Event::Said {
            level: "info",
            message: "something".into(),
            logfile: has("log").then(|| "run.log".into()),
            end: LAST_WORDS.into_iter().find(|(word, _)| has(word)).map(|(_, word)| word),
        },
        "seen" => Event::Seen,
        "heartbeat" => Event::Heartbeat,
        "close" => Event::Closed,
        "other" => Event::Other,
        _ => panic!("no such event: {line}"),
    };
    (at.parse().expect("a time"), event)
}
