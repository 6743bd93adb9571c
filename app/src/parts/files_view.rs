//! The files that a run's jobs name: what each rule reads and writes, a search, and one path with its jobs.

use crate::{
    paths::{self, RunPlace},
    ui::{Empty, Icon, JobBadge, heads, submit_in_place},
};
use leptos::prelude::*;
use model::{
    RunId,
    job::{FileRole, JobFiles, JobRow, PathDetail, PathRow, PathUse, RuleFiles},
    page::Total,
    text,
};
use view::files::{AllFiles, FilesView};

/// The view with its search, which is a form and so works without script.
#[component]
pub fn Files(id: RunId, found: FilesView, place: Memo<RunPlace>) -> impl IntoView {
    let at = place.get_untracked();
    let rule = at.rule.clone();
    let shown = match found {
        FilesView::Map(rules) => view! { <Map id rules place/> }.into_any(),
        FilesView::Rule { jobs, next } => view! { <OfRule id jobs next place/> }.into_any(),
        FilesView::Job(files) => view! { <OfJob id files=*files place/> }.into_any(),
        FilesView::Found { paths, more, is_later } => view! { <Found id paths more is_later place/> }.into_any(),
        FilesView::Path { path, role, is_later } => view! { <OnePath id path role is_later place/> }.into_any(),
    };
    view! {
        <form class="tool" method="get" action=paths::run(id) role="search" on:submit=submit_in_place()>
            <input type="hidden" name="tab" value="files"/>
            {rule.map(|rule| view! { <input type="hidden" name="rule" value=rule/> })}
            <input class="field wide" type="search" name="find" value=at.find placeholder="Find a file" aria-label="Find a file of this run" autocomplete="off"/>
            <button class="btn small" type="submit">"Find"</button>
        </form>
        <div class="scroller files-view" tabindex="0" role="region" aria-label="Files">{shown}</div>
    }
}

/// A path that links to the jobs that make and use it.
#[component]
fn Path(id: RunId, path: String, place: Memo<RunPlace>) -> impl IntoView {
    let href = {
        let path = path.clone();
        move || paths::run_at(id, &RunPlace { path: Some(path.clone()), find: None, form: None, after: None, ..place.get() })
    };
    view! {
        <Icon name="i-file" small=true/>
        <a class="cut" href=href title=path.clone()>{path.clone()}</a>
    }
}

/// Links to the previous and the next window of a list.
fn pages(id: RunId, first: Option<RunPlace>, next: Option<(RunPlace, String)>) -> impl IntoView {
    let some = first.is_some() || next.is_some();
    let first = first.map(|first| view! { <a class="btn small" href=paths::run_at(id, &first)>"From the start"</a> });
    let next =
        next.map(|(next, says)| view! { <a class="btn small" href=paths::run_at(id, &next)>{says}<Icon name="i-right" small=true/></a> });
    some.then(|| view! { <nav class="pages" aria-label="Pages">{first}{next}</nav> })
}

/// The last line of a short list: how many files it leaves out.
fn more_files(id: RunId, place: &RunPlace, more: u64, role: FileRole) -> Option<impl IntoView + use<>> {
    let href = paths::run_at(id, place);
    (more > 0).then(|| view! { <li><a class="link" href=href>{text::more(more, role.noun())}</a></li> })
}

/// A job's label among other jobs of its rule.
fn name(job: &JobRow) -> String {
    let wildcards: Vec<String> = job.wildcards.iter().map(|(key, value)| format!("{key}={value}")).collect();
    if wildcards.is_empty() { job.job_id.map_or_else(|| "the job".to_owned(), |id| format!("job {id}")) } else { wildcards.join(" ") }
}

