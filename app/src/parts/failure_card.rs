//! What went wrong: the rule, the job, the cause, and where to look. Shown above everything else of a run.

use crate::{
    parts::log_tail::Tail,
    paths::{self, RunPlace},
};
use leptos::prelude::*;
use model::{
    JobStatus, RunId,
    file::FileRef,
    job::{Failure, Failures},
    text,
};
use view::{
    causes::{Cause, Lead, lead, others},
    jobs::FailuresView,
};

/// The card of a failed run. If all its jobs succeeded, the card shows what the workflow itself reported.
#[component]
pub fn FailureCard(id: RunId, found: FailuresView, place: Memo<RunPlace>) -> impl IntoView {
    let FailuresView { failures, logs } = found;
    let others = others(&failures);
    let Lead { heading, says, text } = lead(&failures);
    let looked_at = failures.looked_at();
    let Failures { groups, more, .. } = failures;
    let first = groups.into_iter().next();
    let open = first.as_ref().map(|first| {
        let job = first.first;
        view! { <a class="btn small" href=move || paths::run_at(id, &place.get().of_job(Some(job)))>"Open job"</a> }
    });
    let code = first.as_ref().filter(|first| !first.rule.is_empty()).map(|first| {
        let rule = first.rule.clone();
        view! { <a class="btn ghost small" href=move || paths::run_at(id, &place.get().of_tab(Some("code")).of_rule(Some(&rule)))>"Open code"</a> }
    });
    let silent = first.as_ref().is_some_and(|first| !first.is_explained() && first.logs.is_empty()).then(|| {
        view! { <p class="dim tail-name">"No error text was reported. A rule with run: prints its errors only on the console."</p> }
    });
    let named = first.as_ref().map(|first| named(id, first, logs.len(), place));
    let facts = first.as_ref().map(|first| facts(id, first));
    view! {
        <section class="failure" aria-label="What went wrong">
            <header>
                <h2>
                    <svg class="st-i" data-status="failed" aria-hidden="true"><use href="#st-failed"></use></svg>
                    {heading}
                </h2>
                <p>{says}</p>
                <div class="acts">{open} {code}</div>
            </header>
            {facts}
            {text.map(|text| view! { <div class="tail" tabindex="0" role="region" aria-label="Error text"><pre>{text}</pre></div> })}
            {logs.into_iter().map(|log| view! { <Tail run=id log writer=JobStatus::Failed/> }).collect_view()}
            {named}
            {silent}
            {(!others.is_empty() || more > 0).then(|| view! { <Others id others more place/> })}
            {looked_at.map(|says| view! { <p class="dim tail-name">"These are the causes of the "{all(id, place, says)}"."</p> })}
        </section>
    }
}

/// Facts about the job that represents the others.
fn facts(id: RunId, first: &Failure) -> Option<impl IntoView + use<>> {
    let wildcards: Vec<String> = first.wildcards.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let wildcards = (!wildcards.is_empty()).then(|| view! { <div><dt>"Wildcards"</dt><dd><code>{wildcards.join(" ")}</code></dd></div> });
    let same = (first.count > 1)
        .then(|| view! { <div><dt>"Same cause"</dt><dd>{of_rule(id, &first.rule, format!("{} jobs", text::count(i64::from(first.count))))}</dd></div> });
    (wildcards.is_some() || same.is_some()).then(|| view! { <dl class="cause">{wildcards} {same}</dl> })
}

/// The logs whose ends are not shown.
fn named(id: RunId, first: &Failure, shown: usize, place: Memo<RunPlace>) -> Option<impl IntoView + use<>> {
    let links = first.logs.iter().skip(shown).map(|path| {
        let file = Some(FileRef::Named(path.clone()).to_string());
        let whole = RunPlace { tab: Some("logs".into()), file, ..RunPlace::default() };
        view! { <a class="link" href=paths::run_at(id, &whole)>{path.clone()}</a> " " }
    });
    let links = links.collect_view();
    let job = first.first;
    let more = (first.more_logs > 0).then(|| {
        let href = move || paths::run_at(id, &place.get().of_job(Some(job)));
        view! { "and "<a class="link" href=href>{text::more(u64::from(first.more_logs), "log")}</a> }
    });
    (first.logs.len() > shown)
        .then(|| view! { <p class="dim tail-name">{if shown == 0 { "Logs: " } else { "More logs: " }} {links} {more}</p> })
}

/// The other causes, each with its own text.
#[component]
fn Others(id: RunId, others: Vec<Cause>, more: u32, place: Memo<RunPlace>) -> impl IntoView {
    let rows = others.into_iter().map(|cause| {
        let Cause { heading, says, text, job, rule } = cause;
        let job = job.map(|(key, number)| {
            let label = number.map_or_else(|| "Its job".to_owned(), |number| format!("Job {number}"));
            view! { <a class="link" href=move || paths::run_at(id, &place.get().of_job(Some(key)))>{label}</a> " " }
        });
        let all = rule.map(|(rule, count)| of_rule(id, &rule, format!("All {} jobs", text::count(i64::from(count)))));
        let text = text.map(|text| view! { <pre>{text}</pre> });
        view! {
            <li>
                <details>
                    <summary><b>{heading}</b>" "<span class="dim">{says}</span></summary>
                    <p>{job} {all}</p>
                    {text}
                </details>
            </li>
        }
    });
    let more = (more > 0).then(|| {
        let says = if more == 1 { "1 more cause".to_owned() } else { format!("{} more causes", text::count(i64::from(more))) };
        view! { <li class="dim">{all(id, place, says)}" among the failed jobs"</li> }
    });
    view! { <div class="others"><p class="dim">"Also failed"</p><ul>{rows.collect_view()} {more}</ul></div> }
}

/// A link to all failed jobs in the list.
fn all(id: RunId, place: Memo<RunPlace>, words: String) -> impl IntoView {
    let href = move || paths::run_at(id, &place.get().of_tab(None).of_rule(None).of_status(Some("failed")));
    view! { <a class="link" href=href>{words}</a> }
}

/// A link to the failed jobs of a rule.
fn of_rule(id: RunId, rule: &str, words: String) -> impl IntoView + use<> {
    view! { <a class="link" href=paths::run_at(id, &RunPlace::default().of_rule(Some(rule)).of_status(Some("failed")))>{words}</a> }
}
