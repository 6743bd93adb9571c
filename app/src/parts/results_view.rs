//! Results of a run: outputs by rule and job, and which of them exist; or its directory; and one open file.

use super::{preview::FilePreview, refresh::Refresh};
use crate::{
    api::results::read_results,
    paths::{self, RunPlace},
    ui::{Empty, Icon, StatusIcon},
};
use leptos::prelude::*;
use model::{
    RunId,
    file::{FileRef, NoFile},
    preview::{Entry, EntryKind},
    text,
};
use view::results::{DEEP, Level, Made, Output, Rest, ResultsAsk, ResultsView, Took};

/// The listed files.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Listed {
    made: Vec<Made>,
    rest: Option<Rest>,
    levels: Vec<Level>,
}

/// The context in which a job's outputs are listed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beside {
    /// One job of each rule.
    Rules,
    /// Other jobs of the same rule.
    Jobs,
    Nothing,
}

/// The outputs, and the open file.
#[component]
pub fn Results(id: RunId, found: ResultsView, place: Memo<RunPlace>, refresh: Refresh) -> impl IntoView {
    let ResultsView { made, rest, levels, took, jobs, shown, open } = found;
    let by_rule = levels.is_empty();
    if by_rule && made.is_empty() && open.is_none() && !shown && rest.is_none() {
        return view! { <Nothing/> }.into_any();
    }
    let here = open.as_ref().map(|open| open.file.clone());
    let at = place.get_untracked();
    let job = at.files_of.as_ref().and_then(|job| job.parse().ok()).filter(|_| by_rule);
    let beside = match (job, &at.rule) {
        (Some(_), _) => Beside::Nothing,
        (None, Some(_)) => Beside::Jobs,
        (None, None) => Beside::Rules,
    };
    let listed = RwSignal::new(Listed { made, rest, levels });
    let ask = ResultsAsk { rule: at.rule, job, file: None, after: at.after, tree: at.tree, encoding: None };
    refresh.keep_fresh(listed, move || {
        let ask = ask.clone();
        async move { read_results(id, ask).await.ok().map(|found| Listed { made: found.made, rest: found.rest, levels: found.levels }) }
    });
    let list = move || {
        let Listed { made, levels, .. } = listed.get();
        if by_rule {
            let none = made.is_empty().then(|| view! { <Nothing/> });
            let groups = made.into_iter().map(|made| view! { <Group id made beside here=here.clone() place/> }).collect_view();
            let all = (beside == Beside::Nothing).then(|| {
                let href = paths::run_at(id, &RunPlace { files_of: None, after: None, ..place.get_untracked() });
                view! { <a class="btn ghost small" href=href><Icon name="i-left" small=true/>"All outputs"</a> }
            });
            view! { {all} {none} {groups} }.into_any()
        } else {
            view! { <Branch id levels=levels at=0 here=here.clone() place/> }.into_any()
        }
    };
    let later = move || {
        listed.with(|listed| listed.rest.clone()).map(|Rest { after, says }| {
            let href = paths::run_at(id, &RunPlace { after: Some(after), file: None, ..place.get_untracked() });
            view! { <a class="btn small" href=href>{says}<Icon name="i-right" small=true/></a> }
        })
    };
    let way = move |tree: Option<&str>| {
        let tree = tree.map(str::to_owned);
        paths::run_at(id, &RunPlace { tree, files_of: None, after: None, ..place.get() })
    };
    let ways = shown.then(|| {
        view! {
            <div class="seg" role="group" aria-label="Files">
                <a href=move || way(None) aria-current=by_rule.then_some("true")>"By rule"</a>
                <a href=move || way(Some(".")) aria-current=(!by_rule).then_some("true")>"Directory"</a>
            </div>
        }
    });
    let view = match open {
        Some(open) => view! { <FilePreview id open place watch=refresh.watch/> }.into_any(),
        None if !took.is_empty() => view! { <Bars id took of=jobs place/> }.into_any(),
        None => view! { <Empty says="Choose a file to preview it."/> }.into_any(),
    };
    view! {
        <section class="results" aria-label="Results">
            <nav class="tree" aria-label="Results" tabindex="0">
                {ways}
                {list}
                {later}
            </nav>
            <div class="view">{view}</div>
        </section>
    }
    .into_any()
}

