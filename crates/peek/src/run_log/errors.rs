//! Assigns the exceptions and errors in a run's log to jobs.
//!
//! A text is assigned to the job that it identifies, by number, files, command or position. If it could belong to
//! several jobs, it is assigned to none.

use super::{
    ERRORS, EXCEPTIONS, Exception, RuleError, RunLogReader, TAIL, TEXT, WAITING,
    words::{self, Heading, cut, is_same, named, outcome, said, shortened, value, without_output, words},
};
use std::mem;

/// An exception that waits for the error of its job.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    message: Option<String>,
    exit_status: Option<i32>,
    /// The command in it, normalized by [`words`]. Empty if it contains none.
    command: String,
    /// Where it was raised, as file and line: the position belongs to one rule.
    place: String,
    /// No job began with that command: it is Snakemake's own command for a script or a notebook.
    scripted: bool,
    /// The index of the exception in the log.
    nth: Option<usize>,
}

/// An exception that names no job: the next lines may identify it.
#[derive(Debug)]
pub(super) struct Loose {
    error: RuleError,
    nth: Option<usize>,
    /// The number of its record.
    at: u64,
}

impl RunLogReader {
    /// An exception that Snakemake prints: of a job, of a rule before it has a job, or of the run.
    pub(super) fn exception(&mut self, heading: Heading<'_>, text: &str) {
        let text = text.strip_prefix("RuleException:\n").unwrap_or(text).trim();
        let inner = words::heading(text.lines().next().unwrap_or_default()).unwrap_or(heading);
        let (before, exit_status) = outcome(text).map_or((text, None), |(before, status)| (before, Some(status)));
        // A long command is shortened, but its exit status stays.
        let end = text.get(before.len()..).unwrap_or_default();
        let message = said(&cut(&[&shortened(before, TEXT - TAIL), end].concat(), TEXT));
        let nth = self.keep_exception(Exception {
            class: named(heading.class),
            rule: (!heading.rule.is_empty()).then(|| named(heading.rule)),
            place: (!inner.place.is_empty()).then(|| cut(inner.place, TEXT)),
            job: None,
            text: message.clone().unwrap_or_default(),
        });
        let command = words(before.split_once("Command '").unwrap_or_default().1);
        let error = RuleError { rule: named(heading.rule), message, exit_status, is_silent: true, ..RuleError::default() };
        if let Some(group) = text.split_once("Error postprocessing group job ") {
            let uuid = group.1.split('.').next().unwrap_or_default();
            return self.group_without_output(uuid, text, &error, nth);
        }
        if let Some(job) = without_output(text) {
            return self.silent(error, job, nth);
        }
        if command.is_empty() {
            // A job that cannot be printed has not begun; other jobs of its rule may have.
            let unprinted =
                text.contains(", when formatting the following:") || text.contains("Unknown variable when printing shell command");
            let (only, begun) = self.jobs.of_rule(heading.rule);
            let of_output = only.filter(|_| heading.class.ends_with("OutputException"));
            if let Some(job) = self.jobs.named(heading.rule, text).or(of_output).filter(|_| !unprinted) {
                return self.silent(error, job, nth);
            }
            self.loose = Some(Loose { error: error.clone(), nth, at: self.records });
            if !heading.rule.is_empty() {
                return self.add(RuleError { before_start: unprinted || !begun, ..error });
            }
        }
        let scripted = !command.is_empty() && !self.jobs.is_known(&command);
        let RuleError { message, exit_status, .. } = error;
        self.waiting.truncate(WAITING - 1);
        self.waiting.push_front(Waiting { message, exit_status, command, place: inner.place.to_owned(), scripted, nth });
        self.fresh += 1;
        self.waiting_since = self.records;
    }

    /// Stores an exception and returns its index.
    pub(super) fn keep_exception(&mut self, exception: Exception) -> Option<usize> {
        let exceptions = &mut self.found.exceptions;
        if exceptions.len() == EXCEPTIONS {
            self.found.more_exceptions = self.found.more_exceptions.saturating_add(1);
            return None;
        }
        exceptions.push(exception);
        Some(exceptions.len() - 1)
    }

