//! Reading of the log of one Snakemake run: what was started and where, why jobs failed, which
//! jobs ran as a group, and which cluster jobs they became.
//!
//! Takes the bytes as they come and keeps facts. Opens no file, judges no job's status and trusts
//! no line: whatever the bytes, the answer is some [`RunLog`], and memory stays bounded.

use std::{collections::VecDeque, mem};

/// Bytes that are read of a line: its beginning and its last [`TAIL`] bytes, where an exit status stands.
const LINE: usize = 16 * 1024;
const TAIL: usize = 512;
/// Bytes of the run's command line, of any other text, and of a name or an id.
const COMMAND: usize = 64 * 1024;
const TEXT: usize = 4 * 1024;
const NAME: usize = 256;
const ERRORS: usize = 1_000;
const MEMBERS: usize = 10_000;
const SUBMITTED: usize = 100_000;
/// Exceptions that wait for the job they belong to; jobs that fail together mix only a few.
const WAITING: usize = 16;

/// Facts of one run, as written but without colours and control characters, each at most 4 KiB.
///
/// `None` is what the log does not tell. Of the header, 9.12 and before told only `host`, 7 and before nothing;
/// Snakemake's `own_log` and `elapsed` (`H:MM:SS.ffffff`) come at the end. Relative paths start from `directory`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunLog {
    /// The arguments joined by spaces, unquoted; at most 64 KiB, may span lines.
    pub command: Option<String>,
    /// When the run began, in the local time of `host`: `YYYY-MM-DD HH:MM:SS`.
    pub date: Option<String>,
    /// The uuid that the run's reports carry too.
    pub workflow_id: Option<String>,
    pub host: Option<String>,
    pub user: Option<String>,
    pub platform: Option<String>,
    /// Versions, that of `python` with its build.
    pub version: Option<String>,
    pub python: Option<String>,
    /// The main one; `base_directory` is where it is.
    pub snakefile: Option<String>,
    pub directory: Option<String>,
    pub base_directory: Option<String>,
    pub config_files: Vec<String>,
    pub config_md5: Option<String>,
    /// Number of local cores; cluster runs have `nodes` instead, jobs at a time or `unlimited`.
    pub cores: Option<String>,
    pub nodes: Option<String>,
    /// Global resources, joined by `, `: `mem_mb=1000`, or `mem_mb=Resource("mem_mb", 1000)` as 9.27 writes them.
    pub resources: Option<String>,
    pub shell: Option<String>,
    pub own_log: Option<String>,
    pub elapsed: Option<String>,
    /// Why the run stopped if no job of `errors` is the reason. Known after [`RunLogReader::finish`].
    pub failure: Option<String>,
    /// At most 1 000, one per rule and job, in the order of first mention.
    pub errors: Vec<RuleError>,
    /// At most 10 000, in the order of the log; a group that was tried again is there again.
    pub groups: Vec<GroupJob>,
    /// At most 100 000, in the order of the log; a job that was submitted again is there again.
    pub submitted: Vec<Submitted>,
}

/// The latest failure of a job that has a reason; a later attempt may have succeeded.
///
/// If a group fails, all its members are here, also those that did their work.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleError {
    pub rule: String,
    /// Snakemake's job id; `None` if the rule failed before there was a job.
    pub job: Option<i64>,
    /// The exception, or what the executor said. `None` for `run:` rules, whose exceptions the log does not have.
    pub message: Option<String>,
    /// Exit status of the command; `-9` if signal 9 ended it.
    pub exit_status: Option<i32>,
    /// The job's log files and the cluster's, joined by `, `.
    pub log: Option<String>,
    /// When it was told, in the local time of the host: `Sun Nov 22 07:11:40 2026`.
    pub at: Option<String>,
}

/// A member of a group of jobs that is submitted as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupJob {
    /// The name in the workflow, which many groups may share, or a uuid; and which group of the log it is, from 1.
    pub group: String,
    pub nth: u32,
    pub job: i64,
    /// `None` for a rule with a `message:`, which the log tells instead.
    pub rule: Option<String>,
}

