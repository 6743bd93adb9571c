//! What the log of a Snakemake run contains about its jobs (when each began, its description, how it ended) and about
//! the end of the run. Fills in what clients did not report.
//!
//! Takes bytes as they arrive and keeps a few facts per job; descriptions are later read again from their positions.
//! Opens no file and trusts no line. Times are as in the log: seconds since 1970 in the host's local time.

use model::{cut::letters, marks, nul};
use std::collections::BTreeMap;

/// How many attempts of all jobs together are kept; further ones are only counted.
const ATTEMPTS: usize = 100_000;
/// How many bytes are read of a line, and of a description.
const LINE: usize = 16 * 1024;
const TEXT: usize = 1024 * 1024;
/// How many letters the name of a rule may have.
const NAME: usize = 256;

/// How an attempt or a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Done,
    Failed,
    /// The user stopped the run.
    Cancelled,
}

/// One attempt of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogAttempt {
    /// The position of its description, in bytes from the start of the log.
    pub at: u64,
    pub started: i64,
    pub ended: Option<(End, i64)>,
    /// The rule, if only the end of the attempt names it; `None` until then. The log prints a rule's `message:` instead of its name.
    pub rule: Option<String>,
}

/// What the log contains so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunJobs {
    /// By Snakemake's job number; oldest attempt first.
    pub jobs: BTreeMap<i64, Vec<LogAttempt>>,
    /// The number of attempts that are not kept.
    pub left_out: u64,
    /// The start time of the run according to the log.
    pub began: Option<i64>,
    /// The newest time in the log.
    pub last: Option<i64>,
    /// How the run ended, if the log contains its end.
    pub end: Option<End>,
}

/// Parses a log piece by piece, wherever it is split.
#[derive(Debug, Default)]
pub struct RunJobsReader {
    found: RunJobs,
    line: Vec<u8>,
    /// Where the current line begins, and where the next one begins.
    at: u64,
    next: u64,
    /// The time stamp above the current line, and its position; the line after it says what happened then.
    stamp: Option<(i64, u64)>,
    state: State,
    kept: usize,
    stopped: bool,
    failed: bool,
    /// The newest `x of y steps`.
    steps: Option<(u64, u64)>,
    complete: bool,
}

/// What the current lines belong to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Nothing,
    /// The line after a time stamp.
    Stamped,
    /// A description that began at this byte; its job is not named yet.
    Job(i64, u64),
    /// The members of a group.
    Group(i64),
    /// An error; its job is not named yet.
    Error(i64),
}

impl RunJobsReader {
    pub fn new() -> Self {
        Self::default()
    }

    /// What the complete lines so far contain.
    pub fn found(&self) -> &RunJobs {
        &self.found
    }

