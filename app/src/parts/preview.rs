//! A preview of one file: what it is, who made it, and its content in a suitable form.

mod sequences;
mod table;
#[cfg(all(test, feature = "ssr"))]
mod tests;

use crate::{
    api::results::read_preview,
    live::Watch,
    parts::encoding::EncodingChoice,
    paths::{self, RunPlace},
    ui::{Ago, CopyButton, Icon},
};
use leptos::{html, prelude::*, task::spawn_local};
use model::{
    RunId,
    encoding::Encoding,
    file::{FileFacts, FileRef, NoFile},
    preview::{Form, Shown, Still},
    text,
};
use sequences::SequencesView;
use table::TableView;
use view::{logs::FileNews, results::OpenFile};

/// The open file.
#[component]
pub fn FilePreview(id: RunId, open: OpenFile, place: Memo<RunPlace>, watch: Watch) -> impl IntoView {
    let OpenFile { file, path, made_by, used_by, found, read } = open;
    let encoding = place.with_untracked(|place| place.encoding.as_ref().and_then(|encoding| encoding.parse().ok()));
    let choice = read.map(|read| view! { <EncodingChoice id file=file.to_string() read place/> });
    let raw = paths::raw(id, &file);
    let save = format!("{raw}&save=1");
    let is_text = has_lines(&path) && found.as_ref().is_ok_and(|(_, shown)| is_lines(shown));
    let is_folder = found.as_ref().is_ok_and(|(_, shown)| is_folder(shown));
    let facts = RwSignal::new(facts_of(&found));
    let shown = RwSignal::new(found.map(|(_, shown)| shown));
    let body = NodeRef::<html::Div>::new();
    let open = Opened { id, file: file.clone(), encoding, facts, shown, body };
    let take = fresh(open.clone());
    watch.follow(file.clone(), Signal::stored(true), take);
    let content = {
        let (file, raw, path) = (file.clone(), raw.clone(), path.clone());
        move || match shown.get() {
            Ok(shown) => {
                // A different URL, because the same one would show the cached bytes.
                let at = facts.with_untracked(|facts| facts.map_or(0, |facts| facts.modified_at));
                view! { <Content id file=file.clone() shown raw=format!("{raw}&at={at}") path=path.clone()/> }.into_any()
            }
            Err(why) => view! { <Failed open=open.clone() why/> }.into_any(),
        }
    };
    let maker = made_by.map(|(job, rule)| {
        let href = move || paths::run_at(id, &place.get().of_job(Some(job)));
        view! { <span class="dim">"by "<a class="link" href=href>{rule}</a></span> }
    });
    let users = (used_by > 0).then(|| {
        let says = format!("used by {}", text::things(used_by, "job"));
        let of = path.clone();
        let href = move || paths::run_at(id, &RunPlace { path: Some(of.clone()), ..place.get().of_tab(Some("files")) });
        view! { <a class="link dim" href=href>{says}</a> }
    });
    let as_log = is_text.then(|| {
        let file = file.to_string();
        let href =
            move || paths::run_at(id, &RunPlace { file: Some(file.clone()), from: Some("0".into()), ..place.get().of_tab(Some("logs")) });
        view! { <a class="btn small" href=href title="View and search as lines"><Icon name="i-rows" small=true/>"Lines"</a> }
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
                            <span class="dim num">{text::size(facts.size)}</span>
                            <span class="dim"><Ago at=Signal::stored(Some(facts.modified_at))/></span>
                        }
                    })
            }}
            <span class="grow"></span>
            {choice}
            {as_log}
            <button class="btn small icon" type="button" aria-label="Full screen" title="Full screen" on:click=large><Icon name="i-fit" small=true/></button>
            {(!is_folder).then(|| view! { <a class="btn small" href=save download=""><Icon name="i-save" small=true/>"Download"</a> })}
        </header>
        <div class="look" node_ref=body>{content}</div>
    }
}

/// Whether a file of table rows has lines of text, judging by its name; compressed or not.
fn has_lines(path: &str) -> bool {
    let name = path.to_ascii_lowercase();
    let plain = [".gz", ".bgz", ".zst"].into_iter().find_map(|packed| name.strip_suffix(packed)).unwrap_or(&name);
    let ending = plain.rsplit('.').next().unwrap_or_default();
    !["bam", "parquet", "pq", "zip", "tar", "tgz"].contains(&ending)
}

/// Whether the shown content can also be read line by line.
fn is_lines(shown: &Shown) -> bool {
    matches!(shown, Shown::Still(Still { form: Form::Text, .. }) | Shown::Table(_) | Shown::Sequences(_))
}

fn is_folder(shown: &Shown) -> bool {
    matches!(shown, Shown::Still(Still { form: Form::Folder, .. }))
}