/// A job and the cluster's id of it, at most 256 bytes. Members of a group share theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    pub job: i64,
    pub external: String,
}

/// Reads a log piece by piece, wherever the pieces are cut.
#[derive(Debug, Default)]
pub struct RunLogReader {
    found: RunLog,
    line: Vec<u8>,
    /// The lines that belong together so far, and whether a shell command goes on in them.
    record: String,
    in_command: bool,
    /// Exceptions without a rule and the commands they tell, newest first; how many are newer than the last error.
    exceptions: VecDeque<(RuleError, String)>,
    fresh: usize,
    /// The group that is told now, the log of the one that failed last; the number of groups, and of those not yet submitted.
    group: Option<String>,
    group_log: Option<String>,
    groups: u32,
    unsubmitted: u32,
}

impl RunLogReader {
    pub fn new() -> Self {
        Self::default()
    }

    /// What the complete records so far tell.
    pub fn found(&self) -> &RunLog {
        &self.found
    }

    /// Takes the next bytes; lines and letters may be cut anywhere.
    pub fn feed(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(LINE).flat_map(|chunk| chunk.split_inclusive(|&byte| byte == b'\n')) {
            self.line.extend_from_slice(piece.strip_suffix(b"\n").unwrap_or(piece));
            if let Some(over) = self.line.len().checked_sub(LINE) {
                self.line.drain(LINE - TAIL..LINE - TAIL + over);
            }
            if piece.ends_with(b"\n") {
                self.end_line();
            }
        }
    }

    /// Everything, the last line included even if it was cut.
    pub fn finish(mut self) -> RunLog {
        self.end_line();
        self.end_record();
        let says_more = |text: &String| self.found.errors.is_empty() || !text.contains("At least one job did not complete successfully");
        self.found.failure = self.exceptions.into_iter().filter_map(|(exception, _)| exception.message).find(says_more);
        self.found
    }

    fn end_line(&mut self) {
        let line = plain(&String::from_utf8_lossy(&mem::take(&mut self.line)));
        // The empty exception is the first line of another.
        let begins = exception(&line).is_some() && self.record != "RuleException:\n" || submission(&line).is_some();
        if stamp(&line).is_some() || !self.in_command && (begins || RECORDS.split('|').any(|record| line.starts_with(record))) {
            self.end_record();
        }
        let shell = line.starts_with("Command '") || line.trim() == "shell:";
        self.in_command = (self.in_command || shell) && outcome(&line).is_none() && !line.contains(" exited with non-zero exit code");
        if self.record.len() + line.len() < COMMAND + LINE {
            self.record.extend([&line, "\n"]);
        }
    }

    /// A record goes up to the next stamp, or to the next line that Snakemake writes on its own account.
    fn end_record(&mut self) {
        self.in_command = false;
        let record = mem::take(&mut self.record);
        let stamped = stamp(&record);
        let (at, text) = stamped.unwrap_or(("", &record));
        let first = text.lines().next().unwrap_or_default();
        let between = |start, end| text.lines().find_map(|line| line.trim_start().strip_prefix(start)?.strip_suffix(end));
        let indented = record.starts_with(' ');
        if !indented && !first.starts_with("Shell command:") {
            let name = ["Group job ", "group job "].into_iter().find_map(|start| between(start, " (jobs in lexicogr. order):"));
            self.group = name.filter(|_| stamped.is_some()).map(|name| cut(name, NAME));
        }
        if stamped.is_none() && first == "SNAKEMAKE" {
            let (_, command) = text.split_once("\n  Command: ").unwrap_or_default();
            keep(&mut self.found.command, command.split("\n  Snakefile: ").next().unwrap_or_default(), COMMAND);
            text.lines().filter_map(|line| line.strip_prefix("  ")).for_each(|line| self.fact(line));
        } else if stamped.is_none() {
            match (exception(first), submission(first)) {
                (Some(rule), _) => self.exception(rule, text),
                (None, Some((job, external))) => self.submission(job, external),
                (None, None) => self.fact(first),
            }
        } else if self.group.is_some() && !indented {
            (self.groups, self.unsubmitted) = (self.groups.saturating_add(1), self.unsubmitted.saturating_add(1));
        } else if text.trim_start().starts_with("message: Error in group ") {
            self.group_log = text.split(" jobs:").next().and_then(|text| value(text, "log: ")).and_then(said);
        } else if let Some(rule) = between("Error in rule ", ":") {
            let log = self.group_log.clone().filter(|_| indented);
            self.error(RuleError { rule: cut(rule, NAME), log, at: Some(at.to_owned()), ..RuleError::default() }, text, indented);
        } else if let Some(group) = self.group.clone() {
            self.member(group, text);
        }
    }

