//! Parses the log of one Snakemake run: what was started and where, why jobs failed, which jobs ran as a group, and
//! which cluster jobs they became.
//!
//! Takes bytes as they arrive and keeps facts. Opens no file, judges no job's status and trusts no line: whatever the
//! bytes are, the result is some [`RunLog`], and memory stays bounded.

mod errors;
mod jobs;
mod words;

use errors::{Loose, Waiting};
use jobs::Jobs;
use std::{
    collections::{HashMap, VecDeque},
    mem,
};
use uuid::Uuid;
use words::{RECORDS, heading, keep, named, outcome, paths, plain, said, stamp, submission, traced, value};

/// How many bytes are read of a line: its beginning, and its last [`TAIL`] bytes, which contain the exit status.
const LINE: usize = 16 * 1024;
const TAIL: usize = 512;
/// How many bytes are kept of the run's command line, of any other text, and of a name or an id.
const COMMAND: usize = 64 * 1024;
const TEXT: usize = 4 * 1024;
const NAME: usize = 256;
const ERRORS: usize = 3_000;
/// How many exceptions are kept whole; a client reports each of them.
const EXCEPTIONS: usize = 200;
const MEMBERS: usize = 10_000;
const SUBMITTED: usize = 100_000;
/// How many exceptions may wait for the job that they belong to; jobs that fail at the same time interleave only a few.
const WAITING: usize = 16;

/// Facts of one run, as written but without colours and control characters, each at most 4 KiB.
///
/// `None` if the log does not contain the fact. Of the header, Snakemake 9.12 and earlier printed only `host`, 7 and earlier nothing;
/// `own_log` and `elapsed` (`H:MM:SS.ffffff`) come at the end. Relative paths start from `directory`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunLog {
    /// The arguments joined by spaces, unquoted; at most 64 KiB, may span lines.
    pub command: Option<String>,
    /// When the run began, in the local time of `host`: `YYYY-MM-DD HH:MM:SS`.
    pub date: Option<String>,
    /// The uuid that the run's reports also contain.
    pub workflow_id: Option<String>,
    pub host: Option<String>,
    pub user: Option<String>,
    pub platform: Option<String>,
    /// Versions; that of `python` includes its build.
    pub version: Option<String>,
    pub python: Option<String>,
    /// The main workflow file; `base_directory` is its directory.
    pub snakefile: Option<String>,
    pub directory: Option<String>,
    pub base_directory: Option<String>,
    pub config_files: Vec<String>,
    pub config_md5: Option<String>,
    /// The number of local cores; cluster runs have `nodes` instead: jobs at a time, or `unlimited`.
    pub cores: Option<String>,
    pub nodes: Option<String>,
    /// Global resources, joined by `, `: `mem_mb=1000`, or `mem_mb=Resource("mem_mb", 1000)` as written by 9.27.
    pub resources: Option<String>,
    pub shell: Option<String>,
    pub own_log: Option<String>,
    pub elapsed: Option<String>,
    /// The exceptions that were printed, at most 200, in the order of the log. The client also reports each, but only its class.
    pub exceptions: Vec<Exception>,
    pub more_exceptions: u32,
    /// At most 3 000, one per rule and attempt of a job, in the order of first mention; and how many more there are.
    pub errors: Vec<RuleError>,
    pub more_errors: u32,
    /// At most 10 000, in the order of the log; a group that was retried is listed again.
    pub groups: Vec<GroupJob>,
    pub more_groups: u32,
    /// At most 100 000, in the order of the log; a job that was submitted again is listed again.
    pub submitted: Vec<Submitted>,
    pub more_submitted: u32,
    /// How many attempts began while the maximum number of jobs was already being tracked: an error that names no job
    /// may belong to one of them.
    pub unfollowed: u32,
}

/// An exception as Snakemake prints it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exception {
    /// The class as it is reported: `RuleException` even if the text begins with the exception that it wraps.
    pub class: String,
    pub rule: Option<String>,
    /// `file "/a/Snakefile", line 3`
    pub place: Option<String>,
    /// The job that it belongs to, which is then also in `errors`; `None` if unknown.
    pub job: Option<i64>,
    /// At most 4 KiB; says how much was left out.
    pub text: String,
}

