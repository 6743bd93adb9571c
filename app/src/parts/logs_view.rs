//! Logs of a run: a list of them, and lines of one. Lines before and after are read as one scrolls, what
//! is written meanwhile appears at the end. Of a log only windows are ever held.

mod search;

use crate::{
    api::logs::{JobLog, LogFile, LogPart, LogWindow, LogsView, OpenLog, read_log},
    paths::{self, RunPlace},
    ui::{Ago, Icon, If, StatusMark},
};
use leptos::{html, prelude::*, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use model::{
    RunId,
    file::{FileFacts, NoFile},
    log::LogLine,
    text,
};
use search::{Found, Search};
use std::time::Duration;

/// What is written is looked for so often.
const FOLLOW: Duration = Duration::from_secs(1);
/// Lines that are held; more at one side let go of those at the other.
const HELD: usize = 4_000;
/// So near to an edge, in pixels, the next lines are read.
const NEAR: i32 = 400;

/// The list of logs, and the open one.
#[component]
pub fn Logs(id: RunId, found: LogsView, place: Memo<RunPlace>) -> impl IntoView {
    let LogsView { run, jobs, more, open } = found;
    if run.is_none() && jobs.is_empty() {
        return view! {
            <div class="empty" role="status"><p>"No log is named yet: neither by the client of this run nor by a rule of it."</p></div>
        }
        .into_any();
    }
    let here = open.as_ref().map(|open| open.file);
    let at = move |file: LogFile| paths::run_at(id, &RunPlace { file: Some(file.to_string()), at: None, ..place.get() });
    let whole = run.map(|path| {
        let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
        let current = (here == Some(LogFile::Run)).then_some("true");
        view! {
            <h2>"Run"</h2>
            <a href=move || at(LogFile::Run) aria-current=current title=path><Icon name="i-text" small=true/><span class="cut">{name}</span></a>
        }
    });
    let some = !jobs.is_empty();
    let links = jobs.into_iter().map(|log| {
        let JobLog { file, path, rule, status, label, .. } = log;
        let file = LogFile::Path(file);
        let rule = rule.unwrap_or_default();
        let chosen = place.with_untracked(|place| place.rule.is_some());
        let name = match (chosen, label.is_empty()) {
            (true, false) => label,
            (false, false) => format!("{rule} {label}"),
            (_, true) => rule,
        };
        let current = (here == Some(file)).then_some("true");
        let word = status.as_str();
        view! {
            <a href=move || at(file) aria-current=current title=path>
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
            <div class="view">{open.map(|open| view! { <Log id open place/> })}</div>
        </div>
    }
    .into_any()
}

#[component]
fn Log(id: RunId, open: OpenLog, place: Memo<RunPlace>) -> impl IntoView {
    let OpenLog { file, path, window } = open;
    match window {
        Ok(window) => view! { <Lines id file path window place/> }.into_any(),
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
    file: LogFile,
    lines: RwSignal<Vec<LogLine>>,
    facts: RwSignal<FileFacts>,
    from: RwSignal<u64>,
    to: RwSignal<u64>,
    /// A window is on its way.
    busy: StoredValue<bool>,
    why: RwSignal<Option<String>>,
    pane: NodeRef<html::Div>,
}

impl Held {
    fn ends(self) -> bool {
        self.to.get_untracked() >= self.facts.with_untracked(|facts| facts.size)
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
        spawn_local(async move {
            let found = read_log(self.id, self.file, part).await;
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
        let LogWindow { facts, lines: new, from, to } = window;
        if self.facts.get_untracked() != facts {
            self.facts.set(facts);
        }
        self.why.set(None);
        match part {
            LogPart::End => {
                self.from.set(from);
                self.to.set(to);
                self.lines.set(new);
            }
            LogPart::Before(_) => {
                let pane = self.pane.get_untracked();
                let below = pane.as_ref().map(|pane| pane.scroll_height() - pane.scroll_top());
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
                    (over > 0).then(|| lines.first().map(|line| line.at)).flatten()
                });
                if let Some(first) = let_go.flatten() {
                    self.from.set(first);
                }
            }
        }
        if follow {
            self.to_end();
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

#[component]
fn Lines(id: RunId, file: LogFile, path: String, window: LogWindow, place: Memo<RunPlace>) -> impl IntoView {
    let LogWindow { facts, lines, from, to } = window;
    let held = Held {
        id,
        file,
        lines: RwSignal::new(lines),
        facts: RwSignal::new(facts),
        from: RwSignal::new(from),
        to: RwSignal::new(to),
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
    Effect::new(move |_| {
        if !follow.get() {
            return;
        }
        let look = move || {
            if !document().hidden() {
                let part = if held.ends() || held.lines.with_untracked(|lines| lines.len() < HELD) {
                    LogPart::From(held.to.get_untracked())
                } else {
                    LogPart::End
                };
                held.read(part, held.is_at_end());
            }
        };
        if let Ok(timer) = set_interval_with_handle(look, FOLLOW) {
            on_cleanup(move || timer.clear());
        }
    });
    let here = move |at: Option<u64>| {
        paths::run_at(id, &RunPlace { file: Some(file.to_string()), at: at.map(|at| at.to_string()), ..place.get() })
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
    let row = move |line: LogLine| {
        let pieces = line.text.into_iter().map(|(ink, text)| match ink.classes() {
            Some(classes) => view! { <span class=classes>{text}</span> }.into_any(),
            None => text.into_any(),
        });
        view! {
            <li data-at=(marked == Some(line.at)).then_some("") data-level=line.level.map(model::log::Level::as_str)>
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
        let to = paths::run_at(id, &RunPlace { find, file: Some(file.to_string()), ..place.get_untracked() });
        navigate(&to, NavigateOptions { scroll: false, ..NavigateOptions::default() });
    };
    let label = format!("Log {path}");
    view! {
        <div class="tool">
            <code class="cut" title=path.clone()>{path.clone()}</code>
            <span class="dim num">{move || text::bytes(i64::try_from(held.facts.get().size).unwrap_or(i64::MAX))}</span>
            <span class="dim"><Ago at=Signal::derive(move || Some(held.facts.get().modified_at))/></span>
            <span class="grow"></span>
            <form class="find-in" role="search" on:submit=look>
                <input class="field" type="search" name="words" value=words.get_untracked() placeholder="Find in this log" aria-label="Find in this log" maxlength="200" autocomplete="off" node_ref=field/>
            </form>
            <a class="btn small" href=move || here(Some(0))>"Start"</a>
            <a class="btn small" href=move || here(None) on:click=to_end>"End"</a>
            <button class="btn small" type="button" aria-pressed=move || wrap.get().to_string() on:click=move |_| wrap.update(|wrap| *wrap = !*wrap)>"Wrap"</button>
            <button class="btn small" type="button" aria-pressed=move || follow.get().to_string() on:click=move |_| follow.update(|follow| *follow = !*follow)>"Follow"</button>
        </div>
        <Found search id file place/>
        <If when=Signal::derive(move || held.why.get().is_some())>
            <p class="graph-note" role="status">{move || held.why.get()}</p>
        </If>
        <div class="log-view" node_ref=held.pane tabindex="0" role="log" aria-label=label aria-live="off" on:scroll=move |_| held.scrolled()>
            <If when=Signal::derive(move || { held.from.get() > 0 })>
                <p class="edge dim">"There is more before this. "<a class="link" href=move || here(Some(0))>"From the start"</a></p>
            </If>
            <ol class="log" data-wrap=move || wrap.get().then_some("")>
                <For each=move || held.lines.get() key=|line| (line.at, line.text.iter().map(|(_, text)| text.len()).sum::<usize>()) children=row/>
            </ol>
            <If when=Signal::derive(move || held.lines.with(Vec::is_empty))><p class="edge dim">"It is empty so far."</p></If>
        </div>
    }
}
