//! Logs of a run: a list of them, and lines of one. Lines before and after are read as one scrolls, what
//! is written meanwhile appears at the end. Of a log only windows are ever held.

mod search;

use crate::{
    api::logs::{FileNews, JobLog, LogPart, LogWindow, LogsView, OpenLog, count_lines, line_of_log, read_log},
    live::Watch,
    paths::{self, RunPlace},
    ui::{Ago, Icon, If, StatusMark},
};
use leptos::{html, prelude::*, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use model::{
    RunId,
    file::{FileFacts, FileRef, NoFile},
    log::LogLine,
    text,
};
use search::{Found, Search};
use std::time::Duration;

/// Lines that are being counted are asked for so often, and so many times.
const COUNTED: Duration = Duration::from_millis(300);
const COUNTS: u32 = 200;
/// More than this is not read to catch up: what is at the end is (bytes).
const BEHIND: u64 = 96 << 10;
/// Lines that are held; more at one side let go of those at the other.
const HELD: usize = 4_000;
/// So near to an edge, in pixels, the next lines are read.
const NEAR: i32 = 400;

/// The list of logs, and the open one.
#[component]
pub fn Logs(id: RunId, found: LogsView, place: Memo<RunPlace>, watch: Watch) -> impl IntoView {
    let LogsView { run, jobs, more, open } = found;
    if run.is_none() && jobs.is_empty() {
        return view! {
            <div class="empty" role="status"><p>"No log is named yet: neither by the client of this run nor by a rule of it."</p></div>
        }
        .into_any();
    }
    let here = open.as_ref().map(|open| open.file.clone());
    let at = move |file: FileRef| paths::run_at(id, &RunPlace { file: Some(file.to_string()), at: None, ..place.get() });
    let whole = run.map(|path| {
        let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
        let current = (here == Some(FileRef::Log)).then_some("true");
        view! {
            <h2>"Run"</h2>
            <a href=move || at(FileRef::Log) aria-current=current title=path><Icon name="i-text" small=true/><span class="cut">{name}</span></a>
        }
    });
    let some = !jobs.is_empty();
    let links = jobs.into_iter().map(|log| {
        let JobLog { file, path, rule, status, label, .. } = log;
        let file = FileRef::Known(file);
        let rule = rule.unwrap_or_default();
        let chosen = place.with_untracked(|place| place.rule.is_some());
        let name = match (chosen, label.is_empty()) {
            (true, false) => label,
            (false, false) => format!("{rule} {label}"),
            (_, true) => rule,
        };
        let current = (here.as_ref() == Some(&file)).then_some("true");
        let word = status.as_str();
        view! {
            <a href=move || at(file.clone()) aria-current=current title=path>
                <span class="st" data-status=word><StatusMark word/><span class="sr">{status.label()}</span></span>
                <span class="cut">{name}</span>
            </a>
        }
    });
    let links = links.collect_view();
    view! {
        <div class="log-pane">
            <nav class="log-list" aria-label="Logs" tabindex="0">
                {whole}
                {some.then(|| view! { <h2>{move || place.with(|place| place.rule.clone().unwrap_or_else(|| "Jobs".to_owned()))}</h2> })}
                {links}
                {more.then(|| view! { <p class="dim">"Choose a rule to see more."</p> })}
            </nav>
            <div class="view">{open.map(|open| view! { <Log id open place watch/> })}</div>
        </div>
    }
    .into_any()
}

#[component]
fn Log(id: RunId, open: OpenLog, place: Memo<RunPlace>, watch: Watch) -> impl IntoView {
    let OpenLog { file, path, window } = open;
    match window {
        Ok(window) => view! { <Lines id file path window place watch/> }.into_any(),
        Err(why) => {
            view! { <div class="tool"><code class="cut">{path}</code></div><p class="graph-note" role="status">{why.to_string()}</p> }
                .into_any()
        }
    }
}

/// What is held of a log.
#[derive(Clone, Copy)]
struct Held {
    id: RunId,
    file: StoredValue<FileRef>,
    lines: RwSignal<Vec<LogLine>>,
    facts: RwSignal<FileFacts>,
    from: RwSignal<u64>,
    to: RwSignal<u64>,
    /// Lines before the first that is held, once they are counted.
    before: RwSignal<Option<u64>>,
    /// A window is on its way.
    busy: StoredValue<bool>,
    why: RwSignal<Option<String>>,
    pane: NodeRef<html::Div>,
}

impl Held {
    /// What is held goes to the end of the file; its last line may be half of one, which is gone on with from its start.
    fn ends(self) -> bool {
        let to = self.to.get_untracked();
        let half = self.lines.with_untracked(|lines| lines.last().is_some_and(|line| line.at >= to));
        half || to >= self.facts.with_untracked(|facts| facts.size)
    }

    fn is_at_end(self) -> bool {
        self.pane.get_untracked().is_some_and(|pane| pane.scroll_top() + pane.client_height() >= pane.scroll_height() - 4)
    }

    fn to_end(self) {
        request_animation_frame(move || {
            if let Some(pane) = self.pane.get_untracked() {
                pane.set_scroll_top(pane.scroll_height());
            }
        });
    }

    /// Reads a part, unless one is on its way already.
    fn read(self, part: LogPart, follow: bool) {
        if self.busy.try_get_value() != Some(false) {
            return;
        }
        self.busy.set_value(true);
        let file = self.file.get_value();
        spawn_local(async move {
            let found = read_log(self.id, file, part).await;
            if self.busy.try_set_value(false).is_some() {
                return; // The reader went on to something else.
            }
            match found {
                Ok(OpenLog { window: Ok(window), .. }) => self.take(part, window, follow),
                Ok(OpenLog { window: Err(NoFile::Shrunk), .. }) => self.read(LogPart::End, follow),
                Ok(OpenLog { window: Err(why), .. }) => self.why.set(Some(why.to_string())),
                Err(why) => self.why.set(Some(why.to_string())),
            }
        });
    }

    fn take(self, part: LogPart, window: LogWindow, follow: bool) {
        let LogWindow { facts, lines: new, from, to, before } = window;
        if self.facts.get_untracked() != facts {
            self.facts.set(facts);
        }
        self.why.set(None);
        match part {
            LogPart::End => {
                self.number(from, before);
                self.from.set(from);
                self.to.set(to);
                self.lines.set(new);
            }
            LogPart::Before(_) => {
                let pane = self.pane.get_untracked();
                let below = pane.as_ref().map(|pane| pane.scroll_height() - pane.scroll_top());
                self.number(from, before);
                self.from.set(from);
                self.lines.update(|lines| {
                    lines.splice(0..0, new);
                    lines.truncate(HELD);
                });
                if let Some(last) =
                    self.lines.with_untracked(|lines| (lines.len() == HELD).then(|| lines.last().map(|line| line.at)).flatten())
                {
                    self.to.set(last);
                }
                // What was in sight stays there.
                if let (Some(pane), Some(below)) = (pane, below) {
                    request_animation_frame(move || pane.set_scroll_top(pane.scroll_height() - below));
                }
            }
            LogPart::From(_) => {
                let last = self.lines.with_untracked(|lines| lines.last().cloned());
                if new.len() == 1 && new.last() == last.as_ref() {
                    return; // The line that is being written is as it was.
                }
                self.to.set(to);
                let let_go = self.lines.try_update(|lines| {
                    lines.truncate(lines.partition_point(|line| line.at < from));
                    lines.extend(new);
                    let over = lines.len().saturating_sub(HELD);
                    lines.drain(..over);
                    lines.first().filter(|_| over > 0).map(|line| (line.at, over as u64))
                });
                if let Some((first, over)) = let_go.flatten() {
                    self.from.set(first);
                    self.before.update(|before| *before = before.map(|before| before + over));
                }
            }
        }
        if follow {
            self.to_end();
        }
    }

    /// The lines before the first: known, or asked for until they are counted.
    fn number(self, from: u64, before: Option<u64>) {
        self.before.set(before);
        if before.is_some() {
            return;
        }
        let file = self.file.get_value();
        spawn_local(async move {
            for _ in 0..COUNTS {
                let Ok(Ok(found)) = count_lines(self.id, file.clone(), from).await else { return };
                if self.from.try_get_untracked() != Some(from) {
                    return; // Other lines are held by now, and asked for.
                }
                if found.is_some() {
                    self.before.set(found);
                    return;
                }
                pause(COUNTED).await;
            }
        });
    }

    /// What the stream says of the file: lines that follow on ours, or that there are some.
    fn hear(self, news: FileNews) {
        let facts = match news.facts {
            Ok(facts) => facts,
            Err(why) => return self.why.set(Some(why.to_string())),
        };
        let (to, ended, at_end) = (self.to.get_untracked(), self.ends(), self.is_at_end());
        match news.lines {
            Some(window) if ended && window.from <= to && to <= window.to => self.take(LogPart::From(window.from), window, at_end),
            // It is another file now, or the same from the start.
            _ if facts.size < to => self.read(LogPart::End, at_end),
            // The reader is elsewhere: it is enough to know that there is more.
            _ if !ended => self.facts.set(facts),
            _ if facts.size > to + BEHIND => self.read(LogPart::End, at_end),
            _ if facts != self.facts.get_untracked() => self.read(LogPart::From(to), at_end),
            _ => {}
        }
    }

    fn scrolled(self) {
        let Some(pane) = self.pane.get_untracked() else { return };
        if pane.scroll_top() < NEAR && self.from.get_untracked() > 0 {
            self.read(LogPart::Before(self.from.get_untracked()), false);
        } else if pane.scroll_top() + pane.client_height() > pane.scroll_height() - NEAR && !self.ends() {
            self.read(LogPart::From(self.to.get_untracked()), false);
        }
    }
}

fn window_hash() -> String {
    window().location().hash().unwrap_or_default()
}

async fn pause(long: Duration) {
    let (over, ended) = futures::channel::oneshot::channel::<()>();
    set_timeout(move || drop(over), long);
    let _ = ended.await;
}

#[component]
fn Lines(id: RunId, file: FileRef, path: String, window: LogWindow, place: Memo<RunPlace>, watch: Watch) -> impl IntoView {
    let LogWindow { facts, lines, from, to, before } = window;
    let file = StoredValue::new(file);
    let held = Held {
        id,
        file,
        lines: RwSignal::new(lines),
        facts: RwSignal::new(facts),
        from: RwSignal::new(from),
        to: RwSignal::new(to),
        before: RwSignal::new(before),
        busy: StoredValue::new(false),
        why: RwSignal::new(None),
        pane: NodeRef::new(),
    };
    let wrap = RwSignal::new(false);
    let from_start = place.with_untracked(|place| place.at.is_some());
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
        paths::run_at(id, &RunPlace { file: Some(file.get_value().to_string()), at: at.map(|at| at.to_string()), ..place.get() })
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
    let marked = place.with_untracked(|place| place.at.as_ref().and_then(|at| at.parse::<u64>().ok()));
    // `#L120` in an address: the line of that number.
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
    let only = RwSignal::new(String::new());
    let row = move |line: LogLine| {
        let at = line.at;
        let pieces = line.text.into_iter().map(|(ink, text)| match ink.classes() {
            Some(classes) => view! { <span class=classes>{text}</span> }.into_any(),
            None => text.into_any(),
        });
        view! {
            <li data-at=(marked == Some(line.at)).then_some("") data-level=line.level.map(model::log::Level::as_str)>
                <a class="ln" href=move || here(Some(at)) tabindex="-1" aria-label="Link to this line"></a>
                <span class="tx">{pieces.collect_view()}{line.cut.then(|| view! { <span class="faint">" … longer"</span> })}</span>
            </li>
        }
    };
    let search = Search::new(id, file);
    let words = Memo::new(move |_| place.with(|place| place.find.clone().unwrap_or_default()));
    Effect::new(move |_| search.begin(words.get()));
    let field = NodeRef::<html::Input>::new();
    let navigate = use_navigate();
    let look = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(field) = field.get_untracked() else { return };
        let find = Some(field.value()).filter(|words| !words.is_empty());
        let to = paths::run_at(id, &RunPlace { find, file: Some(file.get_value().to_string()), ..place.get_untracked() });
        navigate(&to, NavigateOptions { scroll: false, ..NavigateOptions::default() });
    };
    let label = format!("Log {path}");
    let save = format!("{}&save=1", paths::raw(id, &file.get_value()));
    view! {
        <div class="tool">
            <code class="cut" title=path.clone()>{path.clone()}</code>
            <span class="dim num">{move || text::bytes(i64::try_from(held.facts.get().size).unwrap_or(i64::MAX))}</span>
            <span class="dim"><Ago at=Signal::derive(move || Some(held.facts.get().modified_at))/></span>
            <span class="grow"></span>
            <form class="find-in" role="search" on:submit=look>
                <input class="field" type="search" name="words" value=words.get_untracked() placeholder="Find in this log" aria-label="Find in this log" maxlength="200" autocomplete="off" node_ref=field/>
            </form>
            <select class="field" aria-label="Lines shown" on:change=move |event| only.set(event_target_value(&event))>
                <option value="">"All lines"</option>
                <option value="warning">"Warnings and errors"</option>
                <option value="error">"Errors"</option>
            </select>
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
        <div class="log-view" node_ref=held.pane tabindex="0" role="log" aria-label=label aria-live="off" on:scroll=move |_| held.scrolled()>
            <If when=Signal::derive(move || { held.from.get() > 0 })>
                <p class="edge dim">"There is more before this. "<a class="link" href=move || here(Some(0))>"From the start"</a></p>
            </If>
            <ol
                class="log"
                data-wrap=move || wrap.get().then_some("")
                data-only=move || Some(only.get()).filter(|only| !only.is_empty())
                data-numbered=move || held.before.get().is_some().then_some("")
                style=move || held.before.get().map(|before| format!("counter-reset:line {before}"))
            >
                <For each=move || held.lines.get() key=|line| (line.at, line.text.iter().map(|(_, text)| text.len()).sum::<usize>()) children=row/>
            </ol>
            <If when=Signal::derive(move || held.lines.with(Vec::is_empty))><p class="edge dim">"It is empty so far."</p></If>
        </div>
    }
}
