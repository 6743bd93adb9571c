//! Which jobs have begun according to a run's log, how often, and which of them an error may belong to.
//!
//! Tracks jobs that have not succeeded: a job that has succeeded cannot begin again. Bounded; further jobs are not tracked.

use super::words::{cut, is_same, words};
use std::collections::HashMap;
use uuid::Uuid;

/// How many jobs are tracked at a time; and how many bytes are kept of a job's input and output files and of the end of its command.
const FOLLOWED: usize = 20_000;
const FILES: usize = 1024;
const COMMAND: usize = 512;

/// The job's description when its current attempt began.
#[derive(Debug, Default)]
struct Open {
    /// `None` for a rule with a `message:`, which the log prints instead.
    rule: Option<String>,
    /// As printed, joined by `, `.
    output: String,
    input: String,
    /// The end of the command, normalized by [`words`]. Empty for scripts, notebooks and `run:`.
    command: String,
}

#[derive(Debug, Default)]
struct Known {
    attempt: u32,
    /// The log announced a retry; the new attempt is already counted.
    again: bool,
    /// `None` once the attempt has failed.
    open: Option<Open>,
}

/// The jobs of one log.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    known: HashMap<i64, Known>,
    /// The job that was described last: its command comes next.
    last: Option<i64>,
}

impl Jobs {
    /// Records that an attempt of a job begins; returns whether the job is tracked.
    pub fn start(&mut self, job: i64, rule: Option<&str>, output: &str, input: &str) -> bool {
        self.last = Some(job);
        if self.known.len() >= FOLLOWED && !self.known.contains_key(&job) {
            return false;
        }
        let known = self.known.entry(job).or_default();
        known.attempt += u32::from(!known.again);
        known.again = false;
        known.open =
            Some(Open { rule: rule.map(str::to_owned), output: cut(output, FILES), input: cut(input, FILES), command: String::new() });
        true
    }

    /// Records the command of the job that was described last.
    pub fn command(&mut self, command: &str) {
        let open = self.last.take().and_then(|job| self.known.get_mut(&job)).and_then(|known| known.open.as_mut());
        if let Some(open) = open {
            let command = words(command);
            let command = if command == "None" { "" } else { &command };
            let end = command.ceil_char_boundary(command.len().saturating_sub(COMMAND));
            command.get(end..).unwrap_or_default().clone_into(&mut open.command);
        }
    }

    pub fn finish(&mut self, job: i64) {
        self.known.remove(&job);
    }

    pub fn fail(&mut self, job: i64) {
        if let Some(known) = self.known.get_mut(&job) {
            known.open = None;
        }
    }

    /// Records that the log announced a retry of a job.
    pub fn again(&mut self, job: i64) {
        if self.known.len() >= FOLLOWED && !self.known.contains_key(&job) {
            return;
        }
        let known = self.known.entry(job).or_default();
        known.attempt = known.attempt.max(1) + u32::from(!known.again);
        known.again = true;
        known.open = None;
    }

    /// The current or latest attempt, from 1.
    pub fn attempt(&self, job: i64) -> u32 {
        self.known.get(&job).map_or(1, |known| known.attempt.max(1))
    }

    pub fn is_open(&self, job: i64) -> bool {
        self.known.get(&job).is_some_and(|known| known.open.is_some())
    }

    /// Whether the given command ends with the command of any job that has begun.
    pub fn is_known(&self, command: &str) -> bool {
        self.open().any(|(_, open)| is_same(command, &open.command))
    }

    /// The only open job of a rule whose files a text names; without a rule, the only open job that makes a file named in the text.
    pub fn named(&self, rule: &str, text: &str) -> Option<i64> {
        let is_named = |files: &str| files.split(", ").any(|path| names(text, path));
        let fits = |open: &Open| match &open.rule {
            _ if rule.is_empty() => is_named(&open.output),
            Some(known) if known != rule => false,
            _ => is_named(&open.output) || is_named(&open.input),
        };
        only(self.open().filter(|(_, open)| fits(open)))
    }

    /// The only open job of a rule, and whether there is any.
    pub fn of_rule(&self, rule: &str) -> (Option<i64>, bool) {
        let of_rule = || self.open().filter(move |(_, open)| open.rule.as_deref() == Some(rule));
        (only(of_rule()), of_rule().next().is_some())
    }

    fn open(&self) -> impl Iterator<Item = (i64, &Open)> {
        self.known.iter().filter_map(|(job, known)| Some((*job, known.open.as_ref()?)))
    }
}

fn only<'a>(mut jobs: impl Iterator<Item = (i64, &'a Open)>) -> Option<i64> {
    let (job, _) = jobs.next()?;
    jobs.next().is_none().then_some(job)
}

/// Whether a text contains a path as a separate word.
fn names(text: &str, path: &str) -> bool {
    let path = path.split(" (").next().unwrap_or(path);
    let edge = |letter: Option<char>| letter.is_none_or(|letter| letter.is_whitespace() || "'\"`(),:;[]".contains(letter));
    let found = |(at, _): (usize, &str)| {
        let (before, after) = (text.get(..at).unwrap_or_default(), text.get(at + path.len()..).unwrap_or_default());
        edge(before.chars().next_back()) && edge(after.chars().next())
    };
    !path.is_empty() && text.match_indices(path).any(found)
}

/// The id with which Snakemake submits a group whose last job this is, computed from the rule and the wildcards in the log.
pub(super) fn uuid(rule: &str, wildcards: &str) -> Uuid {
    let space = Uuid::new_v5(&Uuid::NAMESPACE_URL, b"https://snakemake.readthedocs.io");
    let mut wildcards: Vec<String> = wildcards.split(", ").map(|wildcard| wildcard.replacen('=', ":", 1)).collect();
    wildcards.sort();
    Uuid::new_v5(&space, format!("{rule}:{}", wildcards.join(",")).as_bytes())
}
