//! Wire to model: what a report means. Pure; never fails, but may set a record aside.

use super::wire;
use crate::weight::{MOST_VALUES, Weight};
use model::{
    Invalid, JobStatus, Millis, RunId,
    cut::{Cut, Part, head, letters},
    event::{Event, JobFiles, JobInfo, Report, RuleCode, RunKey, RunStart},
    marks::all_bare,
    run::ReportedError,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::{fmt::Write as _, sync::Arc};

/// Names and tags are cut to this many bytes: nobody reads more, and an index entry holds at most 2 700.
const MAX_NAME: usize = 1000;
/// How many tags are kept.
const MAX_TAGS: usize = 100;
/// A log path longer than this does not identify a run.
const MAX_LOGFILE: usize = 2000;
/// How many letters of the reason are kept when a record was not understood.
const MAX_REASON: usize = 1000;
/// How many values a start may have: each of its rules counts as several values, but takes less memory than as many paths.
const MOST_IN_START: usize = 2 * MOST_VALUES;
/// A record shorter than this (bytes) cannot have too many values.
const SHORT: usize = 1 << 20;

/// A report in the model's terms, and, if its record could not be understood, the reason.
#[derive(Debug)]
pub struct Translated {
    pub report: Report,
    pub quarantine: Option<String>,
}

/// Translates an envelope that was received at `at`.
///
/// # Errors
/// [`Invalid`] if the envelope identifies no run: neither by id nor by log file.
pub fn translate(envelope: wire::Envelope<'_>, at: Millis) -> Result<Translated, Invalid> {
    let wire::Envelope { event, record, context } = envelope;
    let started_as = if event == "workflow_started" { named(record) } else { None };
    let run = key(started_as.as_deref(), &context)?;
    let start = start(&context);
    let outcome = match event.as_str() {
        "workflow_started" => parse_up_to(MOST_IN_START, record).map(|record| workflow_started(record, &start, &context)),
        "rulegraph" => parse(record).map(|record: wire::RuleGraph| Event::RuleGraph(Arc::new(record.rulegraph))),
        "run_info" => parse(record).map(run_info),
        "job_started" => parse(record).map(|record: wire::JobStarted| Event::JobsStarted(record.job_ids)),
        "job_info" => parse(record).map(job_info),
        "job_finished" => parse(record).map(|record| job_ended(&record, JobStatus::Success)),
        "job_error" => parse(record).map(|record| job_ended(&record, JobStatus::Failed)),
        "error" => parse(record).map(|record| error(record, at)),
        _ => Ok(Event::Other), // group_info, group_error and whatever newer versions may send: stored, not used.
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

/// The run that a start names, if it names one.
fn named(record: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Named<'a> {
        #[serde(borrow)]
        workflow_id: Option<&'a RawValue>,
    }
    let named: Named<'_> = serde_json::from_str(record.get()).ok()?;
    serde_json::from_str(named.workflow_id?.get()).ok()
}

fn parse<'a, T: Deserialize<'a>>(record: &'a RawValue) -> Result<T, String> {
    parse_up_to(MOST_VALUES, record)
}

fn parse_up_to<'a, T: Deserialize<'a>>(most: usize, record: &'a RawValue) -> Result<T, String> {
    let text = record.get();
    if text.len() > SHORT && Weight::of(text).values > most {
        return Err(format!("the record holds more than {most} values"));
    }
    serde_json::from_str(text).map_err(|error| {
        // The error text quotes what was found, however long that is.
        format!("the record is not of the expected form: {}", letters(&error.to_string(), MAX_REASON))
    })
}

fn start(context: &wire::Context) -> RunStart {
    let name = context.flowo_project_name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    let tags = &context.flowo_tags;
    let longest = |texts: &mut dyn Iterator<Item = &str>| texts.map(str::len).max().unwrap_or(0);
    let cuts = [
        Cut::new(Part::Name, MAX_NAME, longest(&mut name.into_iter())),
        Cut::new(Part::Tags, MAX_TAGS, tags.len()),
        Cut::new(Part::Tag, MAX_NAME, longest(&mut tags.iter().take(MAX_TAGS).map(String::as_str))),
        Cut::new(Part::Logfile, MAX_LOGFILE, context.logfile.as_ref().map_or(0, String::len)),
    ];
    RunStart {
        name: name.map(|name| head(name, MAX_NAME)),
        tags: tags.iter().take(MAX_TAGS).map(|tag| head(tag, MAX_NAME)).collect(),
        directory: context.workdir.clone(),
        config_files: context.configfiles.clone().unwrap_or_default(),
        catalog_slug: context.flowo_catalog_slug.clone(),
        logfile: context.logfile.clone().filter(|logfile| logfile.len() <= MAX_LOGFILE),
        dry_run: context.dryrun,
        heartbeats: false,
        // The plugin reads these right before it sends its start, whether or not the start arrives.
        sent: context.configfiles.is_some() || context.config_digest.is_some(),
        cuts: cuts.into_iter().flatten().collect(),
        ..RunStart::default()
    }
}

fn workflow_started(record: wire::WorkflowStarted, shared: &RunStart, context: &wire::Context) -> Event {
    let rules = record.rules.into_iter().map(|rule| RuleCode { name: rule.name, code: rule.code, language: rule.language });
    Event::RunStarted(Arc::new(RunStart {
        fingerprint: fingerprint(record.snakefile.as_deref(), context),
        snakefile: record.snakefile,
        rules: rules.collect(),
        heartbeats: context.config_digest.is_some(),
        ..shared.clone()
    }))
}

/// Equal for executions of the same thing: same directory, workflow file, configuration and project.
///
/// `None` for dry runs, which are nobody's attempt, and for runs without a directory.
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
    let total = stats.remove("total").map(small);
    let per_rule: std::collections::BTreeMap<_, _> = stats.into_iter().map(|(rule, n)| (rule, small(n))).collect();
    let total = total.unwrap_or_else(|| per_rule.values().fold(0, |sum: i32, n| sum.saturating_add(*n)));
    Event::Planned { per_rule, total }
}

fn job_info(record: wire::JobInfo) -> Event {
    let small = |n: i64| i32::try_from(n).ok();
    Event::JobInfo(Arc::new(JobInfo {
        job_id: record.job_id,
        rule: record.rule_name,
        threads: record.threads.and_then(small),
        priority: record.priority.and_then(small),
        wildcards: record.wildcards.unwrap_or_default(),
        resources: record.resources.unwrap_or_default(),
        reason: record.reason,
        message: record.rule_msg,
        shell_command: record.shellcmd,
        files: JobFiles {
            input: all_bare(record.input.unwrap_or_default()),
            output: all_bare(record.output.unwrap_or_default()),
            log: all_bare(record.log.unwrap_or_default()),
            benchmark: all_bare(record.benchmark.unwrap_or_default()),
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
        ..ReportedError::at(at)
    })
}
