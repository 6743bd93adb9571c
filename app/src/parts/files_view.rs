//! The files a run's jobs name: what each rule reads and makes, a search, and one path with its jobs.

use crate::{
    api::files::FilesView,
    paths::{self, RunPlace},
    ui::{Icon, JobBadge, soft_submit},
};
use leptos::prelude::*;
use model::{
    RunId,
    job::{FileRole, JobFile, JobRow, PathDetail, PathUse, RuleFiles},
};

/// The view with its search, which is a form: it works without script.
#[component]
pub fn Files(id: RunId, found: FilesView, place: Memo<RunPlace>) -> impl IntoView {
    let at = place.get_untracked();
    let rule = at.rule.clone();
    let shown = match found {
        FilesView::Map(rules) => view! { <Map id rules place/> }.into_any(),
        FilesView::Rule { jobs, next } => view! { <OfRule id jobs next place/> }.into_any(),
        FilesView::Found(paths) if paths.is_empty() => {
            view! { <div class="empty" role="status"><p>"No file of this run has these words in its path."</p></div> }.into_any()
        }
        FilesView::Found(paths) => {
            let rows = paths.into_iter().map(|row| view! { <li><Path id path=row.path place/></li> });
            view! { <ul class="files paths">{rows.collect_view()}</ul> }.into_any()
        }
        FilesView::Path(path) => view! { <OnePath id path place/> }.into_any(),
    };
    view! {
        <form class="tool" method="get" action=paths::run(id) role="search" on:submit=soft_submit()>
            <input type="hidden" name="tab" value="files"/>
            {rule.map(|rule| view! { <input type="hidden" name="rule" value=rule/> })}
            <input class="field wide" type="search" name="find" value=at.find placeholder="Find a file" aria-label="Find a file of this run" autocomplete="off"/>
            <button class="btn small" type="submit">"Find"</button>
        </form>
        <div class="scroller files-view" tabindex="0" role="region" aria-label="Files">{shown}</div>
    }
}

/// A path that leads to its makers and users.
#[component]
fn Path(id: RunId, path: String, place: Memo<RunPlace>) -> impl IntoView {
    let href = {
        let path = path.clone();
        move || paths::run_at(id, &RunPlace { path: Some(path.clone()), find: None, after: None, ..place.get() })
    };
    view! {
        <Icon name="i-file" small=true/>
        <a class="cut" href=href title=path.clone()>{path.clone()}</a>
    }
}

#[component]
fn Map(id: RunId, rules: Vec<RuleFiles>, place: Memo<RunPlace>) -> impl IntoView {
    if rules.is_empty() {
        return view! { <div class="empty" role="status"><p>"No job has named a file yet."</p></div> }.into_any();
    }
    let rows = rules.into_iter().map(|files| {
        let RuleFiles { rule, inputs, outputs } = files;
        let href = {
            let rule = rule.clone();
            move || paths::run_at(id, &place.get().of_rule(Some(&rule)))
        };
        let reads = inputs.into_iter().map(|(path, from)| {
            let from = from.map(|from| view! { <span class="dim">{format!("from {from}")}</span> });
            view! { <li><Path id path place/>{from}</li> }
        });
        let makes = outputs.into_iter().map(|path| view! { <li><Path id path place/></li> });
        view! {
            <tr role="row">
                <td role="cell"><ul class="files">{reads.collect_view()}</ul></td>
                <th role="rowheader" scope="row"><a class="tag" href=href>{rule}</a></th>
                <td role="cell"><ul class="files">{makes.collect_view()}</ul></td>
            </tr>
        }
    });
    view! {
        <table class="file-map" role="table">
            <caption class="sr">"What each rule reads and makes, by a few files of one of its jobs"</caption>
            <thead role="rowgroup">
                <tr role="row">
                    <th role="columnheader" scope="col">"Reads, for example"</th>
                    <th role="columnheader" scope="col">"Rule"</th>
                    <th role="columnheader" scope="col">"Makes, for example"</th>
                </tr>
            </thead>
            <tbody role="rowgroup">{rows.collect_view()}</tbody>
        </table>
    }
    .into_any()
}