/// Facts about a file; none about a directory, whose size means nothing.
fn facts_of(found: &Result<(FileFacts, Shown), NoFile>) -> Option<FileFacts> {
    found.as_ref().ok().filter(|(_, shown)| !is_folder(shown)).map(|(facts, _)| *facts)
}

/// The open file, and what is shown of it.
#[derive(Clone)]
struct Opened {
    id: RunId,
    file: FileRef,
    encoding: Option<Encoding>,
    facts: RwSignal<Option<FileFacts>>,
    shown: RwSignal<Result<Shown, NoFile>>,
    body: NodeRef<html::Div>,
}

/// Reloads the file when it changes or appears.
fn fresh(open: Opened) -> Callback<FileNews> {
    let Opened { id, facts, shown, .. } = open;
    let busy = StoredValue::new(false);
    let again = StoredValue::new(false);
    Callback::new(move |news: FileNews| {
        let known = facts.get_untracked();
        if news.facts.as_ref().ok() == known.as_ref() {
            return;
        }
        facts.set(news.facts.as_ref().ok().copied());
        // The new part lies beyond the rows that are shown.
        let beyond = shown.with_untracked(|shown| matches!(shown, Ok(Shown::Table(table)) if table.next.is_some()));
        let grown = matches!((&news.facts, known), (Ok(now), Some(then)) if now.size >= then.size);
        if beyond && grown {
            return;
        }
        if busy.get_value() {
            again.set_value(true);
            return;
        }
        busy.set_value(true);
        let open = open.clone();
        spawn_local(async move {
            loop {
                let found = read_preview(id, open.file.clone(), 0, open.encoding).await;
                if busy.try_get_value().is_none() {
                    return; // The viewer has moved on to something else.
                }
                if let Ok(found) = found {
                    replace(&open, found);
                }
                if !again.try_update_value(std::mem::take).unwrap_or(false) {
                    break;
                }
            }
            busy.set_value(false);
        });
    })
}

/// Replaces the content without moving the viewer's position.
fn replace(open: &Opened, found: Result<(FileFacts, Shown), NoFile>) {
    let Opened { facts, shown, body, .. } = *open;
    let scroller = move || body.get_untracked().and_then(|body| body.query_selector(".scroller").ok().flatten());
    let top = scroller().map_or(0, |scroller| scroller.scroll_top());
    facts.set(facts_of(&found));
    let found = found.map(|(_, shown)| shown);
    // Pictures and reports have new bytes at the same URL.
    if shown.with_untracked(|shown| *shown != found) || matches!(found, Ok(Shown::Image | Shown::Page | Shown::Pdf)) {
        shown.set(found);
        request_animation_frame(move || {
            if let Some(scroller) = scroller() {
                scroller.set_scroll_top(top);
            }
        });
    }
}

/// Why nothing is shown, with a way to try again where that may help.
#[component]
fn Failed(open: Opened, why: NoFile) -> impl IntoView {
    let busy = RwSignal::new(false);
    let retry = move |_| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        let open = open.clone();
        spawn_local(async move {
            let found = read_preview(open.id, open.file.clone(), 0, open.encoding).await;
            if busy.try_set(false).is_some() {
                return; // The viewer has moved on to something else.
            }
            if let Ok(found) = found {
                replace(&open, found);
            }
        });
    };
    let again = why.may_pass().then(|| {
        view! { <p class="edge"><button class="btn small" type="button" disabled=move || busy.get() on:click=retry>"Retry"</button></p> }
    });
    view! {
        <p class="graph-note" role="status">{why.to_string()}</p>
        {again}
    }
}

#[component]
fn Content(id: RunId, file: FileRef, shown: Shown, raw: String, path: String) -> impl IntoView {
    let label = format!("Content of {path}");
    match shown {
        // Inserted as one piece: hydration does not walk through it, so nothing in it can prevent hydration.
        Shown::Still(Still { form, html }) => {
            view! { <div class=form.class() tabindex="0" role="region" aria-label=label inner_html=html></div> }.into_any()
        }
        Shown::Table(table) => view! { <TableView id file table label/> }.into_any(),
        Shown::Sequences(found) => view! { <SequencesView id file found label/> }.into_any(),
        Shown::Image => view! { <Picture raw label/> }.into_any(),
        Shown::Pdf => view! { <iframe class="page" src=raw title=label></iframe> }.into_any(),
        Shown::Page => {
            view! { <iframe class="page" src=raw sandbox="allow-scripts" referrerpolicy="no-referrer" title=label></iframe> }.into_any()
        }
    }
}

/// A picture: fitted, at its size, or larger, which shows its pixels.
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
    // The picture may have loaded before hydration.
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
