//! Wire to model: what a report means to us. Pure; never fails, but may set a record aside.

use super::wire;
use model::{
    Invalid, JobStatus, Millis, RunId,
    event::{Event, JobFiles, JobInfo, Report, RuleCode, RunKey, RunStart},
    run::ReportedError,
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// Names are cut to this many bytes, tags likewise: nobody reads more, and an index entry holds no more than 2 700.
const MAX_NAME: usize = 1000;
/// A longer path of a log is no sign by which a run is known.
const MAX_LOGFILE: usize = 2000;

/// A report in our words, and why its record could not be understood, if so.
#[derive(Debug)]
pub struct Translated {
    pub report: Report,
    pub quarantine: Option<String>,
}

/// What an envelope received at `at` means.
///
/// # Errors
/// [`Invalid`] if it names no run: neither an id nor a log file.
pub fn translate(envelope: wire::Envelope, at: Millis) -> Result<Translated, Invalid> {
    let wire::Envelope { event, record, context } = envelope;
    let started_as = if event == "workflow_started" { record.get("workflow_id").and_then(Value::as_str).map(str::to_owned) } else { None };
    let run = key(started_as.as_deref(), &context)?;
    let start = start(&context);
    let outcome = match event.as_str() {
        "workflow_started" => parse(record).map(|record| workflow_started(record, &start, &context)),
        "rulegraph" => parse(record).map(|record: wire::RuleGraph| Event::RuleGraph(record.rulegraph)),
        "run_info" => parse(record).map(run_info),
        "job_started" => parse(record).map(|record: wire::JobStarted| Event::JobsStarted(record.job_ids)),
        "job_info" => parse(record).map(job_info),
        "job_finished" => parse(record).map(|record| job_ended(&record, JobStatus::Success)),
        "job_error" => parse(record).map(|record| job_ended(&record, JobStatus::Failed)),
        "error" => parse(record).map(|record| error(record, at)),
        _ => Ok(Event::Other), // group_info, group_error and what newer versions may send: kept, not used.
    };
    let (event, quarantine) = match outcome {
        Ok(event) => (event, None),
        Err(why) => (Event::Other, Some(why)),
    };
    Ok(Translated { report: Report { run, at, context: start, event }, quarantine })
}

fn key(started_as: Option<&str>, context: &wire::Context) -> Result<RunKey, Invalid> {
    let id = |text: &str, what| text.parse::<RunId>().map_err(|_| Invalid::new(what, text, "a UUID"));
    if let Some(text) = started_as {
        return id(text, "record.workflow_id").map(RunKey::Id);
    }
    if let Some(text) = context.current_workflow_id.as_deref() {
        return id(text, "context.current_workflow_id").map(RunKey::Id);
    }
    match context.logfile.as_deref() {
        Some(logfile) if !logfile.is_empty() && logfile.len() <= MAX_LOGFILE => Ok(RunKey::Logfile(logfile.to_owned())),
        _ => Err(Invalid::new("context", "no current_workflow_id and no logfile", "one of the two, to know the run")),
    }
}

fn parse<T: DeserializeOwned>(record: Value) -> Result<T, String> {
    serde_json::from_value(record).map_err(|error| format!("the record is not of the expected form: {error}"))
}

fn cut(text: &str) -> String {
    if text.len() <= MAX_NAME { text.to_owned() } else { format!("{}…", &text[..text.floor_char_boundary(MAX_NAME)]) }
}

fn start(context: &wire::Context) -> RunStart {
    let name = context.flowo_project_name.as_deref().map(str::trim).filter(|name| !name.is_empty()).map(cut);
    RunStart {
        name,
        tags: context.flowo_tags.iter().take(100).map(|tag| cut(tag)).collect(),
        directory: context.workdir.clone(),
        config_files: context.configfiles.clone().unwrap_or_default(),
        catalog_slug: context.flowo_catalog_slug.clone(),
        logfile: context.logfile.clone().filter(|logfile| logfile.len() <= MAX_LOGFILE),
        dry_run: context.dryrun,
        heartbeats: false,
        ..RunStart::default()
    }
}

fn workflow_started(record: wire::WorkflowStarted, told: &RunStart, context: &wire::Context) -> Event {
    let rules = record.rules.into_iter().map(|rule| RuleCode { name: rule.name, code: rule.code, language: rule.language });
    Event::RunStarted(Box::new(RunStart {
        fingerprint: fingerprint(record.snakefile.as_deref(), context),
        snakefile: record.snakefile,
        rules: rules.collect(),
        heartbeats: context.config_digest.is_some(),
        ..told.clone()
    }))
}

/// Equal for executions of one thing: same directory, workflow file, configuration and project.
///
/// Dry runs have none: they are nobody's attempt. Neither has a run without a directory.
fn fingerprint(snakefile: Option<&str>, context: &wire::Context) -> Option<String> {
    let directory = context.workdir.as_deref().map(|path| path.trim_end_matches('/')).filter(|path| !path.is_empty())?;
    if context.dryrun {
        return None;
    }
    let parts = serde_json::json!([directory, snakefile, context.config_digest, context.flowo_catalog_slug]);
    let hash = Sha256::digest(parts.to_string());
    Some(hash.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

fn run_info(record: wire::RunInfo) -> Event {
    let small = |n: i64| i32::try_from(n.max(0)).unwrap_or(i32::MAX);
    let mut stats = record.stats;
    let told = stats.remove("total").map(small);
    let per_rule: std::collections::BTreeMap<_, _> = stats.into_iter().map(|(rule, n)| (rule, small(n))).collect();
    let total = told.unwrap_or_else(|| per_rule.values().fold(0, |sum: i32, n| sum.saturating_add(*n)));
    Event::Planned { per_rule, total }
}

fn job_info(record: wire::JobInfo) -> Event {
    let small = |n: i64| i32::try_from(n).ok();
    Event::JobInfo(Box::new(JobInfo {
        job_id: record.job_id,
        rule: record.rule_name,
        threads: record.threads.and_then(small),
        priority: record.priority.as_i64().and_then(small),
        wildcards: record.wildcards.unwrap_or_default(),
        resources: record.resources.unwrap_or_default(),
        reason: record.reason,
        message: record.rule_msg,
        shell_command: record.shellcmd,
        files: JobFiles {
            input: record.input.unwrap_or_default(),
            output: record.output.unwrap_or_default(),
            log: record.log.unwrap_or_default(),
            benchmark: record.benchmark.unwrap_or_default(),
        },
        ..JobInfo::default()
    }))
}

const fn job_ended(record: &wire::JobEnded, status: JobStatus) -> Event {
    Event::JobEnded { job_id: record.job_id, status }
}

fn error(record: wire::Error, at: Millis) -> Event {
    Event::Error(ReportedError {
        exception: record.exception.unwrap_or_else(|| "Error".into()),
        rule: record.rule,
        location: record.location,
        traceback: record.traceback,
        at,
    })
}
