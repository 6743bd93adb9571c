//! One job beside the list: what it ran, its files with those who make and use them, its attempts.

use crate::{
    api::jobs::OpenJob,
    parts::{log_tail::Tail, report::Reports},
    paths::{self, RunPlace},
    ui::{Ago, CopyButton, Icon, JobBadge, StatusMark, Took},
};
use leptos::prelude::*;
use model::{
    RunId,
    file::FileRef,
    job::{FileRole, JobFile},
    text,
};

/// The details of a job; not modal, so the list stays alive beside it.
#[component]
pub fn JobDrawer(run: RunId, job: OpenJob, place: Memo<RunPlace>) -> impl IntoView {
    let OpenJob { detail: job, command: html, log, benchmark } = job;
    let row = job.row;
    let rule = row.rule.clone().unwrap_or_else(|| "not told yet".into());
    let close = move || paths::run_at(run, &place.get().of_job(None));
    let tries = (job.attempts.len() > 1).then(|| {
        let links = job.attempts.iter().map(|attempt| {
            let here = (attempt.id == row.id).then_some("page");
            let took = attempt.started_at.zip(attempt.ended_at).map(|(start, end)| text::duration(end - start));
            let id = attempt.id;
            view! {
                <a href=move || paths::run_at(run, &place.get().of_job(Some(id))) aria-current=here>
                    <span class="st" data-status=attempt.status.as_str()>
                        <StatusMark word=attempt.status.as_str()/>
                        <span class="sr">{attempt.status.label()}</span>
                    </span>
                    {format!("#{}", attempt.attempt)}
                    <span class="dim num">{took}</span>
                </a>
            }
        });
        view! { <nav class="tries" aria-label="Attempts of this job">{links.collect_view()}</nav> }
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
        let bytes = |bytes: Option<u64>| bytes.map(|bytes| text::bytes(i64::try_from(bytes).unwrap_or(i64::MAX)));
        let seconds = |seconds: f64| text::duration((seconds * 1000.0) as i64);
        [
            Fact::maybe("Clock", Some(seconds(took.seconds))),
            Fact::maybe("Processor", took.cpu_seconds.map(seconds)),
            Fact::maybe("Peak memory", bytes(took.memory)),
            Fact::maybe("Read", bytes(took.read)),
            Fact::maybe("Written", bytes(took.written)),
            Fact::maybe("Load", took.load.map(|load| format!("{load:.0} %"))),
            Fact::maybe("Times", (took.times > 1).then_some(took.times)),
        ]
    });
    let took = took.map(|took| {
        let facts: Vec<Fact> = took.into_iter().flatten().collect();
        view! { <section aria-label="Benchmark"><h3>"Benchmark"</h3><dl class="facts">{list(facts)}</dl></section> }
    });
    let facts: Vec<Fact> = facts.into_iter().flatten().collect();
    let files = FileRole::ALL.map(|role| {
        let some: Vec<JobFile> = job.files.iter().filter(|file| file.role == role).cloned().collect();
        (!some.is_empty()).then(|| view! { <Files run role files=some place/> })
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
    let (started, ended, status) = (row.started_at, row.ended_at, row.status);
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
                {error}
                {took}
                {log.map(|log| view! { <section class="log"><h3>"Log"</h3><Tail run log/></section> })}
                {command}
                {message}
                {reason}
                {files.into_iter().collect_view()}
                {job.more_files.then(|| view! { <p class="dim">"There are more files than are listed here."</p> })}
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
                    .then(|| view! { <section><h3>"Reports as they came"</h3><Reports events=job.reports/></section> })}
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

/// The files of one role. An input leads to the job that makes it.
#[component]
fn Files(run: RunId, role: FileRole, files: Vec<JobFile>, place: Memo<RunPlace>) -> impl IntoView {
    let rows = files.into_iter().map(|file| {
        let made = file.made_by.map(|(job, rule)| {
            let href = move || paths::run_at(run, &place.get().of_job(Some(job)));
            view! { <a class="link num" href=href>{format!("by {rule}")}</a> }
        });
        let used = (file.used_by > 0).then(|| {
            let jobs = if file.used_by == 1 { "job" } else { "jobs" };
            view! { <span class="num">{format!("used by {} {jobs}", file.used_by)}</span> }
        });
        // An input that no job makes, or an output: a look into it. A log: its lines.
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
            </li>
        }
    });
    view! {
        <section>
            <h3>{role.label()}</h3>
            <ul class="files">{rows.collect_view()}</ul>
        </section>
    }
}
