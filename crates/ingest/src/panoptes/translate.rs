//! Message to model: what an update means, and what must be remembered of a conversation to understand it.
//!
//! Pure. It remembers only what later messages of the client need. After a restart of the server in between, the job of
//! a command may be unknown or a twin may be reported twice, but no state is lost.

mod lines;
mod values;

pub use lines::Hints;
use lines::{Stop, exit_code, location, planned, words};
use model::{
    JobStatus, Millis,
    cut::letters as cut,
    event::{Event, JobFiles, JobInfo, JobUpdate},
    run::ReportedError,
    text::count,
};
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, VecDeque},
    hash::{BuildHasher, RandomState},
    sync::{Arc, LazyLock},
};
use values::{number, plain, texts};

/// How many recent texts are compared to find a twin.
const TWINS: usize = 64;
/// How many errors wait for the report of their job.
const ERRORS: usize = 16;
/// How many letters of an error are kept with a job.
const ERROR: usize = 16_000;
/// How many letters the class of an error may have.
const CLASS: usize = 300;
/// Event times that differ by more than this from their receipt are not believed.
const DAY: Millis = 24 * 3600 * 1000;
/// How many jobs one event contains at most; a message with more becomes several events.
const MOST_JOBS: usize = 10_000;
/// How many members of a group one message may contain.
const MOST_MEMBERS: usize = 10_000;
/// How many paths are kept with a job: more than a rule over 100 000 jobs has.
const MOST_PATHS: usize = 200_000;
/// A sign of life is recorded at least this often (ms), even if the messages say little.
const LIFE: Millis = 30_000;

/// What is remembered of a client's run.
#[derive(Debug)]
pub struct Conversation {
    /// Hashes of the latest messages that carry their own time.
    recent: VecDeque<u64>,
    /// The newest job that was described: later messages without a job number are about it.
    last_job: Option<i64>,
    /// Jobs are really executed: the client said so, or a job has ended.
    executes: bool,
    /// What its command line shows about its messages.
    hints: Hints,
    /// The client reports the ends of jobs that succeed: it has done so, or may have done so.
    reports_ends: bool,
    /// Errors whose job has not been reported yet.
    errors: VecDeque<String>,
    /// The newest of these errors came with the previous message.
    just_reported: bool,
    /// Set if the run was asked to stop, or gives up.
    stops: Option<Stop>,
    /// The run is preparing what the workflow itself depends on (a subworkflow): ends that are reported now are not the run's.
    within: bool,
    /// The smallest difference seen between the server's clock and the client's, in ms.
    offset: Option<Millis>,
    /// When an event of this run was last written.
    written_at: Millis,
}

