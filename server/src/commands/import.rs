//! `flowod import panoptes FILE`: imports the workflows of an earlier Panoptes installation.
//!
//! Safe to repeat, also after an interrupted import: workflows that are already here are left alone.

use crate::{
    config::{self, ImportArgs},
    database, owner,
};
use anyhow::{Context as _, Result};
use ingest::{mask::Masking, panoptes::literal};
use model::{JobStatus, RunId, RunStatus, access::Role, event::JobFiles, nul};
use serde_json::Value;
use std::{collections::BTreeMap, path::Path};
use store::{
    Store,
    panoptes::old::{self, Old, OldJob, OldWorkflow, Taken, TakenJob},
    people,
};
use uuid::Uuid;

/// Namespace for run ids, which are derived from a workflow's id and start in Panoptes.
const NAMES: Uuid = Uuid::from_u128(0x2f6b_0b0a_6d0e_5c1e_9d0c_70a2_0e5a_11f0);
/// Workflows between two progress lines.
const STEP: usize = 100;

pub async fn run(args: ImportArgs) -> Result<()> {
    let open = database::join(&args.database.resolve()?, "import").await?;
    if !args.dry_run {
        store::migrate::migrate(&open.store).await?;
    }
    let zone = args.time_zone.or_else(|| iana_time_zone::get_timezone().ok()).unwrap_or_else(|| "UTC".to_owned());
    let outcome = act(&open.store, &args.file, &zone, config::masking()?, args.dry_run).await;
    open.close().await;
    outcome
}

async fn act(store: &Store, file: &Path, zone: &str, masking: Masking, pretend: bool) -> Result<()> {
    anyhow::ensure!(file.is_file(), "there is no file {}", file.display());
    let mut old = Old::open(file).await.with_context(|| format!("could not read {}", file.display()))?;
    let workflows = old.workflows().await?;
    println!("{}: {} workflows; times are read as {zone} (change with --time-zone)", file.display(), workflows.len());
    let mut conn = store.conn().await?;
    old::zone(&mut conn, zone).await.with_context(|| format!("{zone:?} is not a time zone; use a name such as Europe/Berlin"))?;
    let name = owner::os_user();
    let user = if pretend { None } else { Some(people::os_user(&mut conn, &name, &name, Role::Admin).await?) };
    let (mut new, mut known, mut jobs, mut running, mut broken) = (0, 0, 0, 0, 0);
    for (nth, workflow) in workflows.iter().enumerate() {
        if workflow.status == "Running" {
            running += 1; // Not imported before it has ended.
            continue;
        }
        let id = id_of(workflow);
        if old::is_known(&mut conn, id).await? {
            known += 1;
            continue;
        }
        let old_jobs = match old.jobs(workflow.id).await {
            Ok(old_jobs) => old_jobs,
            Err(error) => {
                complain(workflow, "read", &error);
                broken += 1;
                continue;
            }
        };
        // Panoptes shows a workflow as Error from its first failed job on, while other jobs may still run.
        if workflow.status == "Error"
            && old_jobs.iter().any(|job| job.status == "Running")
            && old::is_recent(&mut conn, &workflow.updated_at, zone).await.unwrap_or(false)
        {
            running += 1;
            continue;
        }
        let taken = masked(translate(id, workflow, &old_jobs), masking);
        new += 1;
        jobs += taken.jobs.len();
        if let Some(user) = &user {
            let mut tx = store.begin().await?;
            match old::take(&mut tx, &taken, model::UserId(user.id), &user.name, zone).await {
                Ok(()) => store::commit(tx).await?,
                Err(error) if error.is_unavailable() => return Err(error.into()),
                Err(error) => {
                    complain(workflow, "imported", &error);
                    broken += 1;
                    new -= 1;
                    jobs -= taken.jobs.len();
                }
            }
        }
        if (nth + 1) % STEP == 0 {
            println!("{} of {}", nth + 1, workflows.len());
        }
    }
    let verb = if pretend { "Would import" } else { "Imported" };
    println!("{verb} {new} workflows with {jobs} jobs; {known} were already imported.");
    if running > 0 {
        println!("{running} are still running in Panoptes. Repeat the import when they have ended.");
    }
    anyhow::ensure!(broken == 0, "{broken} workflows could not be imported");
    Ok(())
}

/// Prints what could not be done. The workflow's name is untrusted, so it is escaped.
fn complain(workflow: &OldWorkflow, what: &str, error: &store::StoreError) {
    let said = format!("workflow {} ({}) could not be {what}: {}", workflow.id, workflow.name, store::error::chain(error));
    eprintln!("{}", model::terminal::line(&said));
}

