//! Further facts about a run, and its reports as received.

use crate::{
    parts::received::Reports,
    paths::{self, RunPlace},
    ui::{Ago, CopyButton, Icon, heads},
};
use leptos::prelude::*;
use model::{
    RunId,
    event::RawEvent,
    file::FileRef,
    run::{LEFT_OUT, NO_RULE, ReportedError, RuleRow},
    text,
};
use view::info::InfoView;

/// Facts, the plan compared with the actual jobs, errors, and raw reports.
#[component]
pub fn Info(id: RunId, found: InfoView, place: Memo<RunPlace>) -> impl IntoView {
    let InfoView { detail, events, unsent, next } = found;
    let run = detail.run;
    let heard = detail.last_seen_at;
    let facts = [
        ("Run", Some(run.id.to_string())),
        ("Number", Some(run.number.to_string())),
        ("Reported by", Some(format!("{}{}", run.source, detail.client_version.map(|version| format!(" {version}")).unwrap_or_default()))),
        ("User", Some(run.user)),
        ("Host", detail.host),
        ("Directory", run.directory),
        ("Snakefile", detail.snakefile),
        ("Configuration", (!detail.config_files.is_empty()).then(|| detail.config_files.join(", "))),
        ("Catalog", detail.catalog_slug),
        ("Command line", detail.command_line),
        ("Ended", detail.closed_by_client.then(|| "reported by its client".to_owned())),
        ("Not sent by this client", unsent),
        ("Heartbeats", Some(if detail.heartbeats { "sent every few seconds" } else { "not sent by this client" }.to_owned())),
    ];
    let facts = facts.map(|(name, value)| (name.to_owned(), value)).into_iter();
    let facts = facts.chain(detail.environment.into_iter().map(|(name, value)| (name, Some(value))));
    let rows = facts.filter_map(|(name, value)| {
        let value = value.filter(|value| !value.is_empty())?;
        let log = (name == LEFT_OUT).then(|| {
            let log = RunPlace { file: Some(FileRef::Log.to_string()), ..place.get_untracked().of_tab(Some("logs")) };
            view! { <a class="link" href=paths::run_at(id, &log)>"Open the log"</a> }
        });
        Some(view! {
            <div>
                <dt>{name}</dt>
                <dd><code>{value.clone()}</code>{log}<CopyButton text=value label="Copy"/></dd>
            </div>
        })
    });
    let rows = rows.collect_view();
    view! {
        <div class="info" tabindex="0" role="region" aria-label="Info">
            <section>
                <h2>"Run"</h2>
                <dl class="known">
                    {rows}
                    <div><dt>"Last report"</dt><dd><Ago at=Signal::stored(Some(heard))/></dd></div>
                </dl>
            </section>
            <Plan id rules=detail.rules place/>
            <Errors errors=detail.errors/>
            <Kept id events next place/>
        </div>
    }
}

/// The classes of a column of numbers.
const END: &str = "c-num end";

/// Planned and actual numbers of jobs for every rule, with links to the jobs.
#[component]
fn Plan(id: RunId, rules: Vec<RuleRow>, place: Memo<RunPlace>) -> impl IntoView {
    let count = |n: i32| text::count(i64::from(n));
    let rows = rules.into_iter().filter(|rule| rule.jobs.planned.is_some() || rule.jobs.seen() > 0).map(|rule| {
        let jobs = rule.jobs;
        let label = if rule.name.is_empty() { NO_RULE.to_owned() } else { rule.name.clone() };
        // There is no rule to filter by for jobs without one.
        let name = if rule.name.is_empty() {
            label.clone().into_any()
        } else {
            let href = move || paths::run_at(id, &place.get().of_tab(None).of_rule(Some(&rule.name)));
            view! { <a href=href>{label.clone()}</a> }.into_any()
        };
        view! {
            <tr role="row">
                <th role="rowheader" scope="row" class="cut" title=label>{name}</th>
                <td role="cell" class="num end">{jobs.planned.map_or_else(|| "–".to_owned(), count)}</td>
                <td role="cell" class="num end">{count(jobs.seen())}</td>
                <td role="cell" class="num end">{count(jobs.success)}</td>
                <td role="cell" class="num end">{count(jobs.failed + jobs.lost)}</td>
            </tr>
        }
    });
    view! {
        <section>
            <h2>"Jobs planned and reported"</h2>
            <table class="job-table plain" role="table">
                {heads(&[("Rule", ""), ("Planned", END), ("Reported", END), ("Done", END), ("Failed, lost", END)])}
                <tbody role="rowgroup">{rows.collect_view()}</tbody>
            </table>
        </section>
    }
}

#[component]
fn Errors(errors: Vec<ReportedError>) -> impl IntoView {
    if errors.is_empty() {
        return ().into_any();
    }
    let rows = errors.into_iter().map(|error| {
        let at = error.at;
        let job = error.job_id.map(|job| format!("job {job}"));
        let place = [error.rule, job, error.location].into_iter().flatten().collect::<Vec<_>>().join(", ");
        view! {
            <li>
                <b>{error.exception}</b>
                " "
                <span class="dim"><Ago at=Signal::stored(Some(at))/></span>
                " "
                {place}
                {printed(error.text, "Error message")}
                {printed(error.traceback, "Traceback")}
            </li>
        }
    });
    view! {
        <section>
            <h2>"Errors the workflow reported"</h2>
            <ol class="errors">{rows.collect_view()}</ol>
        </section>
    }
    .into_any()
}

#[component]
fn Kept(id: RunId, events: Vec<RawEvent>, next: Option<String>, place: Memo<RunPlace>) -> impl IntoView {
    if events.is_empty() {
        return view! {
            <section>
                <h2>"Reports as received"</h2>
                <p class="dim">"None: this run was written by SQL, or its reports were pruned."</p>
            </section>
        }
        .into_any();
    }
    let first = place.with_untracked(|place| place.after.is_none());
    let at = move |after: Option<String>| paths::run_at(id, &RunPlace { after, ..place.get_untracked() });
    view! {
        <section>
            <h2>"Reports as received"</h2>
            <Reports run=id events/>
            <nav class="pages" aria-label="Pages">
                {(!first).then(|| view! { <a class="btn small" href=at(None)>"First reports"</a> })}
                {next.map(|next| view! { <a class="btn small" href=at(Some(next))>"Later reports"<Icon name="i-right" small=true/></a> })}
            </nav>
        </section>
    }
    .into_any()
}

/// A text as it was printed. HTML parsers drop a newline at the beginning, and with it a text that is nothing else.
fn printed(text: Option<String>, label: &'static str) -> Option<impl IntoView> {
    let text = text.map(|text| text.trim_start_matches('\n').to_owned()).filter(|text| !text.trim().is_empty())?;
    Some(view! { <pre class="code wrap" tabindex="0" role="region" aria-label=label>{text}</pre> })
}
