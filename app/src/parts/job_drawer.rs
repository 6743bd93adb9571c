//! One job beside the list: what it ran, its files with the jobs that make and use them, its attempts.

use crate::{
    parts::{log_tail::Tail, received::Reports},
    paths::{self, RunPlace},
    ui::{Ago, CopyButton, Icon, JobBadge, StatusIcon, Took},
};
use leptos::prelude::*;
use model::{
    JobKey, RunId,
    file::FileRef,
    job::{FileRole, JobAttempt, JobFile},
    run::NO_RULE,
    text,
};
use view::jobs::{OpenJob, benchmark_facts};

/// The details of a job. Not modal, so the list stays usable beside it.
#[component]
pub fn JobDrawer(run: RunId, job: OpenJob, place: Memo<RunPlace>) -> impl IntoView {
    let OpenJob { detail: job, command: html, logs, benchmark } = job;
    let earlier_says = job.earlier_reports();
    let row = job.row;
    let rule = row.rule.clone().unwrap_or_else(|| NO_RULE.into());
    let close = move || paths::run_at(run, &place.get().of_job(None));
    let tries = (job.attempts.len() > 1).then(|| {
        let links = job.attempts.iter().map(|attempt| {
            let here = (attempt.id == row.id).then_some("page");
            let took = attempt.started_at.zip(attempt.ended_at).map(|(start, end)| text::duration(end - start));
            let id = attempt.id;
            view! {
                <a href=move || paths::run_at(run, &place.get().of_job(Some(id))) aria-current=here>
                    <StatusIcon word=attempt.status.as_str() label=attempt.status.label()/>
                    {format!("#{}", attempt.attempt)}
                    <span class="dim num">{took}</span>
                </a>
            }
        });
        // Attempts that are not listed are represented by the nearest of them.
        let beyond = |attempt: &JobAttempt, says: String| {
            let id = attempt.id;
            view! { <a href=move || paths::run_at(run, &place.get().of_job(Some(id)))>{says}</a> }
        };
        let (before, after) = &job.beyond;
        let before = before.as_ref().map(|before| {
            let says = if before.attempt > 1 { format!("#1–#{}", before.attempt) } else { "#1".to_owned() };
            beyond(before, says)
        });
        let after = after.as_ref().map(|after| beyond(after, format!("#{} and later", after.attempt)));
        view! { <nav class="tries" aria-label="Attempts of this job">{before}{links.collect_view()}{after}</nav> }
    });
    let queued = row.queued_at.zip(row.started_at).map(|(queued, started)| text::duration((started - queued).max(0)));
    let wildcards = row.wildcards.iter().map(|(name, value)| Fact::new(name, value)).collect::<Vec<_>>();
    let resources = job.resources.iter().map(|(name, value)| Fact::new(name, value)).collect::<Vec<_>>();
    let facts = [
        Fact::maybe("Exit status", job.exit_code),
        Fact::maybe("Queued for", queued),
        Fact::maybe("Threads", row.threads),
        Fact::maybe("Host", row.host),
        Fact::maybe("Cluster job", job.external_id),
        Fact::maybe("Conda environment", job.conda_env),
        Fact::maybe("Group", job.group),
        Fact::maybe("Priority", job.priority.filter(|priority| *priority != 0)),
    ];
    let took = benchmark.map(|took| {
        let facts = benchmark_facts(&took).into_iter().map(|(name, value)| Fact::new(name, value)).collect();
        view! { <section aria-label="Benchmark"><h3>"Benchmark"</h3><dl class="facts">{list(facts)}</dl></section> }
    });
    let facts: Vec<Fact> = facts.into_iter().flatten().collect();
    let all_logs = job.files.iter().filter(|file| file.role == FileRole::Log);
    let rewritten: Vec<(String, i32)> = all_logs.clone().filter_map(|file| Some((file.path.clone(), file.rewritten_by?))).collect();
    let more_logs = all_logs.count().saturating_sub(logs.len());
    let (has_logs, heading) = (!logs.is_empty(), if logs.len() == 1 { "Log" } else { "Logs" });
    let status = row.status;
    let tails = logs.into_iter().map(|log| {
        let again = rewritten.iter().find(|(path, _)| *path == log.path).map(|(_, attempt)| {
            view! { <p class="tail-name" role="note">{format!("Attempt {attempt} overwrote this log. The output of this attempt is lost.")}</p> }
        });
        view! { {again} <Tail run log writer=status/> }
    });
    let tails = tails.collect_view();
    let more_logs = (more_logs > 0).then(|| view! { <p class="dim tail-name">{format!("{more_logs} more logs are listed below.")}</p> });
    let files = FileRole::ALL.map(|role| {
        let some: Vec<JobFile> = job.files.iter().filter(|file| file.role == role).cloned().collect();
        let more = job.unlisted.of(role);
        (!some.is_empty()).then(|| view! { <Files run role job=row.id files=some more place/> })
    });
    let command = job.shell_command.map(|command| {
        let text = command.trim().to_owned();
        view! {
            <section>
                <h3>"Command"<CopyButton text label="Copy the command"/></h3>
                <pre class="code" tabindex="0" role="region" aria-label="Command" inner_html=html></pre>
            </section>
        }
    });
    let words = |heading: &'static str, text: Option<String>| {
        text.filter(|text| !text.trim().is_empty()).map(|text| {
            view! {
                <section>
                    <h3>{heading}</h3>
                    <pre class="code wrap" tabindex="0" role="region" aria-label=heading>{text.trim().to_owned()}</pre>
                </section>
            }
        })
    };
    let (error, message, reason) = (words("Error", job.error), words("Message", row.message), words("Reason", row.reason));
    let (started, ended) = (row.started_at, row.ended_at);
    let earlier = job.more_reports.map(|more| {
        let place = place.get_untracked().of_tab(Some("info"));
        let href = paths::run_at(run, &RunPlace { after: Some((more.first - 1).to_string()), ..place });
        view! { <p class="dim"><a class="link" href=href>{earlier_says}</a>", among all reports of the run"</p> }
    });
    view! {
        <aside class="drawer" aria-labelledby="job-title" data-job=row.id.to_string()>
            <header>
                <div class="line">
                    <span class="pill" data-status=status.as_str()><JobBadge status=Signal::stored(status)/></span>
                    <h2 id="job-title">{rule}</h2>
                    <span class="dim num">{row.job_id.map(|id| format!("job {id}"))}</span>
                    <span class="grow"></span>
                    <a class="btn ghost small icon" href=close aria-label="Close" data-close=""><Icon name="i-x"/></a>
                </div>
                {tries}
            </header>
            <div class="body" tabindex="0" role="region" aria-label="Details of the job">
                <dl class="facts">
                    {list(wildcards)}
                    <div><dt>"Started"</dt><dd><Ago at=Signal::stored(started) absent="–"/></dd></div>
                    <div><dt>"Duration"</dt><dd><Took started=Signal::stored(started) ended=Signal::stored(ended)/></dd></div>
                    {list(facts)}
                </dl>
                {job.filled.map(|filled| view! { <p class="dim" role="note">{filled.label()}"."</p> })}
                {error}
                {took}
                {has_logs.then(|| view! { <section class="log"><h3>{heading}</h3>{tails}{more_logs}</section> })}
                {command}
                {message}
                {reason}
                {files.into_iter().collect_view()}
                {(!resources.is_empty())
                    .then(|| {
                        view! {
                            <section>
                                <h3>"Resources"</h3>
                                <dl class="facts">{list(resources)}</dl>
                            </section>
                        }
                    })}
                {(!job.reports.is_empty())
                    .then(|| view! { <section><h3>"Reports as received"</h3><Reports run events=job.reports/>{earlier}</section> })}
            </div>
        </aside>
    }
}