    /// Takes the next bytes; they may be split within lines and characters.
    pub fn feed(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = LINE.saturating_sub(self.line.len());
            self.line.extend_from_slice(&piece[..piece.len().min(room)]);
            self.next += piece.len() as u64;
            if piece.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                self.take(String::from_utf8_lossy(&line).trim_end());
                self.at = self.next;
            }
        }
    }

    fn take(&mut self, line: &str) {
        if let Some(time) = stamp(line) {
            self.found.last = Some(self.found.last.map_or(time, |last| last.max(time)));
            self.stamp = Some((time, self.at));
            self.state = State::Stamped;
            return;
        }
        let (time, at) = self.stamp.unwrap_or_default();
        let text = line.trim_start();
        self.state = match self.state {
            State::Stamped if text.starts_with("Group job ") || text.starts_with("group job ") => State::Group(time),
            State::Stamped if head(text).is_some() => State::Job(time, at),
            State::Stamped if text.starts_with("Error in rule ") => State::Error(time),
            State::Stamped => {
                if let Some((job, rule)) = finished(text) {
                    self.end(job, End::Done, time, rule);
                } else if let Some((job, _)) = text.strip_prefix("Job ").and_then(|rest| rest.split_once(": ")) {
                    // The log prints a rule's `message:` instead of its description.
                    let _ = job.parse().map(|job| self.begin(job, time, at, true));
                }
                State::Nothing
            }
            State::Group(time) if line.starts_with("    ") && head(text).is_some() => State::Job(time, self.at),
            state @ (State::Job(..) | State::Error(_)) => match (text.strip_prefix("jobid: ").map(str::parse), state) {
                (Some(Ok(job)), State::Job(time, at)) => {
                    self.begin(job, time, at, false);
                    if line.starts_with("        ") { State::Group(time) } else { State::Nothing }
                }
                (Some(Ok(job)), State::Error(time)) => {
                    self.end(job, if self.stopped { End::Cancelled } else { End::Failed }, time, None);
                    State::Nothing
                }
                _ => state,
            },
            state => state,
        };
        self.fact(line);
    }

    /// Handles a line that stands on its own.
    fn fact(&mut self, line: &str) {
        if let Some(date) = line.strip_prefix("  Date: ") {
            self.found.began = self.found.began.or_else(|| iso(date));
        } else if line.starts_with("Terminating processes on user request") {
            self.stopped = true;
        } else if line.starts_with("WorkflowError:") || line.starts_with("Exiting because a job execution failed") {
            self.failed = true;
        } else if line.starts_with("Complete log") {
            self.complete = true;
        } else if let Some(steps) = steps(line) {
            self.steps = Some(steps);
        }
        if self.complete {
            let all = self.steps.is_some_and(|(done, total)| done >= total);
            self.found.end = Some(match () {
                () if self.stopped => End::Cancelled,
                () if all || !self.failed => End::Done,
                () => End::Failed,
            });
        }
    }

    fn begin(&mut self, job: i64, started: i64, at: u64, nameless: bool) {
        if self.kept == ATTEMPTS {
            self.found.left_out += 1;
            return;
        }
        self.kept += 1;
        self.found.jobs.entry(job).or_default().push(LogAttempt { at, started, ended: None, rule: nameless.then(String::new) });
    }

    fn end(&mut self, job: i64, end: End, time: i64, rule: Option<&str>) {
        let newest = self.found.jobs.get_mut(&job).and_then(|attempts| attempts.last_mut());
        if let Some(attempt) = newest.filter(|attempt| attempt.ended.is_none()) {
            attempt.ended = Some((end, time));
            attempt.rule = attempt.rule.take().and(rule).map(|rule| letters(rule, NAME));
        }
    }
}

/// The description of a job in a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// `None` for a rule with a `message:`, which the log prints instead.
    pub rule: Option<String>,
    pub message: Option<String>,
    pub reason: Option<String>,
    pub shell_command: Option<String>,
    pub checkpoint: bool,
    pub threads: Option<i32>,
    pub wildcards: Vec<(String, String)>,
    pub resources: Vec<(String, String)>,
    pub input: Vec<String>,
    pub output: Vec<String>,
    pub log: Vec<String>,
    pub benchmark: Vec<String>,
    /// The description reaches the end of the bytes that were read: it may go on after them.
    pub open: bool,
}

impl Description {
    /// The size of its texts in bytes.
    pub fn weight(&self) -> usize {
        let pairs = self.wildcards.iter().chain(&self.resources).map(|(name, value)| name.len() + value.len());
        let paths = [&self.input, &self.output, &self.log, &self.benchmark].into_iter().flatten().map(String::len);
        let texts = [&self.message, &self.reason, &self.shell_command].into_iter().flatten().map(String::len);
        pairs.chain(paths).chain(texts).sum()
    }
}

/// Parses the description at the start of `bytes`, which may go on after it; reads at most 1 MiB.
pub fn describe(bytes: &[u8]) -> Description {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(TEXT)]);
    let text = nul::replaced(&text);
    let mut description = Description { open: true, ..Description::default() };
    let mut lines = text.lines().skip_while(|line| stamp(line).is_some());
    let Some(first) = lines.next().map(str::trim_start) else { return description };
    match head(first) {
        Some((rule, checkpoint)) => {
            description.rule = Some(rule.to_owned());
            description.checkpoint = checkpoint;
        }
        None => description.message = first.split_once(": ").map(|(_, message)| message.to_owned()),
    }
    let mut command: Option<String> = None;
    for line in lines {
        if stamp(line).is_some() || ALONE.iter().any(|start| line.starts_with(start)) || head(line.trim_start()).is_some() {
            description.open = false;
            break;
        }
        if let Some(command) = &mut command {
            command.push('\n');
            command.push_str(line);
        } else if let Some(first) = line.strip_prefix("Shell command: ") {
            command = Some(first.to_owned());
        } else if let Some((key, value)) = line.trim_start().split_once(": ") {
            description.fact(key, value.trim());
        }
    }
    description.shell_command = command.filter(|command| command != "None");
    description
}