/// Why an attempt of a job failed; a later attempt may have succeeded.
///
/// If a group fails, all its members are listed, including those that did their work.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleError {
    /// Empty for a rule with a `message:`, which the log prints instead.
    pub rule: String,
    /// Snakemake's job id; `None` if it is not known which job of the rule failed.
    pub job: Option<i64>,
    /// From 1; 0 without a job.
    pub attempt: u32,
    /// The exception, or the executor's message. `None` for `run:` rules, whose exceptions are not in the log.
    pub message: Option<String>,
    /// Exit status of the command; `-9` if signal 9 ended it.
    pub exit_status: Option<i32>,
    /// The job's log files and the cluster's, joined by `, `.
    pub log: Option<String>,
    /// When it was printed, in the local time of the host: `Sun Nov 22 07:11:40 2026`.
    pub at: Option<String>,
    /// Snakemake printed an exception and no error of the job: no report will say that it failed.
    pub is_silent: bool,
    /// Only without a job: according to the log no job of the rule had begun, so the failed job was never described.
    pub before_start: bool,
}

/// A member of a group of jobs that is submitted as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupJob {
    /// The name in the workflow, which many groups may share, or a uuid; and the group's index in the log, from 1.
    pub group: String,
    pub nth: u32,
    pub job: i64,
    /// `None` for a rule with a `message:`, which the log prints instead.
    pub rule: Option<String>,
}

/// An attempt of a job, and its id in the cluster, at most 256 bytes. Members of a group share one id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    pub job: i64,
    /// From 1.
    pub attempt: u32,
    pub external: String,
}

/// Parses a log piece by piece, wherever it is split.
#[derive(Debug, Default)]
pub struct RunLogReader {
    found: RunLog,
    line: Vec<u8>,
    /// The current record (consecutive lines that belong together), and whether a shell command is still open in it.
    record: String,
    in_command: bool,
    /// The number of records so far, and the record after which the newest of `waiting` was added.
    records: u64,
    waiting_since: u64,
    jobs: Jobs,
    /// Exceptions that wait for the error of their job, newest first; and how many of them are newer than the last error.
    waiting: VecDeque<Waiting>,
    fresh: usize,
    /// The newest exception that names no job.
    loose: Option<Loose>,
    /// Positions in workflow files that are known to belong to a rule.
    places: HashMap<String, String>,
    /// The current group; the log of the group that failed last; the number of groups; and the groups that are not submitted yet.
    group: Option<String>,
    group_log: Option<String>,
    groups: u32,
    unsubmitted: Vec<u32>,
    /// For each member of a group: the id that the group has if this member is its last job, and the group's index.
    ids: Vec<(Uuid, u32)>,
}

impl RunLogReader {
    pub fn new() -> Self {
        Self::default()
    }

    /// What the complete records so far contain.
    pub fn found(&self) -> &RunLog {
        &self.found
    }

    /// Takes the next bytes; they may be split within lines and characters.
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

    /// Everything, including the last line even if it is incomplete.
    pub fn finish(mut self) -> RunLog {
        self.end_line();
        self.end_record();
        self.found
    }

    fn end_line(&mut self) {
        let line = plain(&String::from_utf8_lossy(&mem::take(&mut self.line)));
        // An empty exception is the first line of another exception.
        let begins = heading(&line).is_some() && self.record != "RuleException:\n" || submission(&line).is_some();
        if stamp(&line).is_some() || !self.in_command && (begins || RECORDS.split('|').any(|record| line.starts_with(record))) {
            self.end_record();
        }
        let shell = line.starts_with("Command '") || line.trim() == "shell:";
        self.in_command = (self.in_command || shell) && outcome(&line).is_none() && !line.contains(" exited with non-zero exit code");
        if self.record.len() + line.len() < COMMAND + LINE {
            self.record.extend([&line, "\n"]);
        }
    }

    /// A record ends before the next time stamp, or before the next line that Snakemake prints on its own account.
    fn end_record(&mut self) {
        self.in_command = false;
        let record = mem::take(&mut self.record);
        self.records += 1;
        let stamped = stamp(&record);
        let (at, text) = stamped.unwrap_or(("", &record));
        let first = text.lines().next().unwrap_or_default();
        let between = |start, end| text.lines().find_map(|line| line.trim_start().strip_prefix(start)?.strip_suffix(end));
        let indented = record.starts_with(' ');
        if !indented && !first.starts_with("Shell command:") {
            let name = ["Group job ", "group job "].into_iter().find_map(|start| between(start, " (jobs in lexicogr. order):"));
            self.group = name.filter(|_| stamped.is_some()).map(named);
        }
        if stamped.is_none() {
            self.unstamped(first, text);
        } else if self.group.is_some() && !indented {
            self.groups = self.groups.saturating_add(1);
            if self.unsubmitted.len() < MEMBERS {
                self.unsubmitted.push(self.groups);
            }
        } else if text.trim_start().starts_with("message: Error in group ") {
            self.group_log = text.split(" jobs:").next().and_then(|text| value(text, "log: ")).and_then(said);
        } else if let Some(rule) = between("Error in rule ", ":") {
            let log = self.group_log.clone().filter(|_| indented);
            self.error(RuleError { rule: named(rule), log, at: Some(at.to_owned()), ..RuleError::default() }, text, indented);
        } else if let Some(rest) = first.strip_prefix("Finished job") {
            let id = rest.trim_start_matches("id:").trim_start().split([' ', '.']).next().unwrap_or_default();
            id.parse::<i64>().into_iter().for_each(|job| self.jobs.finish(job));
        } else {
            self.begun(text);
        }
    }