    /// A line of the header, or one of the few that stand alone.
    fn fact(&mut self, line: &str) {
        let (key, value) = line.split_once(": ").unwrap_or_default();
        let slot = match key {
            "Date" => &mut self.found.date,
            "Workflow ID" => &mut self.found.workflow_id,
            "Platform" => &mut self.found.platform,
            "Host" | "host" => &mut self.found.host,
            "User" => &mut self.found.user,
            "Snakemake version" => &mut self.found.version,
            "Python version" => &mut self.found.python,
            "Snakefile" => &mut self.found.snakefile,
            "Base directory" => &mut self.found.base_directory,
            "Working directory" => &mut self.found.directory,
            "Config MD5" => &mut self.found.config_md5,
            "Using shell" => &mut self.found.shell,
            "Provided cores" => &mut self.found.cores,
            "Provided remote nodes" | "Provided cluster nodes" => &mut self.found.nodes,
            "Provided resources" => &mut self.found.resources,
            "Complete log" | "Complete log(s)" => &mut self.found.own_log,
            "Elapsed time" => &mut self.found.elapsed,
            "Config file(s)" if self.found.config_files.is_empty() => return self.found.config_files = paths(value),
            _ => return,
        };
        keep(slot, value.split(" (use --cores ").next().unwrap_or_default(), TEXT);
    }

    fn member(&mut self, group: String, text: &str) {
        let lines = || text.lines().map(|line| line.trim_start().trim_start_matches("local"));
        let id = |line: &str| line.strip_prefix("jobid: ").or_else(|| Some(line.strip_prefix("Job ")?.split_once(": ")?.0))?.parse().ok();
        let rule = lines().find_map(|line| line.strip_prefix("rule ").or_else(|| line.strip_prefix("checkpoint "))?.strip_suffix(':'));
        if let Some(job) = lines().find_map(id).filter(|_| self.found.groups.len() < MEMBERS) {
            self.found.groups.push(GroupJob { group, nth: self.groups, job, rule: rule.map(|rule| cut(rule, NAME)) });
        }
    }

    fn submission(&mut self, id: &str, external: &str) {
        let job: Option<i64> = id.parse().ok();
        // The uuid of a group stands nowhere else: which group it is is sure only if one waits.
        let nth = if job.is_none() && mem::take(&mut self.unsubmitted) == 1 { self.groups } else { 0 };
        let members = self.found.groups.iter().rev().take_while(|member| member.nth == nth).map(|member| member.job);
        let jobs: Vec<i64> = job.into_iter().chain(members).collect();
        jobs.into_iter().rev().for_each(|job| self.submit(job, external));
    }

    fn submit(&mut self, job: i64, external: &str) {
        let new = Submitted { job, external: cut(external, NAME) };
        let submitted = &mut self.found.submitted;
        // An error tells the id again; only late ones are worth a look.
        if submitted.len() < SUBMITTED && !submitted.iter().rev().take(1_000).any(|known| *known == new) {
            submitted.push(new);
        }
    }

    fn exception(&mut self, rule: &str, text: &str) {
        let text = text.strip_prefix("RuleException:\n").unwrap_or(text).trim();
        let (before, exit_status) = outcome(text).map_or((text, None), |(before, status)| (before, Some(status)));
        // A long command loses its end, but not how it ended.
        let message = cut(&[&cut(before, TEXT - TAIL), text.get(before.len()..).unwrap_or_default()].concat(), TEXT);
        let job = text.lines().find_map(|line| line.strip_prefix("Job ")?.split(' ').next()?.parse().ok());
        let error = RuleError { rule: cut(rule, NAME), job, message: said(&message), exit_status, ..RuleError::default() };
        if rule.is_empty() {
            self.exceptions.truncate(WAITING - 1);
            self.exceptions.push_front((error, words(before.split_once("Command '").unwrap_or_default().1)));
            self.fresh += 1;
        } else {
            self.add(error);
        }
    }