struct Fact(String, String);

impl Fact {
    fn new(name: &str, value: impl ToString) -> Self {
        Self(name.to_owned(), value.to_string())
    }

    fn maybe(name: &str, value: Option<impl ToString>) -> Option<Self> {
        value.map(|value| Self::new(name, value))
    }
}

fn list(facts: Vec<Fact>) -> impl IntoView {
    facts.into_iter().map(|Fact(name, value)| view! { <div><dt>{name}</dt><dd>{value}</dd></div> }).collect_view()
}

/// The files of one role. An input links to the job that makes it.
#[component]
fn Files(run: RunId, role: FileRole, job: JobKey, files: Vec<JobFile>, more: u64, place: Memo<RunPlace>) -> impl IntoView {
    let more = (more > 0).then(|| {
        let all = place.get_untracked().of_tab(Some("files")).of_files(job, Some(role), files.len());
        view! { <p class="dim"><a class="link" href=paths::run_at(run, &all)>{text::more(more, role.noun())}</a></p> }
    });
    let rows = files.into_iter().map(|file| {
        let used = file.used().map(|used| {
            let path = Some(file.path.clone());
            let href = move || paths::run_at(run, &RunPlace { path: path.clone(), ..place.get().of_tab(Some("files")) });
            view! { <a class="link num" href=href>{used}</a> }
        });
        let made = file.made_by.map(|(job, rule)| {
            let href = move || paths::run_at(run, &place.get().of_job(Some(job)));
            view! { <a class="link num" href=href>{format!("by {rule}")}</a> }
        });
        // An input that no job makes, or an output, links to its preview; a log links to its lines.
        let tab = if role == FileRole::Log { "logs" } else { "results" };
        let named = FileRef::Named(file.path.clone()).to_string();
        let look = move || {
            let place = place.get().of_tab(Some(tab));
            paths::run_at(run, &RunPlace { file: Some(named.clone()), ..place })
        };
        view! {
            <li>
                <Icon name="i-file" small=true/>
                <a class="link cut" href=look title=file.path.clone()>{file.path.clone()}</a>
                {made}
                {used}
                {file.rewritten_by.map(|attempt| view! { <span class="num">{format!("overwritten by #{attempt}")}</span> })}
            </li>
        }
    });
    view! {
        <section>
            <h3>{role.label()}</h3>
            <ul class="files">{rows.collect_view()}</ul>
            {more}
        </section>
    }
}
