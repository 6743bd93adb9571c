//! Results of a run: outputs by rule and job, which of them are there, and a look into one of them.

use crate::{
    api::results::{Column, Made, OpenFile, Output, Preview, ResultsView},
    paths::{self, RunPlace},
    ui::{Ago, CopyButton, Icon, StatusMark},
};
use leptos::prelude::*;
use model::{RunId, file::NoFile, text};

/// The outputs, and the open one.
#[component]
pub fn Results(id: RunId, found: ResultsView, place: Memo<RunPlace>) -> impl IntoView {
    let ResultsView { made, next, open } = found;
    if made.is_empty() && open.is_none() {
        return view! {
            <div class="empty" role="status"><p>"No output is declared yet. Results appear as jobs are described by their client."</p></div>
        }
        .into_any();
    }
    let here = open.as_ref().map(|open| open.file);
    let chosen = place.with_untracked(|place| place.rule.is_some());
    let groups = made.into_iter().map(|made| view! { <Group id made chosen here place/> }).collect_view();
    let later = next.map(|next| {
        let href = paths::run_at(id, &RunPlace { after: Some(next), file: None, ..place.get_untracked() });
        view! { <a class="btn small" href=href>"Earlier jobs"<Icon name="i-right" small=true/></a> }
    });
    let view = match open {
        Some(open) => view! { <Look id open/> }.into_any(),
        None => view! { <div class="empty" role="status"><p>"Choose a file to look into it."</p></div> }.into_any(),
    };
    view! {
        <div class="results">
            <nav class="tree" aria-label="Results" tabindex="0">
                {groups}
                {later}
            </nav>
            <div class="view">{view}</div>
        </div>
    }
    .into_any()
}

#[component]
fn Group(id: RunId, made: Made, chosen: bool, here: Option<i64>, place: Memo<RunPlace>) -> impl IntoView {
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
        let href = move || paths::run_at(id, &RunPlace { file: Some(file.to_string()), ..place.get() });
        let (says, missing) = match facts {
            Ok(facts) => (text::bytes(i64::try_from(facts.size).unwrap_or(i64::MAX)), false),
            Err(NoFile::Directory) => ("directory".to_owned(), false),
            Err(NoFile::Missing) => ("not there".to_owned(), true),
            Err(_) => ("not shown".to_owned(), true),
        };
        view! {
            <li>
                <a href=href title=path.clone() aria-current=(here == Some(file)).then_some("true") data-missing=missing.then_some("")>
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

#[component]
fn Look(id: RunId, open: OpenFile) -> impl IntoView {
    let OpenFile { file, path, found } = open;
    let raw = paths::raw(id, file);
    let save = format!("{raw}?save");
    let (facts, shown) = match found {
        Ok((facts, preview)) => (Some(facts), view! { <Shown preview raw path=path.clone()/> }.into_any()),
        Err(why) => (None, view! { <p class="graph-note" role="status">{why.to_string()}</p> }.into_any()),
    };
    view! {
        <header class="preview-head">
            <h2 class="cut" title=path.clone()>{path.clone()}</h2>
            <CopyButton text=path label="Copy the path"/>
            {facts
                .map(|facts| {
                    view! {
                        <span class="dim num">{text::bytes(i64::try_from(facts.size).unwrap_or(i64::MAX))}</span>
                        <span class="dim"><Ago at=Signal::stored(Some(facts.modified_at))/></span>
                        <span class="grow"></span>
                        <a class="btn small" href=save download=""><Icon name="i-save" small=true/>"Download"</a>
                    }
                })}
        </header>
        {shown}
    }
}

#[component]
fn Shown(preview: Preview, raw: String, path: String) -> impl IntoView {
    let label = format!("Content of {path}");
    match preview {
        Preview::Text { html, lines, cut } => {
            let says = cut.then(|| format!("The first {} lines; download the file for the rest.", text::count(i64::from(lines))));
            view! {
                <div class="scroller" tabindex="0" role="region" aria-label=label>
                    <pre class="code" inner_html=html></pre>
                    {says.map(|says| view! { <p class="dim edge">{says}</p> })}
                </div>
            }
            .into_any()
        }
        Preview::Table { columns, rows, more } => {
            let numeric: Vec<bool> = columns.iter().map(|column| column.numeric).collect();
            let heads = columns.into_iter().map(|Column { name, numeric }| {
                view! { <th scope="col"><span class="nm">{name}</span><span class="ty">{if numeric { "number" } else { "text" }}</span></th> }
            });
            let heads = heads.collect_view();
            let says = more.then(|| format!("The first {} rows; download the file for the rest.", text::count(rows.len() as i64)));
            let rows = rows.into_iter().enumerate().map(|(at, row)| {
                let cells = row.into_iter().enumerate().map(|(column, cell)| {
                    let end = numeric.get(column).is_some_and(|numeric| *numeric);
                    view! { <td class=if end { "end" } else { "" }>{cell}</td> }
                });
                view! { <tr><th scope="row">{at + 1}</th>{cells.collect_view()}</tr> }
            });
            view! {
                <div class="scroller" tabindex="0" role="region" aria-label=label>
                    <table class="data"><thead><tr><th></th>{heads}</tr></thead><tbody>{rows.collect_view()}</tbody></table>
                    {says.map(|says| view! { <p class="dim edge">{says}</p> })}
                </div>
            }
            .into_any()
        }
        Preview::Image => view! { <div class="scroller picture"><img src=raw alt=label/></div> }.into_any(),
        Preview::Page => {
            view! { <iframe class="page" src=raw sandbox="allow-scripts" referrerpolicy="no-referrer" title=label></iframe> }.into_any()
        }
        Preview::Hex(text) => view! {
            <div class="scroller" tabindex="0" role="region" aria-label=label>
                <p class="dim edge">"It is not text. These are its first bytes."</p>
                <pre class="code">{text}</pre>
            </div>
        }
        .into_any(),
    }
}