    fn error(&mut self, mut error: RuleError, text: &str, in_group: bool) {
        let (_, block) = text.split_once("Error in rule ").unwrap_or_default();
        let (keys, rest) = block.split_once("    shell:\n").unwrap_or((block, ""));
        let ended = rest.rsplit_once(" exited with non-zero exit code").and_then(|(shell, rest)| Some((shell.rsplit_once('(')?.0, rest)));
        let (shell, rest) = ended.unwrap_or((rest, ""));
        let (shell, (_, message)) = (words(shell), keys.split_once("    message: ").unwrap_or_default());
        let logs: Vec<String> = value(keys, "log: ").and_then(said).into_iter().chain(error.log).collect();
        error.log = said(&logs.join(", "));
        error.job = value(keys, "jobid: ").and_then(|id| id.parse().ok());
        error.message = said(message.split("    jobid: ").next().unwrap_or_default());
        // If the executor says nothing, an exception has; before Snakemake 8, which told no host, it came after the error.
        let alone = mem::take(&mut self.fresh) == 1 && (message.starts_with("None") || message.is_empty() && self.found.host.is_some());
        let fits = |command: &str| alone && (!in_group || shell.is_empty() || command.is_empty());
        let by_order = self.exceptions.front().filter(|(_, command)| fits(command)).map(|_| 0);
        let same = self.exceptions.iter().enumerate().rev().filter(|(_, (_, command))| is_same(command, &shell));
        let by_command = same.min_by_key(|(_, (_, command))| command.len()).map(|(at, _)| at);
        if let Some((exception, _)) = by_command.or(by_order).and_then(|at| self.exceptions.remove(at)) {
            error.message = error.message.or(exception.message);
            error.exit_status = exception.exit_status;
        }
        let external = [rest, keys].into_iter().find_map(|text| value(text, "external_jobid: ").or_else(|| value(text, "cluster_jobid: ")));
        error.job.zip(external).into_iter().for_each(|(job, external)| self.submit(job, external));
        self.add(error);
    }

    /// Adds an error, or lets it replace or complete what is known of the job.
    fn add(&mut self, error: RuleError) {
        match self.found.errors.iter_mut().find(|known| known.rule == error.rule && (known.job == error.job || known.job.is_none())) {
            Some(known) if error.message.is_some() => *known = error,
            Some(known) => {
                known.job = error.job;
                known.log = known.log.take().or(error.log);
                known.at = known.at.take().or(error.at);
            }
            None => self.found.errors.push(error),
        }
        self.found.errors.truncate(ERRORS);
    }
}

/// How lines begin that Snakemake writes on its own account; what was told before has ended.
const RECORDS: &str = "Building DAG of jobs|Cleaning up |Complete log|Elapsed time: |Error executing |Error in group |Execute |\
    Exiting because |Finished job|Full Traceback |Job failed, |Job stats:|Logfile |Provided |Removing |SNAKEMAKE|Select jobs to execute|\
    Shell command:|Traceback |Trying to restart job |Using shell: |Waiting at most |host: ";

/// The text of a stamp like `[Sun Nov  2 07:11:40 2026]`, and what follows.
fn stamp(text: &str) -> Option<(&str, &str)> {
    let (at, rest) = text.trim_start_matches(' ').strip_prefix('[')?.split_once(']')?;
    let clock = at.get(10..20)?;
    (at.len() == 24 && clock.starts_with(' ') && clock.ends_with(' ') && clock.matches(':').count() == 2).then_some((at, rest.trim_start()))
}

