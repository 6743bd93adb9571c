//! The code of a run: its Snakefile and configuration, or what its rules run.

use crate::{
    paths::{self, RunPlace},
    ui::{CopySection, Empty, Icon},
};
use leptos::prelude::*;
use model::{RunId, text};
use view::code::{CodeView, Source, SourceBody};

/// The texts one below the other, highlighted by the server.
#[component]
pub fn Code(id: RunId, found: CodeView, place: Memo<RunPlace>) -> impl IntoView {
    let CodeView { files, more_files, rules, more_rules, others, config } = found;
    let empty = files.is_empty() && rules.is_empty() && config.is_none();
    let heading = (!files.is_empty() && !rules.is_empty()).then(|| view! { <h2 class="part">"Rules"</h2> });
    let more_files = (more_files > 0).then(|| {
        let files = if more_files == 1 { "file" } else { "files" };
        let says = format!("{} more configuration {files}, listed under Info", text::many(more_files));
        view! { <p><a class="link" href=move || paths::run_at(id, &place.get().of_tab(Some("info")))>{says}</a></p> }
    });
    view! {
        <div class="texts" tabindex="0" role="region" aria-label="Code">
            {files.into_iter().map(|source| view! { <Text id source/> }).collect_view()}
            {more_files}
            {config
                .map(|html| {
                    let body = SourceBody::Html { lines: html.lines().count() as u32, html, missing: 0, whole: None };
                    view! { <Text id source=Source { name: "Configuration as reported".into(), language: Some("json".into()), body }/> }
                })}
            {heading}
            {rules.into_iter().map(|source| view! { <Text id source/> }).collect_view()}
            {(more_rules > 0).then(|| view! { <Others id count=more_rules names=others place/> })}
            {empty.then(|| view! { <Empty says="The client did not report this code."/> })}
        </div>
    }
}

/// Rules whose code is not shown here, each with a link to its own code.
#[component]
fn Others(id: RunId, count: u64, names: Vec<String>, place: Memo<RunPlace>) -> impl IntoView {
    let says = text::more(count, "rule");
    let unnamed = count.saturating_sub(names.len() as u64);
    let links = names.into_iter().map(|name| {
        let label = name.clone();
        view! { <a class="link" href=move || paths::run_at(id, &place.get().of_rule(Some(&name)))>{label}</a> }
    });
    view! {
        <details class="further">
            <summary>{says}</summary>
            <div role="group" aria-label="More rules">
                {links.collect_view()}
                {(unnamed > 0).then(|| format!("and {} more", text::many(unnamed)))}
            </div>
        </details>
    }
}

#[component]
fn Text(id: RunId, source: Source) -> impl IntoView {
    let Source { name, language, body } = source;
    let label = format!("Code of {name}");
    let mut cut = false;
    let (says, shown) = match body {
        SourceBody::Html { html, lines, missing, whole } => {
            let bytes = text::size(missing);
            let rest = if missing > 0 { format!("; {bytes} more are not shown") } else { String::new() };
            let says = format!("{} {}{rest}", text::count(i64::from(lines)), if lines == 1 { "line" } else { "lines" });
            let whole = whole.map(|file| {
                let there =
                    RunPlace { tab: Some("logs".into()), file: Some(file.to_string()), from: Some("0".into()), ..RunPlace::default() };
                view! { <a class="link" href=paths::run_at(id, &there)>"The whole file"</a> }
            });
            cut = missing > 0;
            let says = view! { <span class="dim num">{says}</span>{whole} }.into_any();
            let pre = view! { <pre class="code" tabindex="0" role="region" aria-label=label inner_html=html></pre> };
            (Some(says), pre.into_any())
        }
        SourceBody::Absent(why) => (None, view! { <p class="dim">{why}</p> }.into_any()),
    };
    let copy = says.is_some().then(|| view! { <CopySection says=if cut { "Copy the shown text" } else { "Copy" }/> });
    view! {
        <section class="text">
            <header>
                <Icon name="i-code" small=true/>
                <h3>{name}</h3>
                <span class="dim">{language}</span>
                {says}
                {copy}
            </header>
            {shown}
        </section>
    }
}