fn id_of(workflow: &OldWorkflow) -> RunId {
    RunId(Uuid::new_v5(&NAMES, format!("{}\n{}", workflow.id, workflow.started_at).as_bytes()))
}

/// Masks secrets, as is done for reports of clients.
fn masked(mut taken: Taken, masking: Masking) -> Taken {
    masking.string(&mut taken.name);
    for job in &mut taken.jobs {
        for text in [&mut job.rule, &mut job.message, &mut job.shell_command].into_iter().flatten() {
            masking.string(text);
        }
        for files in [&mut job.files.input, &mut job.files.output, &mut job.files.log] {
            for path in files {
                masking.string(path);
            }
        }
        let mut wildcards = Value::Object(std::mem::take(&mut job.wildcards).into_iter().collect());
        masking.value(&mut wildcards);
        if let Value::Object(wildcards) = wildcards {
            job.wildcards = wildcards.into_iter().collect();
        }
    }
    taken
}

/// A Panoptes workflow as a run here. One still running there becomes lost: nobody will report its end to this server.
fn translate(id: RunId, workflow: &OldWorkflow, jobs: &[OldJob]) -> Taken {
    let status = match workflow.status.as_str() {
        "Done" | "No Execution" => RunStatus::Success,
        "Error" => RunStatus::Failed,
        "Cancelled" => RunStatus::Cancelled,
        _ => RunStatus::Lost,
    };
    let small = |n: i64| i32::try_from(n.max(0)).unwrap_or(i32::MAX);
    // Panoptes does not record when a failed workflow ended; the last time it heard of the workflow stands in.
    let heard = jobs.iter().flat_map(|job| [&job.started_at, &job.completed_at]).max().cloned().unwrap_or_default();
    let seen_at = [&workflow.updated_at, &workflow.completed_at, &heard, &workflow.started_at].into_iter().find(|at| !at.is_empty());
    let seen_at = seen_at.cloned().unwrap_or_default();
    let ended_at = if workflow.completed_at.is_empty() { seen_at.clone() } else { workflow.completed_at.clone() };
    let nothing = workflow.status == "No Execution";
    Taken {
        id,
        // Names that Panoptes made up are UUIDs and carry no information.
        name: if Uuid::parse_str(&workflow.name).is_ok() { String::new() } else { clean(&workflow.name) },
        status,
        done: if nothing { 0 } else { small(workflow.done) },
        total: if nothing { 0 } else { small(workflow.total) },
        started_at: workflow.started_at.clone(),
        ended_at: ended_at.clone(),
        seen_at,
        jobs: jobs.iter().map(|job| job_of(job, &ended_at)).collect(),
    }
}

fn job_of(job: &OldJob, ended: &str) -> TakenJob {
    let status = match job.status.as_str() {
        "Done" => JobStatus::Success,
        "Error" => JobStatus::Failed,
        _ => JobStatus::Lost,
    };
    let wildcards: BTreeMap<String, Value> = match literal::parse(&job.wildcards) {
        Ok(Value::Object(named)) => {
            named.into_iter().map(|(name, value)| (clean(&name), nul::replaced_in(value, literal::MAX_DEPTH))).collect()
        }
        _ => BTreeMap::new(),
    };
    let ended_at = if job.completed_at.is_empty() { ended } else { &job.completed_at };
    TakenJob {
        job_id: job.jobid,
        rule: (!job.name.is_empty()).then(|| clean(&job.name)),
        status,
        message: job.msg.as_deref().map(clean),
        shell_command: job.shell_command.as_deref().map(clean),
        wildcards,
        checkpoint: job.is_checkpoint,
        started_at: job.started_at.clone(),
        ended_at: ended_at.max(job.started_at.as_str()).to_owned(),
        files: JobFiles { input: paths(&job.input), output: paths(&job.output), log: paths(&job.log), benchmark: Vec::new() },
    }
}

/// A list of paths. A list that was cut off in the file is kept as its raw text.
fn paths(text: &str) -> Vec<String> {
    match literal::parse(text) {
        Ok(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(clean).collect(),
        Ok(Value::String(one)) if !one.is_empty() => vec![clean(&one)],
        Err(_) if !text.trim().is_empty() => vec![clean(text)],
        _ => Vec::new(),
    }
}

/// The text as it can be stored.
fn clean(text: &str) -> String {
    nul::replaced(text).into_owned()
}