/// The rule that an exception names in its first line, or nothing:
/// `RuleException:`, `KeyError in file Snakefile, line 3:`, `MissingOutputException in rule a in file "Snakefile", line 3:`.
fn exception(line: &str) -> Option<&str> {
    let line = line.strip_suffix([':', '.'])?;
    let (class, place) = line.split_once(' ').unwrap_or((line, ""));
    let rule = place.strip_prefix("in rule ").and_then(|place| place.split_once(" in file ")).map(|(rule, _)| rule);
    let alone = place.starts_with("in file ") || place.is_empty() && (class.ends_with("Error") || class.ends_with("Exception"));
    let named = class.starts_with(char::is_uppercase) && class.chars().all(char::is_alphanumeric) && line != "Error";
    rule.or(alone.then_some("")).filter(|_| named)
}

/// The command with all before it, and its exit status.
fn outcome(text: &str) -> Option<(&str, i32)> {
    let exit = text.rsplit_once("' returned non-zero exit status ").map(|parts| (parts, 1));
    let ((before, told), sign) = exit.or_else(|| Some((text.rsplit_once("' died with ")?, -1)))?;
    let number = told.lines().next()?.trim_end_matches(['.', '>']).rsplit(' ').next()?;
    Some((before, number.parse::<i32>().ok()?.checked_mul(sign)?))
}

/// The id of a job or the uuid of a group, and the cluster's id.
fn submission(line: &str) -> Option<(&str, &str)> {
    let (before, external) = line.split_once(" jobid ")?;
    let job = match before.strip_prefix("Job ") {
        Some(job) => job.split_once(" has been submitted with ")?.0,
        None => before.strip_suffix(" with external").filter(|_| before.starts_with("Submitted ") || before.starts_with("Resuming "))?,
    };
    Some((job.rsplit(' ').next()?, external.split(" (log: ").next()?.trim_end_matches('.').trim_matches('\'')))
}

/// What stands after a key that begins a line.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.trim_start().strip_prefix(key))
}

/// What is said, if anything, without the advice that is always added.
fn said(text: &str) -> Option<String> {
    let text = text.split("For further error details see the cluster").next()?.split(" (check log file(s) for ").next()?.trim();
    (!text.is_empty() && text != "None").then(|| cut(text, TEXT))
}

/// A command to compare, whatever its white space and the quotes around it.
fn words(command: &str) -> String {
    command.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches(['\'', '"']).to_owned()
}

/// Whether a command is a job's: environments put theirs before it, and long lines are cut in the middle, each elsewhere.
fn is_same(command: &str, shell: &str) -> bool {
    let start = if shell.len() < LINE / 2 { 0 } else { shell.ceil_char_boundary(shell.len() - NAME) };
    shell.get(start..).is_some_and(|end| !end.is_empty() && command.ends_with(end))
}

/// The paths in a list as Python shows it: `['a.yaml', PosixPath('/b.yaml')]`.
fn paths(list: &str) -> Vec<String> {
    let items = list.trim_matches(['[', ']']).split(", ").map(|item| item.trim_start_matches("PosixPath(").trim_end_matches(')'));
    items.map(|item| cut(item.trim_matches(['\'', '"']), TEXT)).filter(|path| !path.is_empty()).collect()
}

/// Fills a slot once, unless Python had nothing to say.
fn keep(slot: &mut Option<String>, value: &str, bound: usize) {
    if slot.is_none() && !value.is_empty() && value != "None" {
        *slot = Some(cut(value, bound));
    }
}

/// The beginning of a text, at most so many bytes.
fn cut(text: &str, bound: usize) -> String {
    text.get(..text.floor_char_boundary(bound)).unwrap_or_default().to_owned()
}

/// The line without escape sequences of terminals and control characters.
fn plain(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let first = parts.next().unwrap_or_default();
    let after = |part: &str| Some(part.strip_prefix('[')?.find(|end| ('@'..='~').contains(&end))? + 2);
    let rest = parts.filter_map(|part| part.get(after(part).unwrap_or_default()..));
    rest.fold(first.to_owned(), |text, part| text + part).replace(|letter: char| letter.is_control() && letter != '\t', "")
}

#[cfg(test)]
mod tests;
