//! A look into one file: what it is, who made it, and its content in the form that suits it.

mod notebook;
mod sequences;
mod table;
mod tree;

use crate::{
    api::{
        logs::FileNews,
        results::{OpenFile, look_into},
    },
    live::Watch,
    paths::{self, RunPlace},
    ui::{Ago, CopyButton, Icon},
};
use leptos::{html, prelude::*, task::spawn_local};
use model::{
    RunId,
    file::{FileFacts, FileRef, NoFile},
    preview::{Bytes, Code, Preview, Text},
    text,
};
use notebook::NotebookView;
use sequences::SequencesView;
use table::TableView;
use tree::TreeView;

/// The open file.
#[component]
pub fn Look(id: RunId, open: OpenFile, place: Memo<RunPlace>, watch: Watch) -> impl IntoView {
    let OpenFile { file, path, made_by, used_by, found } = open;
    let raw = paths::raw(id, &file);
    let save = format!("{raw}&save=1");
    let is_text = has_lines(&path) && matches!(found, Ok((_, Preview::Text(_) | Preview::Table(_) | Preview::Sequences(_))));
    let facts = RwSignal::new(found.as_ref().ok().map(|(facts, _)| *facts));
    let shown = RwSignal::new(found.map(|(_, preview)| preview));
    let body = NodeRef::<html::Div>::new();
    let take = fresh(id, file.clone(), facts, shown, body);
    watch.follow(file.clone(), Signal::stored(true), take);
    let content = {
        let (file, raw, path) = (file.clone(), raw.clone(), path.clone());
        move || match shown.get() {
            Ok(preview) => {
                // The same address would show the same bytes again.
                let at = facts.with_untracked(|facts| facts.map_or(0, |facts| facts.modified_at));
                view! { <Shown id file=file.clone() preview raw=format!("{raw}&at={at}") path=path.clone()/> }.into_any()
            }
            Err(why) => view! { <p class="graph-note" role="status">{why.to_string()}</p> }.into_any(),
        }
    };
    let maker = made_by.map(|(job, rule)| {
        let href = move || paths::run_at(id, &place.get().of_job(Some(job)));
        view! { <span class="dim">"by "<a class="link" href=href>{rule}</a></span> }
    });
    let users = (used_by > 0).then(|| {
        let says = if used_by == 1 { "used by 1 job".to_owned() } else { format!("used by {used_by} jobs") };
        let of = path.clone();
        let href = move || paths::run_at(id, &RunPlace { path: Some(of.clone()), ..place.get().of_tab(Some("files")) });
        view! { <a class="link dim" href=href>{says}</a> }
    });
    let as_log = is_text.then(|| {
        let file = file.to_string();
        let href =
            move || paths::run_at(id, &RunPlace { file: Some(file.clone()), from: Some("0".into()), ..place.get().of_tab(Some("logs")) });
        view! { <a class="btn small" href=href title="Read and search it line by line"><Icon name="i-rows" small=true/>"Lines"</a> }
    });
    let large = move |_| {
        if let Some(body) = body.get_untracked() {
            let _ = body.request_fullscreen();
        }
    };
    view! {
        <header class="preview-head">
            <h2 class="cut" title=path.clone()>{path.clone()}</h2>
            <CopyButton text=path label="Copy the path"/>
            {maker}
            {users}
            {move || {
                facts
                    .get()
                    .map(|facts| {
                        view! {
                            <span class="dim num">{text::bytes(i64::try_from(facts.size).unwrap_or(i64::MAX))}</span>
                            <span class="dim"><Ago at=Signal::stored(Some(facts.modified_at))/></span>
                        }
                    })
            }}
            <span class="grow"></span>
            {as_log}
            <button class="btn small icon" type="button" aria-label="Full screen" title="Full screen" on:click=large><Icon name="i-fit" small=true/></button>
            <a class="btn small" href=save download=""><Icon name="i-save" small=true/>"Download"</a>
        </header>
        <div class="look" node_ref=body>{content}</div>
    }
}

/// Whether a file with rows has lines of text, by its name.
fn has_lines(path: &str) -> bool {
    let ending = path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    !["bam", "parquet", "pq", "zip", "tar", "tgz", "gz", "bgz", "zst"].contains(&ending.as_str())
}

/// Shows the file anew when it changes, or when it comes to be.
fn fresh(
    id: RunId,
    file: FileRef,
    facts: RwSignal<Option<FileFacts>>,
    shown: RwSignal<Result<Preview, NoFile>>,
    body: NodeRef<html::Div>,
) -> Callback<FileNews> {
    let busy = StoredValue::new(false);
    let again = StoredValue::new(false);
    Callback::new(move |news: FileNews| {
        let known = facts.get_untracked();
        if news.facts.as_ref().ok() == known.as_ref() {
            return;
        }
        facts.set(news.facts.as_ref().ok().copied());
        // What was added lies beyond the rows that are shown.
        let beyond = shown.with_untracked(|shown| matches!(shown, Ok(Preview::Table(table)) if table.next.is_some()));
        let grown = matches!((&news.facts, known), (Ok(now), Some(then)) if now.size >= then.size);
        if beyond && grown {
            return;
        }
        if busy.get_value() {
            again.set_value(true);
            return;
        }
        busy.set_value(true);
        let file = file.clone();
        spawn_local(async move {
            loop {
                let found = look_into(id, file.clone(), 0).await;
                if busy.try_get_value().is_none() {
                    return; // The reader went on to something else.
                }
                if let Ok(found) = found {
                    replace(shown, facts, found, body);
                }
                if !again.try_update_value(std::mem::take).unwrap_or(false) {
                    break;
                }
            }
            busy.set_value(false);
        });
    })
}

