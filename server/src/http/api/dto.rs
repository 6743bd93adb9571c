//! The API's forms of runs, rules and jobs. Stable: pages have their own.

use chrono::{DateTime, SecondsFormat, Utc};
use model::{
    Millis,
    job::JobRow,
    run::{JobCounts, RuleRow, RunDetail, RunSummary},
};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use store::{jobs, runs::find};
use utoipa::ToSchema;
use uuid::Uuid;

/// RFC 3339 in UTC with milliseconds.
pub fn time(at: Millis) -> Option<String> {
    Some(DateTime::<Utc>::from_timestamp_millis(at)?.to_rfc3339_opts(SecondsFormat::Millis, true))
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Counts {
    /// The larger of planned and seen jobs.
    total: i32,
    planned: Option<i32>,
    seen: i32,
    /// Waiting and suspended.
    waiting: i32,
    running: i32,
    success: i32,
    failed: i32,
    lost: i32,
    skipped: i32,
}

impl From<JobCounts> for Counts {
    fn from(jobs: JobCounts) -> Self {
        Self {
            total: jobs.total(),
            planned: jobs.planned,
            seen: jobs.seen(),
            waiting: jobs.waiting,
            running: jobs.running,
            success: jobs.success,
            failed: jobs.failed,
            lost: jobs.lost,
            skipped: jobs.skipped,
        }
    }
}

/// An execution of a workflow.
#[derive(Debug, Serialize, ToSchema)]
pub struct Run {
    id: Uuid,
    number: i64,
    name: String,
    /// waiting, running, suspended, success, failed, lost, cancelled or skipped.
    status: &'static str,
    source: String,
    client_version: Option<String>,
    user: String,
    directory: Option<String>,
    snakefile: Option<String>,
    tags: Vec<String>,
    dry_run: bool,
    attempt: i32,
    lineage_id: Option<Uuid>,
    catalog_slug: Option<String>,
    started_at: Option<String>,
    ended_at: Option<String>,
    last_seen_at: Option<String>,
    heartbeats: bool,
    closed_by_client: bool,
    quarantined: i32,
    revision: i64,
    jobs: Counts,
}

impl Run {
    pub fn new(run: RunSummary, facts: find::Facts) -> Self {
        Self {
            id: run.id.0,
            number: run.number,
            name: run.name,
            status: run.status.as_str(),
            source: run.source,
            client_version: facts.client_version,
            user: run.user,
            directory: run.directory,
            snakefile: facts.snakefile,
            tags: run.tags,
            dry_run: run.dry_run,
            attempt: run.attempt,
            lineage_id: facts.lineage_id,
            catalog_slug: facts.catalog_slug,
            started_at: run.started_at.and_then(time),
            ended_at: run.ended_at.and_then(time),
            last_seen_at: time(facts.last_seen_at),
            heartbeats: facts.heartbeats,
            closed_by_client: facts.closed_by_client,
            quarantined: run.quarantined,
            revision: run.revision,
            jobs: run.jobs.into(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Attempt {
    id: Uuid,
    attempt: i32,
    status: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ReportedError {
    exception: String,
    rule: Option<String>,
    location: Option<String>,
    /// The client's number of the job that this error is about, if the run's log says so.
    job_id: Option<i64>,
    /// The text from the run's log, unless it is a job's error.
    text: Option<String>,
    at: Option<String>,
}

/// A run with everything stored about it except its jobs.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunWithDetail {
    #[serde(flatten)]
    run: Run,
    rule_graph: Option<Value>,
    planned: Option<Value>,
    errors: Vec<ReportedError>,
    command_line: Option<String>,
    host: Option<String>,
    config_files: Vec<String>,
    config: Option<Value>,
    attempts: Vec<Attempt>,
    /// What was not reported, or was too long to store; sentences without a final full stop.
    notes: Vec<String>,
}

impl RunWithDetail {
    pub fn new(detail: RunDetail, facts: find::Facts, extras: find::Extras) -> Self {
        Self {
            notes: detail.notes(),
            run: Run::new(detail.run, facts),
            rule_graph: extras.rule_graph,
            planned: extras.planned,
            errors: detail
                .errors
                .into_iter()
                .map(|error| ReportedError {
                    exception: error.exception,
                    rule: error.rule,
                    location: error.location,
                    job_id: error.job_id,
                    text: error.text,
                    at: time(error.at),
                })
                .collect(),
            command_line: detail.command_line,
            host: detail.host,
            config_files: detail.config_files,
            config: extras.config,
            attempts: detail
                .attempts
                .into_iter()
                .map(|attempt| Attempt { id: attempt.id.0, attempt: attempt.attempt, status: attempt.status.as_str() })
                .collect(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RunPage {
    pub items: Vec<Run>,
    /// Give it as `after` for the next page.
    pub next: Option<String>,
    pub total: i64,
    pub total_is_exact: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Rule {
    /// Empty for jobs whose rule was never reported.
    name: String,
    language: Option<String>,
    code: Option<String>,
    #[serde(flatten)]
    jobs: Counts,
}

impl Rule {
    pub fn new(rule: RuleRow, code: Option<String>) -> Self {
        Self { name: rule.name, language: rule.language, code, jobs: rule.jobs.into() }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RulePage {
    pub items: Vec<Rule>,
    /// Give it as `after` for the next page.
    pub next: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct FileCounts {
    input: i64,
    output: i64,
    log: i64,
    benchmark: i64,
}

/// One attempt of a job.
#[derive(Debug, Serialize, ToSchema)]
pub struct Job {
    id: i64,
    job_id: Option<i64>,
    attempt: i32,
    superseded: bool,
    rule: Option<String>,
    /// waiting, running, suspended, success, failed, lost, cancelled or skipped.
    status: &'static str,
    wildcards: BTreeMap<String, String>,
    threads: Option<i32>,
    priority: Option<i32>,
    resources: Value,
    reason: Option<String>,
    message: Option<String>,
    shell_command: Option<String>,
    group: Option<String>,
    external_id: Option<String>,
    queued_at: Option<String>,
    started_at: Option<String>,
    ended_at: Option<String>,
    exit_code: Option<i32>,
    error: Option<String>,
    /// Null if everything was reported. `close`: the end follows from the run's end; `log`: the rest comes from the run's log.
    filled_from: Option<String>,
    files: FileCounts,
    revision: i64,
}

impl Job {
    pub fn new(row: JobRow, extras: jobs::Extras) -> Self {
        Self {
            id: row.id.0,
            job_id: row.job_id,
            attempt: row.attempt,
            superseded: row.superseded,
            rule: row.rule,
            status: row.status.as_str(),
            wildcards: row.wildcards,
            threads: row.threads,
            priority: extras.priority,
            resources: extras.resources.unwrap_or_else(|| Value::Object(serde_json::Map::new())),
            reason: row.reason,
            message: row.message,
            shell_command: extras.shell_command,
            group: extras.group_name,
            external_id: extras.external_id,
            queued_at: extras.queued_at.and_then(time),
            started_at: row.started_at.and_then(time),
            ended_at: row.ended_at.and_then(time),
            exit_code: extras.exit_code,
            error: extras.error,
            filled_from: extras.filled_from,
            files: FileCounts { input: extras.input, output: extras.output, log: extras.log, benchmark: extras.benchmark },
            revision: row.revision,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct JobPage {
    pub items: Vec<Job>,
    pub next: Option<String>,
}