/// Time and memory of each job of a rule, as bars.
#[component]
fn Bars(id: RunId, took: Vec<Took>, of: u64, place: Memo<RunPlace>) -> impl IntoView {
    let drawn = took.len() as u64;
    let jobs = if drawn < of { format!("{} of {}", text::count(drawn as i64), text::things(of, "job")) } else { "the jobs".to_owned() };
    let longest = took.iter().map(|took| took.benchmark.seconds).fold(0.0, f64::max);
    let most = took.iter().filter_map(|took| took.benchmark.memory).max().unwrap_or_default() as f64;
    let share = |value: f64, of: f64| format!("--n:{:.1}", if of > 0.0 { value / of * 100.0 } else { 0.0 });
    let rows = took.into_iter().map(|took| {
        let Took { job, label, benchmark } = took;
        let href = move || paths::run_at(id, &place.get().of_job(Some(job)));
        let memory = benchmark.memory.map(|memory| {
            let says = text::size(memory);
            view! { <i style=share(memory as f64, most)></i><span class="num">{says}</span> }
        });
        view! {
            <tr>
                <th scope="row"><a class="link" href=href>{if label.is_empty() { "the job".to_owned() } else { label }}</a></th>
                <td><i style=share(benchmark.seconds, longest)></i><span class="num">{text::duration((benchmark.seconds * 1000.0) as i64)}</span></td>
                <td>{memory}</td>
                <td class="num">{benchmark.cpu_seconds.map(|seconds| text::duration((seconds * 1000.0) as i64))}</td>
                <td class="num">{benchmark.load.map(|load| format!("{load:.0} %"))}</td>
            </tr>
        }
    });
    view! {
        <div class="scroller" tabindex="0" role="region" aria-label="Benchmarks">
            <table class="took">
                <caption>{format!("Time and memory of {jobs}, from their benchmark files")}</caption>
                <thead>
                    <tr><th scope="col">"Job"</th><th scope="col">"Time"</th><th scope="col">"Peak memory"</th><th scope="col">"Processor"</th><th scope="col">"Load"</th></tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    }
}

#[component]
fn Nothing() -> impl IntoView {
    view! { <Empty says="No outputs yet. Results appear when the client describes jobs."/> }
}

/// The content of a directory, with the open directory below it.
#[component]
fn Branch(id: RunId, levels: Vec<Level>, at: usize, here: Option<FileRef>, place: Memo<RunPlace>) -> impl IntoView {
    let Some(level) = levels.get(at).cloned() else { return ().into_any() };
    let folder = match level.folder {
        Ok(found) => found,
        Err(why) => return view! { <p class="dim edge" role="status">{why.to_string()}</p> }.into_any(),
    };
    let open = levels.get(at + 1).map(|level| level.way.clone());
    let up = if level.way.is_empty() { ".".to_owned() } else { level.way.clone() };
    let (rest, unlisted, next) = (folder.rest(), folder.unlisted(), folder.next);
    let entries = folder.entries;
    let empty = entries.is_empty() && rest.is_none() && unlisted.is_none() && level.from.is_none();
    let way_from = |after: Option<String>| paths::run_at(id, &RunPlace { tree: Some(up.clone()), after, ..place.get_untracked() });
    let first = level.from.is_some().then(|| view! { <p class="edge"><a class="link" href=way_from(None)>"From the start"</a></p> });
    let rest = rest.map(|says| match next {
        Some(next) => view! { <p class="edge"><a class="link" href=way_from(Some(next))>{says}</a></p> }.into_any(),
        None => view! { <p class="dim edge">{says}</p> }.into_any(),
    });
    let rows = entries.into_iter().map(|entry| {
        let Entry { name, kind, size, .. } = entry;
        let way = if level.way.is_empty() { name.clone() } else { format!("{}/{name}", level.way) };
        match kind {
            // A directory too deep for this list links to a preview.
            EntryKind::Directory if at >= DEEP => {
                let file = FileRef::Under(way);
                let current = (here.as_ref() == Some(&file)).then_some("true");
                let href = move || paths::run_at(id, &RunPlace { file: Some(file.to_string()), from: None, encoding: None, ..place.get() });
                view! {
                    <li>
                        <a href=href aria-current=current><Icon name="i-folder" small=true/><span class="cut" title=name.clone()>{name.clone()}</span></a>
                    </li>
                }
                .into_any()
            }
            EntryKind::Directory => {
                let is_open = open.as_ref() == Some(&way);
                let tree = if is_open { up.clone() } else { way.clone() };
                let href = move || paths::run_at(id, &RunPlace { tree: Some(tree.clone()), after: None, ..place.get() });
                let within = is_open.then(|| view! { <Branch id levels=levels.clone() at=at + 1 here=here.clone() place/> }.into_any());
                view! {
                    <li>
                        <a href=href aria-expanded=is_open.to_string()><Icon name=if is_open { "i-down" } else { "i-right" } small=true/><Icon name="i-folder" small=true/><span class="cut" title=name.clone()>{name.clone()}</span></a>
                        {within}
                    </li>
                }
                .into_any()
            }
            EntryKind::File | EntryKind::Link => {
                let file = FileRef::Under(way);
                let current = (here.as_ref() == Some(&file)).then_some("true");
                let href = move || paths::run_at(id, &RunPlace { file: Some(file.to_string()), from: None, encoding: None, ..place.get() });
                let says = if kind == EntryKind::Link { "link".to_owned() } else { text::size(size) };
                view! {
                    <li>
                        <a href=href aria-current=current><Icon name="i-file" small=true/><span class="cut" title=name.clone()>{name.clone()}</span><span class="num">{says}</span></a>
                    </li>
                }
                .into_any()
            }
            EntryKind::Special => view! { <li class="dim"><span class="cut" title=name.clone()>{name.clone()}</span></li> }.into_any(),
        }
    });
    view! {
        {first}
        <ul data-within=(at > 0).then_some("")>{rows.collect_view()}</ul>
        {empty.then(|| view! { <p class="dim edge">"It is empty."</p> })}
        {rest}
        {unlisted.map(|says| view! { <p class="dim edge">{says}</p> })}
    }
    .into_any()
}