    fn unstamped(&mut self, first: &str, text: &str) {
        let after = |start: &str| text.strip_prefix(start);
        if first == "SNAKEMAKE" {
            let (_, command) = text.split_once("\n  Command: ").unwrap_or_default();
            keep(&mut self.found.command, command.split("\n  Snakefile: ").next().unwrap_or_default(), COMMAND);
            text.lines().filter_map(|line| line.strip_prefix("  ")).for_each(|line| self.fact(line));
        } else if let Some(heading) = heading(first) {
            self.exception(heading, text);
        } else if let Some((job, external)) = submission(first) {
            self.submission(job, external);
        } else if let Some(command) = after("Shell command:") {
            self.jobs.command(command);
        } else if let Some(id) = after("Trying to restart job ") {
            self.restart(id.trim().trim_end_matches('.'));
        } else if let Some(text) = after("Removing output files of failed job ") {
            self.removing(text);
        } else if first.starts_with("Select jobs to execute") {
            self.loose = None;
        } else if let Some(class) = traced(text).filter(|_| first == "Traceback (most recent call last):") {
            let text = words::shortened(text.trim(), TEXT);
            self.keep_exception(Exception { class: named(class), text, ..Exception::default() });
        } else {
            self.fact(first);
        }
    }

    /// A line of the header, or one of the few that stand on their own.
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

    /// A job that begins according to the log, alone or as a member of the current group.
    fn begun(&mut self, text: &str) {
        let lines = || text.lines().map(|line| line.trim_start().trim_start_matches("local"));
        let id = |line: &str| line.strip_prefix("jobid: ").or_else(|| Some(line.strip_prefix("Job ")?.split_once(": ")?.0))?.parse().ok();
        let rule = lines().find_map(|line| line.strip_prefix("rule ").or_else(|| line.strip_prefix("checkpoint "))?.strip_suffix(':'));
        let Some(job) = lines().find_map(id) else { return };
        let rule = rule.map(named);
        let [output, input] = ["output: ", "input: "].map(|key| value(text, key).unwrap_or_default());
        self.found.unfollowed += u32::from(!self.jobs.start(job, rule.as_deref(), output, input));
        let Some(group) = self.group.clone() else { return };
        if self.found.groups.len() == MEMBERS {
            self.found.more_groups += 1;
            return;
        }
        if let Some(rule) = &rule {
            self.ids.push((jobs::uuid(rule, value(text, "wildcards: ").unwrap_or_default()), self.groups));
        }
        self.found.groups.push(GroupJob { group, nth: self.groups, job, rule });
    }

    /// The newest group with that id, as its index in the log.
    fn group_of(&self, id: &str) -> Option<u32> {
        let id: Uuid = id.parse().ok()?;
        self.ids.iter().rev().find(|(known, _)| *known == id).map(|(_, nth)| *nth)
    }

    /// The members of a group, with their rules, in the order of the log.
    fn members(&self, nth: u32) -> Vec<(i64, Option<String>)> {
        let of_group = self.found.groups.iter().filter(|member| member.nth == nth);
        of_group.map(|member| (member.job, member.rule.clone())).collect()
    }

    fn submission(&mut self, id: &str, external: &str) {
        let job: Option<i64> = id.parse().ok();
        // If wildcards contain commas, the id cannot be computed; then the group is certain only if a single one is waiting.
        let alone = self.unsubmitted.first().copied().filter(|_| self.unsubmitted.len() == 1);
        let group = job.is_none().then(|| self.group_of(id).or(alone)).flatten();
        if job.is_none() {
            self.unsubmitted.retain(|nth| group.is_some_and(|group| group != *nth));
        }
        let members = group.map(|nth| self.members(nth)).unwrap_or_default();
        job.into_iter().chain(members.into_iter().map(|(job, _)| job)).for_each(|job| self.submit(job, external));
    }

    fn submit(&mut self, job: i64, external: &str) {
        let new = Submitted { job, attempt: self.jobs.attempt(job), external: named(external) };
        let submitted = &mut self.found.submitted;
        // An error repeats the id; searching only the latest submissions is enough.
        if submitted.iter().rev().take(1_000).any(|known| *known == new) {
            return;
        }
        if submitted.len() < SUBMITTED {
            submitted.push(new);
        } else {
            self.found.more_submitted += 1;
        }
    }
}

#[cfg(test)]
mod tests;