    /// Records that a job failed for which neither the log nor a report will contain an error.
    fn silent(&mut self, error: RuleError, job: i64, nth: Option<usize>) {
        let attempt = self.jobs.attempt(job);
        if let Some(kept) = nth.and_then(|nth| self.found.exceptions.get_mut(nth)) {
            kept.job = Some(job);
        }
        self.jobs.fail(job);
        self.add(RuleError { job: Some(job), attempt, ..error });
    }

    /// All members of the group fail together with the one that the text names.
    fn group_without_output(&mut self, uuid: &str, text: &str, error: &RuleError, nth: Option<usize>) {
        let named = without_output(text);
        let of_named = || self.found.groups.iter().rev().find(|member| Some(member.job) == named).map(|member| member.nth);
        let group = self.group_of(uuid).or_else(of_named);
        let members = self.members(group.unwrap_or_default());
        if let Some(job) = named.filter(|named| members.iter().all(|(job, _)| job != named)) {
            return self.silent(error.clone(), job, nth);
        }
        for (job, rule) in members {
            let rule = rule.unwrap_or_default();
            if Some(job) == named {
                self.silent(RuleError { rule, ..error.clone() }, job, nth);
            } else if self.jobs.is_open(job) {
                self.silent(RuleError { rule, is_silent: true, ..RuleError::default() }, job, None);
            }
        }
    }

    /// `Trying to restart job 9.`: an exception printed directly before, without a job, belongs to this job.
    pub(super) fn restart(&mut self, id: &str) {
        let Ok(job) = id.parse::<i64>() else {
            let members = self.group_of(id).map(|group| self.members(group)).unwrap_or_default();
            return members.into_iter().for_each(|(job, _)| self.jobs.again(job));
        };
        if self.jobs.is_open(job) {
            self.settle(job);
        }
        self.jobs.again(job);
    }

    /// `Removing output files of failed job a since they might be corrupted:`, and the files.
    pub(super) fn removing(&mut self, text: &str) {
        let (rule, files) = text.split_once(" since they might be corrupted:").unwrap_or_default();
        if let Some(job) = self.jobs.named(rule, files) {
            self.settle(job);
        }
    }

    /// Assigns the last exception without a job to this job.
    fn settle(&mut self, job: i64) {
        let Some(Loose { error, nth, .. }) = self.loose.take() else { return };
        self.forget(&error, nth);
        self.silent(error, job, nth);
    }

    /// Removes entries for an exception whose job is now known.
    fn forget(&mut self, error: &RuleError, nth: Option<usize>) {
        self.found.errors.retain(|known| known.job.is_some() || known.message != error.message);
        let before = self.waiting.len();
        self.waiting.retain(|waiting| waiting.nth.is_none() || waiting.nth != nth);
        self.fresh = self.fresh.saturating_sub(before - self.waiting.len());
    }

