//! The report of a run: one HTML file that works without server and script, to be kept or sent.
//!
//! It shows what the run's page shows: facts, counts, what went wrong, and each rule in numbers. It is not live and
//! contains no list of jobs: its size grows with the rules, not with the jobs. Server only.

use crate::{error::AppError, state::AppState};
use leptos::prelude::*;
use model::{
    JobStatus, Millis, RunId,
    access::Viewer,
    job::Failure,
    run::{NO_RULE, ReportedError, RuleRow, RunDetail},
    text,
};
use std::collections::{HashMap, HashSet};
use view::{
    jobs::FailuresView,
    logs::{LogTail, further_logs},
    paths,
    timeline::{Ask, Group},
};

const STYLE: &str = include_str!("run_report.css");

/// States of jobs in the order of their counts.
const COUNTS: [JobStatus; 6] =
    [JobStatus::Success, JobStatus::Failed, JobStatus::Lost, JobStatus::Running, JobStatus::Skipped, JobStatus::Waiting];

/// A file to save.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunReport {
    /// The file name: ASCII letters, digits, dots, hyphens and underscores.
    pub name: String,
    pub html: String,
}

/// The data of the report.
struct RunReportData {
    detail: RunDetail,
    failures: FailuresView,
    /// Commands of the jobs that represent the failures.
    commands: Vec<Option<String>>,
    /// For each rule, when its jobs ran; empty for a run in which nothing began.
    groups: HashMap<String, Group>,
}

/// The report of `run` as it is now; an error if `viewer` may not see the run.
///
/// What is quoted from files passes through `mask`, which removes secrets: the report may be sent to people who may not
/// read these files. Costs as much as the run's page and the first window of its timeline.
pub async fn of_run(state: &AppState, viewer: &Viewer, run: RunId, mask: impl Fn(&mut String)) -> Result<RunReport, AppError> {
    let mut conn = state.reader.store.conn().await?;
    let detail = store::runs::detail(&mut conn, viewer.audience, run).await?.ok_or(AppError::NotFound)?;
    drop(conn);
    let mut failures = read::failures::view(&state.reader, viewer, run, None).await?;
    failures.logs.iter_mut().filter_map(|log| log.text.as_mut().ok()).for_each(mask);
    let mut commands = Vec::new();
    let mut conn = state.reader.store.conn().await?;
    for failure in &failures.failures.groups {
        let job = store::jobs::detail(&mut conn, run, failure.first).await?;
        commands.push(job.and_then(|job| job.shell_command));
    }
    drop(conn);
    let window = state.reader.timelines.window(run, &Ask { pixels: 1, ..Ask::default() }).await?;
    let groups = window.map(|window| window.groups).unwrap_or_default();
    let groups = groups.into_iter().map(|group| (group.name.clone(), group)).collect();
    let name = paths::run_report_file(detail.run.title(), run);
    let home = format!("{}{}", state.base_url.trim_end_matches('/'), paths::run(run));
    let now = state.reader.store.clock().now();
    let page = page(RunReportData { detail, failures, commands, groups }, &home, now);
    // Leptos separates adjacent texts for hydration; this page is never hydrated.
    Ok(RunReport { name, html: page.replace("<!>", "") })
}

fn page(data: RunReportData, home: &str, now: Millis) -> String {
    let RunReportData { detail, failures, commands, groups } = data;
    let run = &detail.run;
    let title = run.title().to_owned();
    let took = run.started_at.map(|started| text::duration(run.ended_at.unwrap_or(now) - started));
    let facts = [
        ("Run", Some(run.id.to_string())),
        (
            "Attempt",
            (detail.attempts.len() > 1)
                .then(|| format!("{} of {}", run.attempt, detail.attempts.last().map_or(run.attempt, |last| last.attempt))),
        ),
        ("Started", run.started_at.map(text::utc)),
        ("Ended", run.ended_at.map(text::utc)),
        ("Duration", took),
        ("User", Some(run.user.clone())),
        ("Host", detail.host.clone()),
        ("Directory", run.directory.clone()),
        ("Snakefile", detail.snakefile.clone()),
        ("Configuration", Some(detail.config_files.join(", "))),
        ("Command line", detail.command_line.clone()),
        ("Reported by", Some(format!("{} {}", run.source, detail.client_version.as_deref().unwrap_or_default()))),
        ("Tags", Some(run.tags.join(", "))),
    ];
    let facts = facts.into_iter().filter_map(|(name, value)| {
        let value = value.filter(|value| !value.trim().is_empty())?;
        Some(view! { <div><dt>{name}</dt><dd>{value}</dd></div> })
    });
    let facts = facts.collect_view();
    let counts = COUNTS.iter().filter(|kind| run.jobs.of(**kind) > 0).map(|kind| {
        let count = text::count(i64::from(run.jobs.of(*kind)));
        view! { <li class=kind.as_str()><b>{count}</b>" "{kind.label().to_lowercase()}</li> }
    });
    let counts = counts.collect_view();
    let notes = detail.notes().into_iter().map(|note| view! { <p>{note}"."</p> }).collect_view();
    let failed = format!("{home}?status=failed");
    let state = run.status.as_str();
    let html = view! {
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <title>{title.clone()}</title>
                <style inner_html=STYLE></style>
            </head>
            <body>
                <header>
                    <p class=format!("state {state}")>{run.status.label()}</p>
                    <h1>{title}</h1>
                </header>
                <ul class="counts">{counts}</ul>
                <dl>{facts}</dl>
                {notes}
                {wrong(failures, commands, &detail.errors, &failed)}
                {rules(&detail.rules, &groups)}
                <footer>"As of "{text::utc(now)}", from "<a href=home.to_owned()>{home.to_owned()}</a></footer>
            </body>
        </html>
    };
    format!("<!DOCTYPE html>{}", html.to_html())
}