/// Paths with the search words highlighted.
#[component]
fn Found(id: RunId, paths: Vec<PathRow>, more: u64, is_later: bool, place: Memo<RunPlace>) -> impl IntoView {
    if paths.is_empty() && !is_later {
        return view! { <Empty says="No file path in this run contains these words."/> }.into_any();
    }
    let at = place.get_untracked();
    let first = is_later.then(|| RunPlace { after: None, ..at.clone() });
    let last = paths.last().map(|row| row.id.to_string()).filter(|_| more > 0);
    let next = last.map(|last| (RunPlace { after: Some(last), ..at }, text::more(more, "file")));
    let rows = paths.into_iter().map(|row| view! { <li><Path id path=row.path place/></li> });
    view! { <ul class="files paths">{rows.collect_view()}</ul> {pages(id, first, next)} }.into_any()
}

/// All files of a job in one role, window by window.
#[component]
fn OfJob(id: RunId, files: AllFiles, place: Memo<RunPlace>) -> impl IntoView {
    let AllFiles { job, counts, role, files, skip, more } = files;
    let at = place.get_untracked();
    let back = paths::run_at(id, &RunPlace { files_of: None, form: None, after: None, ..at.clone() });
    let key = job.id;
    let to_job = move || paths::run_at(id, &place.get().of_job(Some(key)));
    let title = format!("{} {}", job.rule.clone().unwrap_or_default(), name(&job));
    let roles = counts.into_iter().map(|(one, count)| {
        let href = paths::run_at(id, &at.of_files(key, Some(one), 0));
        let here = (one == role).then_some("true");
        view! { <a href=href aria-current=here>{one.label()}<span class="num">{text::many(count)}</span></a> }
    });
    let roles = roles.collect_view();
    let shown = skip as usize + files.len();
    let first = (skip > 0).then(|| at.of_files(key, Some(role), 0));
    let next = (more > 0).then(|| (at.of_files(key, Some(role), shown), text::more(more, role.noun())));
    let none = files.is_empty().then(|| view! { <p class="dim">{format!("This job has no {} here.", role.noun())}</p> });
    let rows = files.into_iter().map(|file| {
        let used = file.used().map(|used| view! { <span class="dim">{used}</span> });
        let from = file.made_by.map(|(job, rule)| {
            let href = move || paths::run_at(id, &place.get().of_job(Some(job)));
            view! { <a class="link" href=href>{format!("by {rule}")}</a> }
        });
        view! { <li><Path id path=file.path place/>{from}{used}</li> }
    });
    view! {
        <div class="one-path">
            <a class="btn ghost small" href=back><Icon name="i-left" small=true/>"All files"</a>
            <h2><JobBadge status=Signal::stored(job.status)/>" "<a class="link" href=to_job>{title}</a></h2>
            <nav class="tabs" aria-label="Files of the job">{roles}</nav>
            {none}
            <ul class="files">{rows.collect_view()}</ul>
        </div>
        {pages(id, first, next)}
    }
}

#[component]
fn Map(id: RunId, rules: Vec<RuleFiles>, place: Memo<RunPlace>) -> impl IntoView {
    if rules.is_empty() {
        return view! { <Empty says="No job has reported a file yet."/> }.into_any();
    }
    let rows = rules.into_iter().map(|files| {
        let RuleFiles { rule, inputs, outputs, unlisted } = files;
        let all = place.get_untracked().of_rule(Some(&rule));
        let more_inputs = more_files(id, &all, unlisted.of(FileRole::Input), FileRole::Input);
        let more_outputs = more_files(id, &all, unlisted.of(FileRole::Output), FileRole::Output);
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
                <td role="cell"><ul class="files">{reads.collect_view()}{more_inputs}</ul></td>
                <th role="rowheader" scope="row"><a class="tag" href=href>{rule}</a></th>
                <td role="cell"><ul class="files">{makes.collect_view()}{more_outputs}</ul></td>
            </tr>
        }
    });
    view! {
        <table class="file-map" role="table">
            <caption class="sr">"Inputs and outputs of each rule, with a few files of one job as examples"</caption>
            {heads(&[("Reads, for example", ""), ("Rule", ""), ("Writes, for example", "")])}
            <tbody role="rowgroup">{rows.collect_view()}</tbody>
        </table>
    }
    .into_any()
}