impl Description {
    fn fact(&mut self, key: &str, value: &str) {
        match key {
            "input" => self.input = list(value),
            "output" => self.output = list(value),
            "log" => self.log = list(value),
            "benchmark" => self.benchmark = list(value),
            "reason" | "Reason" => self.reason = Some(value.to_owned()),
            "threads" => self.threads = value.parse().ok(),
            "wildcards" => self.wildcards = pairs(value),
            "resources" => self.resources = pairs(value),
            _ => {}
        }
    }
}

/// Beginnings of lines that follow a description and do not belong to its command.
const ALONE: [&str; 7] =
    ["Select jobs to execute", "Execute ", "Finished ", "Complete log", "Terminating ", "RuleException", "WorkflowError"];

/// What Snakemake appends to the logs of a failed job.
const HINT: &str = " (check log file(s) for error details)";

fn list(value: &str) -> Vec<String> {
    marks::listed(value.strip_suffix(HINT).unwrap_or(value))
}

fn pairs(value: &str) -> Vec<(String, String)> {
    value.split(", ").filter_map(|pair| pair.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The rule in the first line of a description, and whether it is a checkpoint.
fn head(text: &str) -> Option<(&str, bool)> {
    let text = text.strip_prefix("local").unwrap_or(text).strip_suffix(':')?;
    let rule = |kind| text.strip_prefix(kind).filter(|name| !name.is_empty() && !name.contains(' '));
    rule("rule ").map(|name| (name, false)).or_else(|| rule("checkpoint ").map(|name| (name, true)))
}

/// `Finished jobid: 1 (Rule: make)`, or `Finished job 1.`
fn finished(text: &str) -> Option<(i64, Option<&str>)> {
    let rest = text.strip_prefix("Finished jobid: ").or_else(|| text.strip_prefix("Finished job "))?;
    let rule = rest.split_once(" (Rule: ").and_then(|(_, rule)| rule.strip_suffix(')'));
    Some((rest.split([' ', '.']).next()?.parse().ok()?, rule))
}

/// `3 of 4 steps (75%) done`
fn steps(line: &str) -> Option<(u64, u64)> {
    let (done, rest) = line.split_once(" of ")?;
    let (total, _) = rest.split_once(" steps (").filter(|(_, rest)| rest.ends_with("%) done"))?;
    Some((done.parse().ok()?, total.parse().ok()?))
}

/// `[Sun Nov  2 07:11:40 2026]`, with nothing else on the line.
fn stamp(line: &str) -> Option<i64> {
    let text = line.trim_start().strip_prefix('[')?.strip_suffix(']')?;
    let mut words = text.split_ascii_whitespace();
    let (_, month, day, clock, year) = (words.next()?, words.next()?, words.next()?, words.next()?, words.next()?);
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = months.iter().position(|name| *name == month)? as i64 + 1;
    if words.next().is_some() {
        return None;
    }
    seconds(year.parse().ok()?, month, day.parse().ok()?, clock)
}

/// `2026-11-29 19:25:14`
fn iso(text: &str) -> Option<i64> {
    let (date, clock) = text.trim().split_once(' ')?;
    let mut parts = date.split('-').map(|part| part.parse::<i64>().ok());
    seconds(parts.next()??, parts.next()??, parts.next()??, clock)
}

/// Seconds since 1970 of a civil time; `None` for years that cannot occur in a log.
fn seconds(year: i64, month: i64, day: i64, clock: &str) -> Option<i64> {
    let mut parts = clock.split(':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    let fits = (1970..10_000).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    let fits = fits && (0..24).contains(&hour) && (0..60).contains(&minute) && (0..=60).contains(&second);
    if !fits {
        return None;
    }
    // Years begin in March here, so that the leap day is their last day.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

#[cfg(test)]
mod tests;