/// What failed, with its command, its error and the end of its log. `failed` is the link to the list of all failed jobs.
fn wrong(found: FailuresView, commands: Vec<Option<String>>, errors: &[ReportedError], failed: &str) -> Option<impl IntoView + use<>> {
    let FailuresView { failures, mut logs } = found;
    let (more, looked_at) = (failures.more, failures.looked_at());
    if failures.groups.is_empty() && errors.is_empty() {
        return None;
    }
    let block = |label: &'static str, text: Option<String>| {
        let text = text.filter(|text| !text.trim().is_empty())?;
        Some(view! { <h4>{label}</h4><pre>{text.trim_end().to_owned()}</pre> })
    };
    let jobs = failures.groups.into_iter().zip(commands).map(|(failure, command)| {
        let Failure { rule, count, wildcards, exit_code, error, logs: paths, more_logs, .. } = failure;
        let wildcards: Vec<String> = wildcards.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let facts = [
            (count > 1).then(|| format!("{} jobs with the same cause", text::count(i64::from(count)))),
            exit_code.map(|code| format!("exit {code}")),
            (!wildcards.is_empty()).then(|| wildcards.join(" ")),
        ];
        // Only the first job gets the logs.
        let logs = std::mem::take(&mut logs);
        let others = further_logs(paths.get(logs.len()..).unwrap_or_default(), more_logs);
        let ends = logs.into_iter().map(|LogTail { path, text, more }| {
            let lines = text.as_ref().map_or(0, |text| text.lines().count());
            let says = match (&text, more) {
                (Ok(_), true) => format!("The last {lines} lines of {path}"),
                (Ok(_), false) => format!("All of {path}"),
                (Err(_), _) => path,
            };
            view! { <h4>{says}</h4><pre>{text.unwrap_or_else(|why| why)}</pre> }
        });
        view! {
            <article>
                <h3>{if rule.is_empty() { format!("A rule {NO_RULE}") } else { rule }}</h3>
                <p>{facts.into_iter().flatten().collect::<Vec<_>>().join(" · ")}</p>
                {block("Command", command)}
                {block("Error", error)}
                {ends.collect_view()}
                {others.map(|others| view! { <p>{others}</p> })}
            </article>
        }
    });
    let jobs = jobs.collect_view();
    let link = |says: String| view! { <a href=failed.to_owned()>{says}</a> };
    let more = (more > 0).then(|| {
        let says = if more == 1 { "1 more cause".to_owned() } else { format!("{} more causes", text::count(i64::from(more))) };
        view! { <p>{link(says)}" among the failed jobs"</p> }
    });
    let looked_at = looked_at.map(|says| view! { <p>"These are the causes of the "{link(says)}"."</p> });
    // Clients report the same error once per job.
    let mut shown = HashSet::new();
    let errors =
        errors.iter().filter(|error| shown.insert((&error.exception, &error.rule, &error.location, &error.traceback, &error.text)));
    let errors = errors.map(|error| {
        let place = [error.rule.clone(), error.location.clone()].into_iter().flatten().collect::<Vec<_>>().join(", ");
        view! {
            <article>
                <h3>{error.exception.clone()}</h3>
                <p>{place}</p>
                {block("Error message", error.text.clone())}
                {block("Traceback", error.traceback.clone())}
            </article>
        }
    });
    Some(view! { <section><h2>"What went wrong"</h2>{jobs}{more}{looked_at}{errors.collect_view()}</section> })
}

/// Each rule in numbers.
fn rules(rules: &[RuleRow], groups: &HashMap<String, Group>) -> Option<impl IntoView + use<>> {
    let count = |n: i32| text::count(i64::from(n));
    let known = |rule: &&RuleRow| rule.jobs.planned.is_some() || rule.jobs.seen() > 0;
    let rows: Vec<_> = rules
        .iter()
        .filter(known)
        .map(|rule| {
            let group = groups.get(&rule.name);
            let hours = group.map(|group| text::hours(group.core_s));
            let span = group.and_then(|group| group.to.map(|to| text::duration(to - group.from)));
            let jobs = rule.jobs;
            view! {
                <tr>
                    <th scope="row">{if rule.name.is_empty() { NO_RULE.to_owned() } else { rule.name.clone() }}</th>
                    <td>{jobs.planned.map_or_else(|| "–".to_owned(), count)}</td>
                    <td>{count(jobs.seen())}</td>
                    <td>{count(jobs.success)}</td>
                    <td>{count(jobs.failed + jobs.lost)}</td>
                    <td>{group.map(|group| text::count(i64::from(group.peak)))}</td>
                    <td>{span}</td>
                    <td>{hours}</td>
                </tr>
            }
        })
        .collect();
    (!rows.is_empty()).then(|| {
        let heads = ["Rule", "Planned", "Reported", "Done", "Failed, lost", "At once", "From first to last", "CPU-hours"];
        let heads = heads.map(|head| view! { <th scope="col">{head}</th> });
        view! {
            <section>
                <h2>"Rules"</h2>
                <div class="wide"><table><thead><tr>{heads.into_iter().collect_view()}</tr></thead><tbody>{rows}</tbody></table></div>
            </section>
        }
    })
}