#[component]
fn OfRule(id: RunId, jobs: Vec<JobFiles>, next: Option<(String, Total)>, place: Memo<RunPlace>) -> impl IntoView {
    if jobs.is_empty() {
        return view! { <Empty says="This rule has no jobs here."/> }.into_any();
    }
    let rows = jobs.into_iter().map(|JobFiles { job, files, unlisted }| {
        let (key, label) = (job.id, name(&job));
        let href = move || paths::run_at(id, &place.get().of_job(Some(key)));
        let side = |role: FileRole| {
            let files: Vec<_> = files.iter().filter(move |file| file.role == role).cloned().collect();
            let all = place.get_untracked().of_files(key, Some(role), files.len());
            let more = more_files(id, &all, unlisted.of(role), role);
            let files = files.into_iter();
            let rows = files.map(|file| {
                let from = file.made_by.map(|(job, rule)| {
                    let href = move || paths::run_at(id, &place.get().of_job(Some(job)));
                    view! { <a class="link" href=href>{format!("by {rule}")}</a> }
                });
                view! { <li><Path id path=file.path place/>{from}</li> }
            });
            view! { {rows.collect_view()} {more} }
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
    let at = place.get_untracked();
    let first = at.after.is_some().then(|| RunPlace { after: None, ..at.clone() });
    let forth =
        pages(id, first, next.map(|(after, left)| (RunPlace { after: Some(after), ..at }, text::counted(left, "older job", "older jobs"))));
    view! {
        <table class="file-map" role="table">
            <caption class="sr">"Files of the rule's jobs"</caption>
            {heads(&[("Reads", ""), ("Job", ""), ("Makes", "")])}
            <tbody role="rowgroup">{rows.collect_view()}</tbody>
        </table>
        {forth}
    }
    .into_any()
}

#[component]
fn OnePath(id: RunId, path: PathDetail, role: Option<FileRole>, is_later: bool, place: Memo<RunPlace>) -> impl IntoView {
    let PathDetail { path, jobs, unlisted } = path;
    let at = place.get_untracked();
    let back = paths::run_at(id, &RunPlace { path: None, form: None, after: None, files_of: None, ..at.clone() });
    let first = (role.is_some() || is_later).then(|| RunPlace { form: None, after: None, ..at.clone() });
    let list = |heading: &'static str, none: &'static str, role: FileRole| {
        let jobs: Vec<&PathUse> = jobs.iter().filter(|job| job.role == role).collect();
        let empty = jobs.is_empty();
        let more = unlisted.of(role);
        let last = jobs.last().map(|job| job.job.to_string()).filter(|_| more > 0);
        let more = last.map(|last| {
            let next = RunPlace { form: Some(role.as_str().to_owned()), after: Some(last), ..at.clone() };
            view! { <li><a class="link" href=paths::run_at(id, &next)>{text::more(more, "job")}</a></li> }
        });
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
                {(empty && !is_later).then(|| view! { <p class="dim">{none}</p> })}
                <ul class="files">{rows.collect_view()}{more}</ul>
            </section>
        }
    };
    // A window of one role contains nothing about the others.
    let one = |heading: &'static str, none: &'static str, of: FileRole| role.is_none_or(|role| role == of).then(|| list(heading, none, of));
    let others = [(FileRole::Log, "Log of"), (FileRole::Benchmark, "Benchmark of")];
    let others = others.into_iter().filter(|(role, _)| jobs.iter().any(|job| job.role == *role));
    let others: Vec<_> = others.map(|(role, heading)| list(heading, "", role)).collect();
    view! {
        <div class="one-path">
            <a class="btn ghost small" href=back><Icon name="i-left" small=true/>"All files"</a>
            <h2><code>{path}</code></h2>
            {one("Made by", "No job of this run writes it.", FileRole::Output)}
            {one("Used by", "No job of this run uses it.", FileRole::Input)}
            {others}
            {first.map(|first| view! { <a class="btn small" href=paths::run_at(id, &first)>"All jobs of this file"</a> })}
        </div>
    }
}
