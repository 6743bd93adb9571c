//! Results of a run: outputs by rule and job, which of them are there, or its directory; and one of the files.

use super::{fresh::Pulse, look::Look};
use crate::{
    api::results::{Level, Made, Output, ResultsAsk, ResultsView, Took, read_results},
    paths::{self, RunPlace},
    ui::{Icon, StatusMark},
};
use leptos::prelude::*;
use model::{
    RunId,
    file::{FileRef, NoFile},
    preview::{Entry, EntryKind},
    text,
};

/// What is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Listed {
    made: Vec<Made>,
    next: Option<String>,
    levels: Vec<Level>,
}

/// The outputs, and the open one.
#[component]
pub fn Results(id: RunId, found: ResultsView, place: Memo<RunPlace>, pulse: Pulse) -> impl IntoView {
    let ResultsView { made, next, levels, took, shown, open } = found;
    let by_rule = levels.is_empty();
    if by_rule && made.is_empty() && open.is_none() && !shown {
        return view! { <Nothing/> }.into_any();
    }
    let here = open.as_ref().map(|open| open.file.clone());
    let at = place.get_untracked();
    let chosen = at.rule.is_some();
    let listed = RwSignal::new(Listed { made, next, levels });
    let ask = ResultsAsk { rule: at.rule, file: None, after: at.after, tree: at.tree };
    pulse.keep_fresh(listed, move || {
        let ask = ask.clone();
        async move { read_results(id, ask).await.ok().map(|found| Listed { made: found.made, next: found.next, levels: found.levels }) }
    });
    let list = move || {
        let Listed { made, levels, .. } = listed.get();
        if by_rule {
            let none = made.is_empty().then(|| view! { <Nothing/> });
            let groups = made.into_iter().map(|made| view! { <Group id made chosen here=here.clone() place/> }).collect_view();
            view! { {none} {groups} }.into_any()
        } else {
            view! { <Branch id levels=levels at=0 here=here.clone() place/> }.into_any()
        }
    };
    let later = move || {
        listed.with(|listed| listed.next.clone()).map(|next| {
            let href = paths::run_at(id, &RunPlace { after: Some(next), file: None, ..place.get_untracked() });
            view! { <a class="btn small" href=href>"Earlier jobs"<Icon name="i-right" small=true/></a> }
        })
    };
    let way = move |tree: Option<&str>| {
        let tree = tree.map(str::to_owned);
        paths::run_at(id, &RunPlace { tree, after: None, ..place.get() })
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
        Some(open) => view! { <Look id open place watch=pulse.watch/> }.into_any(),
        None if !took.is_empty() => view! { <Bars id took place/> }.into_any(),
        None => view! { <div class="empty" role="status"><p>"Choose a file to look into it."</p></div> }.into_any(),
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

/// What each job of a rule took: time and memory as bars.
#[component]
fn Bars(id: RunId, took: Vec<Took>, place: Memo<RunPlace>) -> impl IntoView {
    let longest = took.iter().map(|took| took.benchmark.seconds).fold(0.0, f64::max);
    let most = took.iter().filter_map(|took| took.benchmark.memory).max().unwrap_or_default() as f64;
    let share = |value: f64, of: f64| format!("--n:{:.1}", if of > 0.0 { value / of * 100.0 } else { 0.0 });
    let rows = took.into_iter().map(|took| {
        let Took { job, label, benchmark } = took;
        let href = move || paths::run_at(id, &place.get().of_job(Some(job)));
        let memory = benchmark.memory.map(|memory| {
            let says = text::bytes(i64::try_from(memory).unwrap_or(i64::MAX));
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
                <caption>"What the jobs took, by their benchmark files"</caption>
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
    view! {
        <div class="empty" role="status"><p>"No output is declared yet. Results appear as jobs are described by their client."</p></div>
    }
}

/// What lies in a directory, with the one beneath it that is open.
#[component]
fn Branch(id: RunId, levels: Vec<Level>, at: usize, here: Option<FileRef>, place: Memo<RunPlace>) -> impl IntoView {
    let Some(level) = levels.get(at).cloned() else { return ().into_any() };
    let (entries, more) = match level.entries {
        Ok(found) => found,
        Err(why) => return view! { <p class="dim edge" role="status">{why.to_string()}</p> }.into_any(),
    };
    let open = levels.get(at + 1).map(|level| level.way.clone());
    let empty = entries.is_empty();
    let up = if level.way.is_empty() { ".".to_owned() } else { level.way.clone() };
    let rows = entries.into_iter().map(|entry| {
        let Entry { name, kind, size, .. } = entry;
        let way = if level.way.is_empty() { name.clone() } else { format!("{}/{name}", level.way) };
        match kind {
            EntryKind::Directory => {
                let is_open = open.as_ref() == Some(&way);
                let tree = if is_open { up.clone() } else { way.clone() };
                let href = move || paths::run_at(id, &RunPlace { tree: Some(tree.clone()), ..place.get() });
                let within = is_open.then(|| view! { <Branch id levels=levels.clone() at=at + 1 here=here.clone() place/> }.into_any());
                view! {
                    <li>
                        <a href=href aria-expanded=is_open.to_string()><Icon name=if is_open { "i-down" } else { "i-right" } small=true/><Icon name="i-folder" small=true/><span class="cut">{name}</span></a>
                        {within}
                    </li>
                }
                .into_any()
            }
            EntryKind::File | EntryKind::Link => {
                let file = FileRef::Under(way);
                let current = (here.as_ref() == Some(&file)).then_some("true");
                let href = move || paths::run_at(id, &RunPlace { file: Some(file.to_string()), from: None, ..place.get() });
                let says = if kind == EntryKind::Link { "link".to_owned() } else { text::bytes(i64::try_from(size).unwrap_or(i64::MAX)) };
                view! {
                    <li>
                        <a href=href aria-current=current><Icon name="i-file" small=true/><span class="cut">{name}</span><span class="num">{says}</span></a>
                    </li>
                }
                .into_any()
            }
            EntryKind::Special => view! { <li class="dim"><span class="cut">{name}</span></li> }.into_any(),
        }
    });
    view! {
        <ul data-within=(at > 0).then_some("")>{rows.collect_view()}</ul>
        {empty.then(|| view! { <p class="dim edge">"It is empty."</p> })}
        {more.then(|| view! { <p class="dim edge">"There is more than is listed."</p> })}
    }
    .into_any()
}

#[component]
fn Group(id: RunId, made: Made, chosen: bool, here: Option<FileRef>, place: Memo<RunPlace>) -> impl IntoView {
    let Made { rule, label, status, outputs, .. } = made;
    let word = status.as_str();
    let name = match (chosen, label.is_empty()) {
        (true, false) => view! { <span class="cut">{label}</span> }.into_any(),
        (true, true) => view! { <span class="cut">{rule}</span> }.into_any(),
        (false, _) => {
            let href = paths::run_at(id, &place.get_untracked().of_rule(Some(&rule)));
            view! { <a class="link cut" href=href>{rule}</a> }.into_any()
        }
    };
    let files = outputs.into_iter().map(|output| {
        let Output { file, path, facts } = output;
        let current = (here == Some(FileRef::Known(file))).then_some("true");
        let href = move || paths::run_at(id, &RunPlace { file: Some(file.to_string()), from: None, ..place.get() });
        let (says, missing) = match facts {
            Ok(facts) => (text::bytes(i64::try_from(facts.size).unwrap_or(i64::MAX)), false),
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
        <h2><span class="st" data-status=word><StatusMark word/><span class="sr">{status.label()}</span></span>{name}</h2>
        <ul>{files.collect_view()}</ul>
    }
}