#[component]
fn OfRule(id: RunId, jobs: Vec<(JobRow, Vec<JobFile>)>, next: Option<String>, place: Memo<RunPlace>) -> impl IntoView {
    if jobs.is_empty() {
        return view! { <div class="empty" role="status"><p>"No job of this rule here."</p></div> }.into_any();
    }
    let rows = jobs.into_iter().map(|(job, files)| {
        let href = move || paths::run_at(id, &place.get().of_job(Some(job.id)));
        let wildcards: Vec<String> = job.wildcards.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let label = if wildcards.is_empty() {
            job.job_id.map_or_else(|| "the job".to_owned(), |id| format!("job {id}"))
        } else {
            wildcards.join(" ")
        };
        let side = |role: FileRole| {
            let files = files.iter().filter(move |file| file.role == role).cloned();
            let rows = files.map(|file| {
                let from = file.made_by.map(|(job, rule)| {
                    let href = move || paths::run_at(id, &place.get().of_job(Some(job)));
                    view! { <a class="link" href=href>{format!("by {rule}")}</a> }
                });
                view! { <li><Path id path=file.path place/>{from}</li> }
            });
            rows.collect_view()
        };
        let status = job.status;
        view! {
            <tr role="row">
                <td role="cell"><ul class="files">{side(FileRole::Input)}</ul></td>
                <th role="rowheader" scope="row">
                    <JobBadge status=Signal::stored(status)/>
                    <a href=href>{label}</a>
                </th>
                <td role="cell"><ul class="files">{side(FileRole::Output)}</ul></td>
            </tr>
        }
    });
    let forth = next.map(|after| {
        let href = paths::run_at(id, &RunPlace { after: Some(after), ..place.get_untracked() });
        view! { <nav class="pages" aria-label="Pages"><a class="btn small" href=href>"Older jobs"<Icon name="i-right" small=true/></a></nav> }
    });
    view! {
        <table class="file-map" role="table">
            <caption class="sr">"Files of the rule's jobs"</caption>
            <thead role="rowgroup">
                <tr role="row">
                    <th role="columnheader" scope="col">"Reads"</th>
                    <th role="columnheader" scope="col">"Job"</th>
                    <th role="columnheader" scope="col">"Makes"</th>
                </tr>
            </thead>
            <tbody role="rowgroup">{rows.collect_view()}</tbody>
        </table>
        {forth}
    }
    .into_any()
}

#[component]
fn OnePath(id: RunId, path: PathDetail, place: Memo<RunPlace>) -> impl IntoView {
    let PathDetail { path, jobs } = path;
    let back = move || paths::run_at(id, &RunPlace { path: None, ..place.get() });
    let list = |heading: &'static str, none: &'static str, role: FileRole| {
        let jobs: Vec<&PathUse> = jobs.iter().filter(|job| job.role == role).collect();
        let empty = jobs.is_empty();
        let rows = jobs.into_iter().cloned().map(|job| {
            let key = job.job;
            let href = move || paths::run_at(id, &place.get().of_job(Some(key)));
            let wildcards: Vec<String> = job.wildcards.iter().map(|(key, value)| format!("{key}={value}")).collect();
            let status = job.status;
            view! {
                <li>
                    <JobBadge status=Signal::stored(status)/>
                    <a href=href>{job.rule}</a>
                    <code>{wildcards.join(" ")}</code>
                </li>
            }
        });
        view! {
            <section>
                <h3>{heading}</h3>
                {empty.then(|| view! { <p class="dim">{none}</p> })}
                <ul class="files">{rows.collect_view()}</ul>
            </section>
        }
    };
    let others = [(FileRole::Log, "Log of"), (FileRole::Benchmark, "Benchmark of")];
    let others = others.into_iter().filter(|(role, _)| jobs.iter().any(|job| job.role == *role));
    let others: Vec<_> = others.map(|(role, heading)| list(heading, "", role)).collect();
    view! {
        <div class="one-path">
            <a class="btn ghost small" href=back><Icon name="i-left" small=true/>"All files"</a>
            <h2><code>{path}</code></h2>
            {list("Made by", "No job of this run makes it.", FileRole::Output)}
            {list("Used by", "No job of this run uses it.", FileRole::Input)}
            {others}
        </div>
    }
}
