//! Logs of a run: a list, and the lines of one log. Scrolling loads earlier and later lines, and lines written
//! meanwhile appear at the end. Only windows of a log are ever in memory.

mod held;
mod search;

use crate::{
    api::logs::line_of_log,
    live::Watch,
    parts::encoding::EncodingChoice,
    paths::{self, RunPlace},
    ui::{Ago, Empty, Icon, If, StatusIcon, navigate_in_place},
};
use held::{COUNTED, COUNTS, Held, pause};
use leptos::{html, prelude::*, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use model::log::LogPart;
use model::{
    RunId,
    file::{FileFacts, FileRef},
    job::FileRole,
    log::{FirstBytes, Level, LogLine, LogText, Wanted},
    text,
};
use search::{Found, Search};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use view::{
    logs::{JobLog, LOGS, LogWindow, LogsView, OpenLog},
    results::Rest,
};

/// The list of logs, and the open one.
#[component]
pub fn Logs(id: RunId, found: LogsView, place: Memo<RunPlace>, watch: Watch) -> impl IntoView {
    let LogsView { run, jobs, missing, rest, open } = found;
    if run.is_none() && jobs.is_empty() && rest.is_none() {
        return view! { <Empty says="The client has not reported a log of this run or of any of its rules yet."/> }.into_any();
    }
    let here = open.as_ref().map(|open| open.file.clone());
    let at = move |file: FileRef| paths::run_at(id, &RunPlace { file: Some(file.to_string()), from: None, encoding: None, ..place.get() });
    let whole = run.map(|path| {
        let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
        let current = (here == Some(FileRef::Log)).then_some("true");
        view! {
            <h2>"Run"</h2>
            <a href=move || at(FileRef::Log) aria-current=current title=path><Icon name="i-text" small=true/><span class="cut">{name.clone()}</span></a>
        }
    });
    let some = !jobs.is_empty();
    let links = jobs.into_iter().map(|log| {
        let JobLog { file, path, rule, status, label, job, more } = log;
        let file = FileRef::Known(file);
        let rule = rule.unwrap_or_default();
        let chosen = place.with_untracked(|place| place.rule.is_some());
        let name = match (chosen, label.is_empty()) {
            (true, false) => label,
            (false, false) => format!("{rule} {label}"),
            (_, true) => rule,
        };
        let current = (here.as_ref() == Some(&file)).then_some("true");
        view! {
            <a href=move || at(file.clone()) aria-current=current title=path>
                <StatusIcon word=status.as_str() label=status.label()/>
                <span class="cut">{name.clone()}</span>
            </a>
            {(more > 0).then(|| {
                let href = move || paths::run_at(id, &place.get().of_tab(Some("files")).of_files(job, Some(FileRole::Log), LOGS as usize));
                view! { <a class="on" href=href>{text::more(more, "log")}<Icon name="i-right" small=true/></a> }
            })}
        }
    });
    let links = links.collect_view();
    view! {
        <section class="log-pane" aria-label="Logs">
            <nav class="log-list" aria-label="Logs" tabindex="0">
                {whole}
                {some.then(|| view! { <h2>{move || place.with(|place| place.rule.clone().unwrap_or_else(|| "Jobs".to_owned()))}</h2> })}
                {links}
                {(missing > 0).then(|| view! { <p class="dim">{text::more(missing, "job")}". Choose a rule to see theirs."</p> })}
                {rest
                    .map(|Rest { after, says }| {
                        let href = paths::run_at(id, &RunPlace { after: Some(after), file: None, from: None, ..place.get_untracked() });
                        view! { <a class="on" href=href>{says}<Icon name="i-right" small=true/></a> }
                    })}
            </nav>
            <div class="view">{open.map(|open| view! { <Log id open place watch/> })}</div>
        </section>
    }
    .into_any()
}

#[component]
fn Log(id: RunId, open: OpenLog, place: Memo<RunPlace>, watch: Watch) -> impl IntoView {
    let OpenLog { file, path, window, bytes, over } = open;
    match (window, bytes) {
        (Ok(window), _) => view! { <Lines id file path window over place watch/> }.into_any(),
        (Err(_), Some((facts, bytes))) => view! { <NoText id file path facts bytes place/> }.into_any(),
        (Err(why), None) => {
            view! { <div class="tool"><code class="cut" title=path.clone()>{path.clone()}</code></div><p class="graph-note" role="status">{why.to_string()}</p> }
                .into_any()
        }
    }
}

/// Facts about a file that is not text, and a link to all of it.
#[component]
fn NoText(id: RunId, file: FileRef, path: String, facts: FileFacts, bytes: FirstBytes, place: Memo<RunPlace>) -> impl IntoView {
    let FirstBytes { kind, head } = bytes;
    let save = format!("{}&save=1", paths::raw(id, &file));
    let as_text = {
        let file = file.to_string();
        move || paths::run_at(id, &RunPlace { file: Some(file.clone()), encoding: Some("UTF-8".into()), ..place.get() })
    };
    let label = format!("First bytes of {path}");
    view! {
        <div class="tool">
            <code class="cut" title=path.clone()>{path.clone()}</code>
            <span class="dim num">{text::size(facts.size)}</span>
            <span class="dim"><Ago at=Signal::stored(Some(facts.modified_at))/></span>
            <span class="grow"></span>
            <a class="btn small" href=as_text>"Show as text"</a>
            <a class="btn small" href=save download=""><Icon name="i-save" small=true/>"Download"</a>
        </div>
        <p class="graph-note" role="status">
            "It is not text. These are its first bytes."
            {kind.map(|kind| format!(" Its kind is {kind}."))}
        </p>
        <div class="log-view" tabindex="0" role="region" aria-label=label><pre class="code">{head}</pre></div>
    }
}

/// Identifies a line, and changes when the line is overwritten.
fn key(line: &LogLine) -> (u64, u64) {
    let mut hasher = DefaultHasher::new();
    line.hash(&mut hasher);
    (line.at, hasher.finish())
}

fn window_hash() -> String {
    window().location().hash().unwrap_or_default()
}

#[component]
fn Lines(id: RunId, file: FileRef, path: String, window: LogWindow, over: bool, place: Memo<RunPlace>, watch: Watch) -> impl IntoView {
    let LogWindow { facts, text: LogText { lines, from, to, open, size, before, read, packed, note } } = window;
    let choice = view! { <EncodingChoice id file=file.to_string() read place/> };
    let file = StoredValue::new(file);
    let held = Held {
        id,
        file,
        lines: RwSignal::new(lines),
        facts: RwSignal::new(facts),
        size: RwSignal::new(size),
        packed: StoredValue::new(packed),
        read: StoredValue::new(read),
        note: RwSignal::new(note),
        from: RwSignal::new(from),
        to: RwSignal::new(to),
        open: StoredValue::new(open),
        before: RwSignal::new(before),
        busy: StoredValue::new(false),
        why: RwSignal::new(None),
        pane: NodeRef::new(),
    };
    let wrap = RwSignal::new(false);
    let from_start = place.with_untracked(|place| place.from.is_some());
    let follow = RwSignal::new(!from_start);
    Effect::new(move |_| {
        if held.pane.get().is_some() && follow.get_untracked() {
            held.to_end();
        }
    });
    watch.follow(file.get_value(), follow.into(), Callback::new(move |news| held.hear(news)));
    Effect::new(move |_| {
        if held.before.get_untracked().is_none() {
            held.number(held.from.get_untracked(), None);
        }
    });
    let here = move |at: Option<u64>| {
        paths::run_at(id, &RunPlace { file: Some(file.get_value().to_string()), from: at.map(|at| at.to_string()), ..place.get() })
    };
    let to_end = move |event: leptos::ev::MouseEvent| {
        event.prevent_default();
        follow.set(true);
        if held.ends() {
            held.to_end();
        } else {
            held.read(LogPart::End, true);
        }
    };
    // The line at the position in the URL; the window begins with it.
    let marked = from_start.then_some(from);
    // `#L120` in the URL: the line with that number.
    let go = use_navigate();
    Effect::new(move |_| {
        let hash = window_hash();
        let Some(number) = hash.strip_prefix("#L").and_then(|number| number.parse::<u64>().ok()) else { return };
        let go = go.clone();
        let file = file.get_value();
        spawn_local(async move {
            for _ in 0..COUNTS {
                match line_of_log(id, file.clone(), number).await {
                    Ok(Ok(Some(at))) => {
                        if held.busy.try_get_value().is_some() {
                            go(&here(Some(at)), NavigateOptions { replace: true, ..NavigateOptions::default() });
                        }
                        return;
                    }
                    Ok(Ok(None)) => pause(COUNTED).await,
                    _ => return,
                }
            }
        });
    });
    let row = move |line: LogLine| {
        let at = line.at;
        let pieces = line.text.into_iter().map(|(ink, text)| match ink.classes() {
            Some(classes) => view! { <span class=classes>{text}</span> }.into_any(),
            None => text.into_any(),
        });
        view! {
            <li
                data-at=(marked == Some(line.at)).then_some("")
                data-level=line.level.map(Level::as_str)
                style=(line.skipped > 0).then(|| format!("counter-increment:line {}", line.skipped + 1))
            >
                <a class="ln" href=move || here(Some(at)) tabindex="-1" aria-label="Link to this line"></a>
                <span class="tx">{pieces.collect_view()}{(line.cut > 0).then(|| { let more = text::many(line.cut); view! { <span class="faint">{format!(" … {more} more letters")}</span> } })}</span>
            </li>
        }
    };
    let search = Search::new(id, file, held.encoding());
    let wanted = Memo::new(move |_| {
        place.with(|place| {
            let level = place.level.as_deref().and_then(Level::of_word);
            place.find.clone().map(Wanted::Words).or(level.map(Wanted::Level))
        })
    });
    Effect::new(move |_| search.begin(wanted.get()));
    Effect::new(move |_| search.grown(held.size.get()));
    let words = place.with_untracked(|place| place.find.clone().unwrap_or_default());
    let field = NodeRef::<html::Input>::new();
    let navigate = navigate_in_place();
    let find_by = navigate.clone();
    let look = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(field) = field.get_untracked() else { return };
        let find = Some(field.value()).filter(|words| !words.is_empty());
        let to = paths::run_at(id, &RunPlace { find, level: None, file: Some(file.get_value().to_string()), ..place.get_untracked() });
        find_by(&to);
    };
    let choose = move |event: leptos::ev::Event| {
        let level = Some(event_target_value(&event)).filter(|level| !level.is_empty());
        let to = paths::run_at(id, &RunPlace { find: None, level, file: Some(file.get_value().to_string()), ..place.get_untracked() });
        navigate(&to);
    };
    let levels = [("", "Find by level"), ("warning", "Warnings and errors"), ("error", "Errors")].map(|(level, says)| {
        let chosen = move || place.with(|place| place.level.as_deref().unwrap_or_default() == level);
        view! { <option value=level selected=chosen>{says}</option> }
    });
    let label = format!("Log {path}");
    let save = format!("{}&save=1", paths::raw(id, &file.get_value()));
    view! {
        <div class="tool">
            <code class="cut" title=path.clone()>{path.clone()}</code>
            <span class="dim num">{move || text::size(held.facts.get().size)}</span>
            <span class="dim"><Ago at=Signal::derive(move || Some(held.facts.get().modified_at))/></span>
            <span class="grow"></span>
            <form class="find-in" role="search" on:submit=look>
                <input class="field" type="search" name="words" value=words placeholder="Find in this log" aria-label="Find in this log" maxlength="200" autocomplete="off" node_ref=field/>
            </form>
            <select class="field" aria-label="Find by level" on:change=choose>{levels.into_iter().collect_view()}</select>
            {choice}
            <a class="btn small" href=move || here(Some(0))>"Start"</a>
            <a class="btn small" href=move || here(None) on:click=to_end>"End"</a>
            <button class="btn small" type="button" aria-pressed=move || wrap.get().to_string() on:click=move |_| wrap.update(|wrap| *wrap = !*wrap)>"Wrap"</button>
            <button class="btn small" type="button" aria-pressed=move || follow.get().to_string() on:click=move |_| follow.update(|follow| *follow = !*follow)>"Follow"</button>
            <a class="btn small icon" href=save download="" aria-label="Download the log" title="Download the log"><Icon name="i-save" small=true/></a>
        </div>
        <Found search id file place/>
        <If when=Signal::derive(move || held.why.get().is_some())>
            <p class="graph-note" role="status">{move || held.why.get()}</p>
        </If>
        <If when=Signal::derive(move || held.note.get().is_some())>
            <p class="graph-note" role="status">{move || held.note.get()}</p>
        </If>
        <div class="log-view" node_ref=held.pane tabindex="0" role="log" aria-label=label aria-live="off" on:scroll=move |_| held.scrolled()>
            <If when=Signal::derive(move || { held.from.get() > 0 })>
                <p class="edge dim">"There are earlier lines. "<a class="link" href=move || here(Some(0))>"From the start"</a></p>
            </If>
            <ol
                class="log"
                data-wrap=move || wrap.get().then_some("")
                data-numbered=move || held.before.get().is_some().then_some("")
                style=move || held.before.get().map(|before| format!("counter-reset:line {before}"))
            >
                <For each=move || held.lines.get() key=key children=row/>
            </ol>
            <If when=Signal::derive(move || held.lines.with(Vec::is_empty))><p class="edge dim">{if over { "It is empty." } else { "It is empty so far." }}</p></If>
        </div>
    }
}