/// Another content at the same place of the reader.
fn replace(
    shown: RwSignal<Result<Preview, NoFile>>,
    facts: RwSignal<Option<FileFacts>>,
    found: Result<(FileFacts, Preview), NoFile>,
    body: NodeRef<html::Div>,
) {
    let scroller = move || body.get_untracked().and_then(|body| body.query_selector(".scroller").ok().flatten());
    let top = scroller().map_or(0, |scroller| scroller.scroll_top());
    facts.set(found.as_ref().ok().map(|(facts, _)| *facts));
    let found = found.map(|(_, preview)| preview);
    // Pictures and reports have new bytes at the same place.
    if shown.with_untracked(|shown| *shown != found) || matches!(found, Ok(Preview::Image | Preview::Page | Preview::Pdf)) {
        shown.set(found);
        request_animation_frame(move || {
            if let Some(scroller) = scroller() {
                scroller.set_scroll_top(top);
            }
        });
    }
}

#[component]
fn Shown(id: RunId, file: FileRef, preview: Preview, raw: String, path: String) -> impl IntoView {
    let label = format!("Content of {path}");
    match preview {
        Preview::Text(Text { code, lines, cut }) => {
            let says = cut.then(|| format!("The first {} lines. \u{201c}Lines\u{201d} shows the rest.", text::count(i64::from(lines))));
            view! {
                <div class="scroller" tabindex="0" role="region" aria-label=label>
                    <Words code/>
                    {says.map(|says| view! { <p class="dim edge">{says}</p> })}
                </div>
            }
            .into_any()
        }
        Preview::Table(table) => view! { <TableView id file table label/> }.into_any(),
        Preview::Rich(html) => {
            view! { <div class="scroller rich" tabindex="0" role="region" aria-label=label><article inner_html=html></article></div> }
                .into_any()
        }
        Preview::Tree(tree) => view! { <TreeView tree label/> }.into_any(),
        Preview::Notebook(cells) => view! { <NotebookView cells label/> }.into_any(),
        Preview::Sequences(found) => view! { <SequencesView id file found label/> }.into_any(),
        Preview::Image => view! { <Picture raw label/> }.into_any(),
        Preview::Pdf => view! { <iframe class="page" src=raw title=label></iframe> }.into_any(),
        Preview::Page => {
            view! { <iframe class="page" src=raw sandbox="allow-scripts" referrerpolicy="no-referrer" title=label></iframe> }.into_any()
        }
        Preview::Bytes(Bytes { kind, hash, head }) => view! {
            <div class="scroller" tabindex="0" role="region" aria-label=label>
                <p class="dim edge">"It is not text. These are its first bytes."</p>
                <dl class="facts edge">
                    {kind.map(|kind| view! { <div><dt>"Kind"</dt><dd>{kind}</dd></div> })}
                    {hash.map(|hash| view! { <div><dt>"SHA-256"</dt><dd><code>{hash}</code></dd></div> })}
                </dl>
                <pre class="code">{head}</pre>
            </div>
        }
        .into_any(),
    }
}

/// Text of a language, coloured if somebody did.
#[component]
fn Words(code: Code) -> impl IntoView {
    if code.html.is_empty() {
        view! { <pre class="code">{code.text}</pre> }.into_any()
    } else {
        view! { <pre class="code" inner_html=code.html></pre> }.into_any()
    }
}

/// A picture, fitting or as large as it is or larger; then one sees its pixels.
#[component]
fn Picture(raw: String, label: String) -> impl IntoView {
    let zoom = RwSignal::new(0_u32);
    let size = RwSignal::new(None::<(u32, u32)>);
    let image = NodeRef::<html::Img>::new();
    let measure = move || {
        if let Some(image) = image.get() {
            size.set(Some((image.natural_width(), image.natural_height())).filter(|(wide, high)| *wide > 0 && *high > 0));
        }
    };
    // It may have been there before the page woke.
    Effect::new(move |_| measure());
    let style = move || match (zoom.get(), size.get()) {
        (0, _) | (_, None) => String::new(),
        (times, Some((wide, _))) => format!("max-inline-size:none;inline-size:{}px", wide * times),
    };
    let buttons = [(0, "Fit"), (1, "1:1"), (4, "4:1")].map(|(times, label)| {
        view! { <button class="btn small" type="button" aria-pressed=move || (zoom.get() == times).to_string() on:click=move |_| zoom.set(times)>{label}</button> }
    });
    view! {
        <div class="tool">
            {buttons.into_iter().collect_view()}
            <span class="dim num">{move || size.get().map(|(wide, high)| format!("{wide} \u{d7} {high}"))}</span>
        </div>
        <div class="scroller photo" tabindex="0" role="region" aria-label="Picture">
            <img src=raw alt=label style=style data-large=move || (zoom.get() > 1).then_some("") node_ref=image on:load=move |_| measure()/>
        </div>
    }
}