    pub(super) fn error(&mut self, mut error: RuleError, text: &str, in_group: bool) {
        let (_, block) = text.split_once("Error in rule ").unwrap_or_default();
        let (keys, rest) = block.split_once("    shell:\n").unwrap_or((block, ""));
        let ended = rest.rsplit_once(" exited with non-zero exit code").and_then(|(shell, rest)| Some((shell.rsplit_once('(')?.0, rest)));
        let (shell, rest) = ended.unwrap_or((rest, ""));
        let (shell, (_, message)) = (words(shell), keys.split_once("    message: ").unwrap_or_default());
        let logs: Vec<String> = value(keys, "log: ").and_then(said).into_iter().chain(error.log).collect();
        error.log = said(&logs.join(", "));
        error.job = value(keys, "jobid: ").and_then(|id| id.parse().ok());
        error.attempt = error.job.map_or(0, |job| self.jobs.attempt(job));
        error.message = said(message.split("    jobid: ").next().unwrap_or_default());
        // If the executor gives no message, there is an exception. Snakemake before version 8, which printed no host,
        // prints it after the error.
        let says_nothing = message.starts_with("None") || message.is_empty() && self.found.host.is_some();
        let found = self.by_command(&shell).or_else(|| self.by_order(&error.rule, &shell, in_group).filter(|_| says_nothing));
        self.fresh = 0;
        let is_next = |loose: &Loose| !loose.error.rule.is_empty() && loose.error.rule == error.rule && loose.at + 1 == self.records;
        if let Some(Loose { error: known, nth, .. }) = self.loose.take_if(|loose| says_nothing && is_next(loose)) {
            self.forget(&known, nth);
            error.message = error.message.or(known.message);
            if let Some(kept) = nth.and_then(|nth| self.found.exceptions.get_mut(nth)) {
                kept.job = error.job;
            }
        } else if let Some(exception) = found.and_then(|at| self.waiting.remove(at)) {
            error.message = error.message.or(exception.message);
            error.exit_status = exception.exit_status;
            if !exception.place.is_empty() && self.places.len() < ERRORS {
                self.places.insert(exception.place, error.rule.clone());
            }
            if let Some(kept) = exception.nth.and_then(|nth| self.found.exceptions.get_mut(nth)) {
                (kept.job, kept.rule) = (error.job, Some(error.rule.clone()));
            }
        }
        let external = [rest, keys].into_iter().find_map(|text| value(text, "external_jobid: ").or_else(|| value(text, "cluster_jobid: ")));
        error.job.zip(external).into_iter().for_each(|(job, external)| self.submit(job, external));
        error.job.into_iter().for_each(|job| self.jobs.fail(job));
        self.add(error);
    }

    /// The exception that contains the command of a job; the shortest match, because one command may be the end of another.
    fn by_command(&self, shell: &str) -> Option<usize> {
        let same = self.waiting.iter().enumerate().rev().filter(|(_, waiting)| is_same(&waiting.command, shell));
        same.min_by_key(|(_, waiting)| waiting.command.len()).map(|(at, _)| at)
    }

    /// The exception that came with an error, if it cannot belong to another job.
    fn by_order(&self, rule: &str, shell: &str, in_group: bool) -> Option<usize> {
        let is_anothers = |waiting: &Waiting| self.places.get(&waiting.place).is_some_and(|known| known != rule);
        let first = self.waiting.front()?;
        if !shell.is_empty() {
            let fits = self.fresh == 1 && !is_anothers(first) && (!in_group || first.command.is_empty());
            return fits.then_some(0);
        }
        if first.command.is_empty() && self.waiting_since + 1 == self.records {
            return Some(0);
        }
        // Scripts that fail together: if raised at the same position, they belong to one rule and have the same text.
        let mut fitting = self.waiting.iter().enumerate().filter(|(_, waiting)| waiting.scripted && !is_anothers(waiting));
        let (at, oldest) = fitting.next_back()?;
        fitting.all(|(_, waiting)| waiting.place == oldest.place).then_some(at)
    }

    /// Adds an error, or lets it replace or complete what is known of the attempt.
    pub(super) fn add(&mut self, error: RuleError) {
        let is_same = |known: &RuleError| match error.job {
            Some(job) => (known.job, known.attempt) == (Some(job), error.attempt),
            None => known.job.is_none() && known.rule == error.rule,
        };
        let errors = &mut self.found.errors;
        match errors.iter().rposition(is_same) {
            Some(at) => merge(&mut errors[at], error),
            None if errors.len() < ERRORS => errors.push(error),
            None => self.found.more_errors = self.found.more_errors.saturating_add(1),
        }
    }
}

/// Later information completes what is known; a reason replaces an earlier one.
fn merge(known: &mut RuleError, newer: RuleError) {
    let older = mem::take(known);
    let has_reason = newer.message.is_some();
    *known = RuleError {
        rule: if newer.rule.is_empty() { older.rule } else { newer.rule },
        job: newer.job.or(older.job),
        attempt: newer.attempt.max(older.attempt),
        message: newer.message.or(older.message),
        exit_status: if has_reason { newer.exit_status } else { older.exit_status.or(newer.exit_status) },
        log: if has_reason { newer.log.or(older.log) } else { older.log.or(newer.log) },
        at: if has_reason { newer.at.or(older.at) } else { older.at.or(newer.at) },
        is_silent: older.is_silent && newer.is_silent,
        before_start: newer.before_start,
    };
}