static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl Conversation {
    /// The conversation of a new run. Its jobs count as only announced until the client says that it executes them.
    ///
    /// `hints`: what its command line shows about its messages.
    pub fn new(hints: Hints) -> Self {
        Self {
            hints,
            recent: VecDeque::new(),
            last_job: None,
            executes: false,
            reports_ends: false,
            errors: VecDeque::new(),
            just_reported: false,
            stops: None,
            within: false,
            offset: None,
            written_at: 0,
        }
    }

    /// The conversation of a run whose beginning another process received.
    pub fn resumed(hints: Hints) -> Self {
        Self::joined(hints, true)
    }

    /// A conversation of which earlier messages may be unknown. `executes`: whether its run had executed jobs before.
    pub fn joined(hints: Hints, executes: bool) -> Self {
        Self { executes, reports_ends: true, ..Self::new(hints) }
    }

    /// What its command line shows about its messages.
    pub fn hints(&self) -> Hints {
        self.hints
    }

    /// Whether its jobs are known to be executed, and not only announced.
    pub fn executes(&self) -> bool {
        self.executes
    }

    /// Whether a message that carries its own time came before; if not, remembers it and returns its hash.
    pub fn is_twin(&mut self, text: &str) -> Result<u64, Twin> {
        let hash = HASHER.hash_one(text);
        if self.recent.contains(&hash) {
            return Err(Twin);
        }
        if self.recent.len() == TWINS {
            self.recent.pop_front();
        }
        self.recent.push_back(hash);
        Ok(hash)
    }

    /// Forgets a message that was not stored: it may come again.
    pub fn forget(&mut self, hash: u64) {
        self.recent.retain(|held| *held != hash);
    }

    /// The time at which a message counts: when its client says it happened, by the server's clock, and never later than now.
    pub fn time(&mut self, message: &Map<String, Value>, now: Millis) -> Millis {
        let believable = |seconds: &f64| (0.0..1e11).contains(seconds);
        let Some(seconds) = message.get("timestamp").and_then(Value::as_f64).filter(believable) else { return now };
        let reported = (seconds * 1000.0) as Millis;
        let offset = self.offset.map_or(now - reported, |offset| offset.min(now - reported));
        self.offset = Some(offset);
        let at = reported.saturating_add(offset);
        if (now - at) <= DAY { at } else { now }
    }

    /// The events of a message; none for a message that is not worth a write.
    pub fn translate(&mut self, message: &Map<String, Value>, at: Millis) -> Vec<Event> {
        let events = self.meaning(message, at);
        if events.is_empty() && at - self.written_at >= LIFE {
            self.written_at = at;
            return vec![Event::Seen];
        }
        if !events.is_empty() {
            self.written_at = at;
        }
        events
    }

    fn meaning(&mut self, message: &Map<String, Value>, at: Millis) -> Vec<Event> {
        let text = |name: &str| message.get(name).and_then(Value::as_str);
        let said = text("msg").unwrap_or("");
        let just_reported = std::mem::take(&mut self.just_reported);
        let event = match text("level").unwrap_or("") {
            "debug" | "dag_debug" | "host" => return Vec::new(),
            "job_info" => match number(message.get("jobid")) {
                Some(job_id) => {
                    self.last_job = Some(job_id);
                    // Clients that report starts report them only for jobs that run.
                    let (info, left_out) = self.job_info(job_id, message);
                    let warning = left_out_files(job_id, left_out);
                    return std::iter::once(Event::JobInfo(Arc::new(info))).chain(warning).collect();
                }
                None => Event::Other,
            },
            "job_started" => {
                self.executes = true;
                let jobs = message.get("jobs").and_then(Value::as_array).into_iter().flatten();
                let jobs: Vec<i64> = jobs.filter_map(|job| number(Some(job))).collect();
                if jobs.is_empty() {
                    return vec![Event::Other];
                }
                return jobs.chunks(MOST_JOBS).map(|some| Event::JobsStarted(some.to_vec())).collect();
            }
            "shellcmd" => match number(message.get("jobid")).or(self.last_job) {
                Some(job_id) if !said.is_empty() => Event::JobUpdated {
                    job_id,
                    update: Box::new(JobUpdate { shell_command: Some(said.to_owned()), ..JobUpdate::default() }),
                },
                _ => words("info", said),
            },
            "job_finished" => match number(message.get("jobid")) {
                Some(job_id) => {
                    self.executes = true;
                    self.reports_ends = true;
                    Event::JobEnded { job_id, status: JobStatus::Success }
                }
                None => Event::Other,
            },
            "job_error" => {
                self.executes = true;
                return self.job_error(message, just_reported);
            }
            "group_error" => {
                self.executes = true;
                let members = message.get("job_error_info").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                let left_out = members.len().saturating_sub(MOST_MEMBERS);
                let members = members.iter().take(MOST_MEMBERS);
                let mut events: Vec<Event> =
                    members.filter_map(Value::as_object).flat_map(|member| self.job_error(member, false)).collect();
                events.push(words("error", said));
                if left_out > 0 {
                    events.push(words("warning", &format!("{} more jobs of the group failed.", count(left_out as i64))));
                }
                return events;
            }
            "progress" => {
                self.reports_ends = true;
                let reported = |name: &str| number(message.get(name)).map_or(0, |n| i32::try_from(n.max(0)).unwrap_or(i32::MAX));
                let (done, total) = (reported("done"), reported("total"));
                if self.within && done >= total {
                    return Vec::new();
                }
                Event::Progress { done, total }
            }
            "error" => self.error(message, said, at),
            "resources_info" => {
                self.executes = true;
                words("info", said)
            }
            "run_info" => match planned(said) {
                // Such a run says nothing else about itself.
                Some(plan) if self.hints.quiet && self.hints.dry && !self.executes => return vec![plan, Event::WasDryRun],
                plan => plan.unwrap_or_else(|| words("info", said)),
            },
            "info" => self.info(said),
            "warning" => words("warning", said),
            "workflow_success" => Event::Closed,
            _ => Event::Other,
        };
        match &event {
            Event::Said { message, logfile: None, end: None, .. } if message.trim().is_empty() => Vec::new(),
            _ => vec![event],
        }
    }

    /// The description of a job, and how many of its files are left out.
    fn job_info(&self, job_id: i64, message: &Map<String, Value>) -> (JobInfo, usize) {
        let text = |name: &str| message.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
        let small = |name: &str| number(message.get(name)).and_then(|n| i32::try_from(n).ok());
        // Older clients send a list without names.
        let resources = match message.get("resources") {
            Some(Value::Object(named)) => named.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            Some(Value::Array(unnamed)) if !unnamed.is_empty() => BTreeMap::from([("unnamed".to_owned(), Value::Array(unnamed.clone()))]),
            _ => BTreeMap::new(),
        };
        let (mut room, mut left_out) = (MOST_PATHS, 0);
        let mut paths = |name: &str| {
            let mut paths = texts(message.get(name));
            left_out += paths.len().saturating_sub(room);
            paths.truncate(room);
            room -= paths.len();
            model::marks::all_bare(paths)
        };
        let files = JobFiles { output: paths("output"), log: paths("log"), benchmark: paths("benchmark"), input: paths("input") };
        let info = JobInfo {
            job_id,
            name: None,
            rule: text("name"),
            threads: small("threads"),
            priority: small("priority"),
            wildcards: message
                .get("wildcards")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect(),
            resources,
            reason: text("reason"),
            message: text("msg"),
            shell_command: text("shellcmd"),
            files,
            checkpoint: message.get("is_checkpoint").and_then(Value::as_bool).unwrap_or(false),
            // Clients that send the command along have no way to mark a job as only announced.
            planned: !self.executes && !message.contains_key("shellcmd"),
        };
        (info, left_out)
    }

    /// The event of a log line.
    fn info(&mut self, said: &str) -> Event {
        if said.starts_with("Executing subworkflow ") {
            self.within = true;
        } else if said.starts_with("Executing main workflow") {
            self.within = false;
        }
        // Some clients that run jobs on a cluster say nothing more before the first job has ended.
        self.executes |= said.starts_with("Using shell: ");
        self.stops = self.stops.or_else(|| lines::stop(said));
        // Without a command line, nothing says that a client is quiet, except that it never reports an end.
        let quiet = self.hints.quiet || !(self.hints.known || self.reports_ends);
        let event = lines::info(said, self.stops, quiet);
        let ends = event.may_close();
        if self.within && ends { words("info", said) } else { event }
    }

    /// The events of a failed job; a job that ends because its user stops the run counts as cancelled.
    fn job_error(&mut self, message: &Map<String, Value>, just_reported: bool) -> Vec<Event> {
        let Some(job_id) = number(message.get("jobid")) else { return Vec::new() };
        let text = |name: &str| message.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
        let aux = message.get("aux").and_then(Value::as_object);
        let external = message.get("external_jobid").or_else(|| aux.and_then(|aux| aux.get("external_jobid")));
        let command = text("shellcmd");
        let error = self.error_of(command.as_deref(), just_reported);
        let mut logs = texts(message.get("log"));
        let warning = left_out_files(job_id, logs.len().saturating_sub(MOST_PATHS));
        logs.truncate(MOST_PATHS);
        let update = Box::new(JobUpdate {
            rule: text("name"),
            shell_command: command,
            external_id: external.and_then(plain),
            conda_env: text("conda_env"),
            exit_code: error.as_deref().and_then(exit_code),
            error,
            logs,
        });
        let mut events = match self.stops {
            Some(Stop::ByUser) => vec![Event::JobEnded { job_id, status: JobStatus::Cancelled }, Event::JobUpdated { job_id, update }],
            _ => vec![Event::JobFailed { job_id, update }],
        };
        events.extend(warning);
        events
    }

    /// The error that was reported before the end of this job: the one that contains its command, otherwise one that
    /// came directly before.
    fn error_of(&mut self, command: Option<&str>, just_reported: bool) -> Option<String> {
        let names = |error: &String| command.is_some_and(|command| error.contains(command));
        match self.errors.iter().position(names) {
            Some(at) => self.errors.remove(at),
            None if just_reported => self.errors.pop_back(),
            None => None,
        }
    }

    fn error(&mut self, message: &Map<String, Value>, said: &str, at: Millis) -> Event {
        let text = |name: &str| message.get(name).and_then(Value::as_str).map(str::to_owned);
        // The newest clients send only the name of the class.
        if message.contains_key("traceback") {
            let exception = if said.is_empty() { "Error".to_owned() } else { cut(said, CLASS) };
            let idle = exception != "WorkflowError"; // Other errors also come before the end of their job.
            let error = ReportedError {
                exception,
                rule: text("rule"),
                location: text("location"),
                traceback: text("traceback"),
                ..ReportedError::at(at)
            };
            return Event::Fatal { error, idle };
        }
        let (class, rest) = said.split_once('\n').unwrap_or((said, ""));
        let class = class.trim().trim_end_matches(':');
        let error = ReportedError {
            exception: if class.is_empty() { "Error".to_owned() } else { cut(class, CLASS) },
            rule: None,
            location: location(rest),
            traceback: (!rest.trim().is_empty()).then(|| cut(rest, ERROR)),
            ..ReportedError::at(at)
        };
        let is_last = said.starts_with("Exiting because a job execution failed") || !self.executes;
        if is_last {
            return Event::Fatal { error, idle: false };
        }
        if self.errors.len() == ERRORS {
            self.errors.pop_front();
        }
        self.errors.push_back(cut(said, ERROR));
        self.just_reported = true;
        Event::Error(error)
    }
}

/// A log message about files of a job that are left out; `None` if none are.
fn left_out_files(job_id: i64, more: usize) -> Option<Event> {
    let files = if more == 1 { "file" } else { "files" };
    (more > 0).then(|| words("warning", &format!("Job {job_id} names {} {files} more than are kept of a job.", count(more as i64))))
}

/// The message came before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Twin;

#[cfg(test)]
mod tests;
