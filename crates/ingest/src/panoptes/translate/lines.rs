//! Parses log lines: finds the facts in their words.

use super::{CLASS, cut};
use model::event::{Event, JobUpdate, LastWord};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Why a run ends before it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Its user stopped it.
    ByUser,
    /// The system asked it to end, or it gives up after a failure.
    Other,
}

/// Whether a line says that the run is stopping, and why.
pub(super) fn stop(said: &str) -> Option<Stop> {
    let says = |words: &str| said.starts_with(words);
    if says("Terminating processes on user request") {
        return Some(Stop::ByUser);
    }
    says("Will exit after finishing currently running jobs").then_some(Stop::Other)
}

/// What a command line shows about its client's messages.
///
/// These are only hints: the arguments were joined without quotes, so a word that looks like an option may be part of an option's value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hints {
    /// There is a command line; the oldest clients send none.
    #[serde(default)]
    pub known: bool,
    /// The client says little: it reports failed jobs but no other ends, and of a dry run only how many jobs there would be.
    pub quiet: bool,
    /// The client executes nothing.
    pub dry: bool,
    /// The client only queries the workflow, draws it, or cleans up after it: it has no jobs, not even planned ones.
    #[serde(default)]
    pub asks: bool,
}

/// Options with which Snakemake 5.27 to 8 ends without announcing or executing a job, each also as `--option=value`.
///
/// Their short forms are left out: batch systems use the same ones, and in the line the words of `--cluster "qsub -l
/// …"` look like options.
const QUESTIONS: &[&str] = &[
    "--summary",
    "--detailed-summary",
    "--dag",
    "--rulegraph",
    "--filegraph",
    "--d3dag",
    "--list",
    "--list-rules",
    "--list-target-rules",
    "--lt",
    "--list-untracked",
    "--lu",
    "--list-changes",
    "--list-version-changes",
    "--lv",
    "--list-code-changes",
    "--lc",
    "--list-input-changes",
    "--li",
    "--list-params-changes",
    "--lp",
    "--list-conda-envs",
    "--lint",
    "--report",
    "--archive",
    "--unlock",
    "--cleanup-metadata",
    "--cm",
    "--cleanup-shadow",
    "--cleanup-containers",
    "--conda-cleanup-envs",
    "--delete-all-output",
    "--delete-temp-output",
    "--export-cwl",
    "--containerize",
    "--print-compilation",
    "--conda-create-envs-only",
    "--create-envs-only",
    "--generate-unit-tests",
];

impl Hints {
    pub fn of(command: &str) -> Self {
        let flags = |word: &str, letter: char| {
            let letters = word.strip_prefix('-').unwrap_or("");
            letters.contains(letter) && letters.chars().all(|letter| "npqrkFR".contains(letter))
        };
        let has = |letter, names: &[&str]| command.split_whitespace().any(|word| names.contains(&word) || flags(word, letter));
        let says_what = command.split_whitespace().any(|word| word.starts_with("--quiet="));
        let asks = command.split_whitespace().any(|word| QUESTIONS.contains(&word.split_once('=').map_or(word, |(option, _)| option)));
        Self { known: true, quiet: says_what || has('q', &["--quiet"]), dry: has('n', &["--dry-run", "--dryrun"]), asks }
    }
}

/// The event of a log line. `stops`: why the run was already stopping, if it was. `quiet`: the client does not report
/// the ends of jobs that succeed.
pub(super) fn info(said: &str, stops: Option<Stop>, quiet: bool) -> Event {
    if said.starts_with("Nothing to be done") {
        return Event::NothingToDo;
    }
    if said.starts_with("This was a dry-run") {
        return Event::WasDryRun;
    }
    if let Some(path) = said.strip_prefix("Complete log: ").or_else(|| said.strip_prefix("Complete log(s): ")) {
        let end = match stops {
            Some(Stop::ByUser) => LastWord::Cancelled,
            Some(Stop::Other) => LastWord::Failed,
            None if quiet => LastWord::Done,
            None => LastWord::DoneIfIdle,
        };
        return Event::Said { level: "info", message: said.to_owned(), logfile: Some(path.trim().to_owned()), end: Some(end) };
    }
    submitted(said).unwrap_or_else(|| words("info", said))
}

/// An event with nothing but a message.
pub(super) fn words(level: &'static str, message: &str) -> Event {
    Event::Said { level, message: message.to_owned(), logfile: None, end: None }
}

/// `… returned non-zero exit status 7.`, or `… died with <Signals.SIGINT: 2>.`, which is -2.
pub(super) fn exit_code(text: &str) -> Option<i32> {
    let number = |after: &str| after[..after.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(after.len())].parse::<i32>().ok();
    if let Some(after) = text.split("non-zero exit status ").nth(1) {
        return number(after);
    }
    let (_, signal) = text.split(" died with <Signals.").nth(1)?.split_once(": ")?;
    number(signal)?.checked_neg()
}

/// `CalledProcessError in file /a/Snakefile, line 7:`, or `… in line 7 of /a/Snakefile:`
pub(super) fn location(text: &str) -> Option<String> {
    let line = text.lines().next()?.trim().trim_end_matches(':');
    let at = line.find(" in file ").map(|at| at + " in file ".len()).or_else(|| line.find(" in line ").map(|at| at + " in ".len()))?;
    Some(cut(&line[at..], CLASS))
}

/// `Submitted job 3 with external jobid '4711'.`
fn submitted(text: &str) -> Option<Event> {
    let (job, rest) = text.strip_prefix("Submitted job ")?.split_once(" with external jobid '")?;
    let (external, _) = rest.rsplit_once('\'')?;
    let update = JobUpdate { external_id: Some(external.to_owned()), ..JobUpdate::default() };
    Some(Event::JobUpdated { job_id: job.parse().ok()?, update: Box::new(update) })
}

/// Parses the table of jobs by rule, in the older form (count first) or the newer one (rule first).
pub(super) fn planned(text: &str) -> Option<Event> {
    let mut lines = text.lines();
    let head = lines.next()?;
    let is_old = head.starts_with("Job counts");
    if !is_old && !head.starts_with("Job stats") {
        return None;
    }
    let (mut per_rule, mut total) = (BTreeMap::new(), None);
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        let count = |word: &str| word.parse().ok().filter(|count: &i32| *count >= 0);
        match words.as_slice() {
            [sum] if is_old => total = count(sum),
            [jobs, rule] if is_old => per_rule.extend(count(jobs).map(|count| ((*rule).to_owned(), count))),
            ["total", sum, ..] => {
                // The last such line is the sum; an earlier one is a rule named `total`.
                let rule = std::mem::replace(&mut total, count(sum));
                per_rule.extend(rule.map(|count| ("total".to_owned(), count)));
            }
            [rule, jobs, ..] if !is_old => per_rule.extend(count(jobs).map(|count| ((*rule).to_owned(), count))),
            _ => {}
        }
    }
    let sum = per_rule.values().fold(0, |sum: i32, count| sum.saturating_add(*count));
    (sum > 0).then(|| Event::Planned { total: total.unwrap_or(sum).max(0), per_rule })
}