#[component]
fn Group(id: RunId, made: Made, beside: Beside, here: Option<FileRef>, place: Memo<RunPlace>) -> impl IntoView {
    let Made { job, rule, label, status, outputs, skipped, missing, more_jobs } = made;
    let at = place.get_untracked();
    let all_jobs = paths::run_at(id, &at.of_rule(Some(&rule)));
    let alone = beside == Beside::Nothing;
    let name = match (beside == Beside::Jobs, label.is_empty()) {
        (true, false) => view! { <span class="cut" title=label.clone()>{label.clone()}</span> }.into_any(),
        (true, true) => view! { <span class="cut" title=rule.clone()>{rule.clone()}</span> }.into_any(),
        (false, _) => {
            let of = (alone && !label.is_empty()).then(|| view! { <span class="cut" title=label.clone()>{label.clone()}</span> });
            view! { <a class="link cut" href=all_jobs.clone() title=rule.clone()>{rule.clone()}</a> {of} }.into_any()
        }
    };
    // A job listed beside others shows all its outputs from the start; a single one shows those that come next.
    let skip = if alone { skipped as usize + outputs.len() } else { 0 };
    let first = (skipped > 0).then(|| {
        let href = paths::run_at(id, &at.of_files(job, None, 0));
        view! { <p class="edge"><a class="link" href=href>"From the start"</a></p> }
    });
    let more_outputs = (missing > 0).then(|| {
        let href = paths::run_at(id, &at.of_files(job, None, skip));
        view! { <p class="edge"><a class="link" href=href>{text::more(missing, "output")}</a></p> }
    });
    let more_jobs = (more_jobs > 0).then(|| {
        let says = text::more(more_jobs, "job");
        // There is no rule to filter by for jobs without one.
        let href = (!rule.is_empty()).then_some(all_jobs);
        view! { <p class="edge">{match href { Some(href) => view! { <a class="link" href=href>{says}</a> }.into_any(), None => says.into_any() }}</p> }
    });
    let files = outputs.into_iter().map(|output| {
        let Output { file, path, facts } = output;
        let current = (here == Some(FileRef::Known(file))).then_some("true");
        let href = move || paths::run_at(id, &RunPlace { file: Some(file.to_string()), from: None, encoding: None, ..place.get() });
        let (says, missing) = match facts {
            Ok(facts) => (text::size(facts.size), false),
            Err(NoFile::Directory) => ("directory".to_owned(), false),
            Err(NoFile::Missing) => ("not there".to_owned(), true),
            Err(_) => ("not shown".to_owned(), true),
        };
        view! {
            <li>
                <a href=href title=path.clone() aria-current=current data-missing=missing.then_some("")>
                    <Icon name="i-file" small=true/>
                    <span class="cut">{path.rsplit('/').next().unwrap_or(&path).to_owned()}</span>
                    <span class="num">{says}</span>
                </a>
            </li>
        }
    });
    view! {
        <h2><StatusIcon word=status.as_str() label=status.label()/>{name}</h2>
        {first}
        <ul>{files.collect_view()}</ul>
        {more_outputs}
        {more_jobs}
    }
}
