//! The command palette: jump to a run, filter by the typed words, toggle settings.

use crate::{
    api::runs::list_runs,
    paths,
    session::{Theme, session},
    ui::{Icon, StatusIcon, open_when},
};
use leptos::{
    ev::KeyboardEvent,
    html::{Dialog, Input},
    prelude::*,
};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use model::text::counted;
use model::{RunStatus, page::Total, run::RunSummary, text};

/// Runs offered.
const RUNS: usize = 6;

/// Whether the palette is open.
#[derive(Clone, Copy)]
struct Open(RwSignal<bool>);

/// Provides the palette's state to all components below. Called once, at the root.
pub fn provide() {
    provide_context(Open(RwSignal::new(false)));
}

/// Opens the palette when set.
pub fn opener() -> RwSignal<bool> {
    expect_context::<Open>().0
}

/// An entry to choose.
#[derive(Clone, PartialEq)]
enum Choice {
    Run(Box<RunSummary>),
    /// The filter words, and how many runs they match, if known.
    Filter(String, Option<Total>),
    GoRuns,
    GoLogs,
    Status(RunStatus),
    Theme(Theme),
    Help,
}

/// The dialog. It costs nothing while closed.
#[component]
pub fn Palette() -> impl IntoView {
    let open = opener();
    let dialog = NodeRef::<Dialog>::new();
    let input = NodeRef::<Input>::new();
    let typed = RwSignal::new(String::new());
    let chosen = RwSignal::new(0usize);
    let found = RwSignal::new(Vec::<RunSummary>::new());
    // The number of runs that match certain words.
    let counted = RwSignal::new(None::<(String, Total)>);
    let (session, help, navigate) = (session(), super::keys::help(), use_navigate());

    let opened = move || {
        typed.set(String::new());
        chosen.set(0);
        if let Some(input) = input.get_untracked() {
            input.set_value("");
            let _ = input.focus();
        }
    };
    open_when(dialog, move || open.get(), opened);
    // Searches once the typing pauses; an older answer never wins.
    Effect::new(move |_| {
        let words = typed.get();
        if !open.get() {
            return;
        }
        let handle = set_timeout_with_handle(
            move || {
                leptos::task::spawn_local(async move {
                    if let Ok(list) = list_runs(words.clone(), String::new(), None).await
                        && typed.get_untracked() == words
                    {
                        counted.set(Some((words, list.total)));
                        found.set(list.page.items.into_iter().take(RUNS).collect());
                    }
                });
            },
            std::time::Duration::from_millis(120),
        );
        on_cleanup(move || {
            if let Ok(handle) = handle {
                handle.clear();
            }
        });
    });

    let choices = Memo::new(move |_| {
        let words = typed.get();
        let mut list: Vec<Choice> = found.get().into_iter().map(|run| Choice::Run(Box::new(run))).collect();
        if !words.trim().is_empty() {
            let total = counted.with(|counted| counted.as_ref().filter(|(of, _)| *of == words).map(|(_, total)| *total));
            list.push(Choice::Filter(words.trim().to_owned(), total));
        }
        let wanted = words.trim().to_ascii_lowercase();
        let commands = [
            Choice::GoRuns,
            Choice::GoLogs,
            Choice::Status(RunStatus::Failed),
            Choice::Status(RunStatus::Running),
            Choice::Theme(Theme::Light),
            Choice::Theme(Theme::Dark),
            Choice::Theme(Theme::System),
            Choice::Help,
        ];
        list.extend(commands.into_iter().filter(|choice| name(choice).to_ascii_lowercase().contains(&wanted)));
        list
    });
    let close = move || {
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
    };
    let take = move |choice: Choice| {
        close();
        let go = |path: &str| navigate(path, NavigateOptions::default());
        match choice {
            Choice::Run(run) => go(&paths::run(run.id)),
            Choice::Filter(words, _) => go(&paths::runs_where(&words)),
            Choice::GoRuns => go(paths::RUNS),
            Choice::GoLogs => go(paths::LOGS),
            Choice::Status(status) => go(&paths::runs_where(&format!("status:{status}"))),
            Choice::Theme(theme) => session.set_theme(theme),
            Choice::Help => help.set(true),
        }
    };
    let on_key = {
        let take = take.clone();
        move |event: KeyboardEvent| {
            let count = choices.with_untracked(Vec::len).max(1);
            match event.key().as_str() {
                "ArrowDown" => chosen.update(|at| *at = (*at + 1) % count),
                "ArrowUp" => chosen.update(|at| *at = (*at + count - 1) % count),
                "Enter" => {
                    if let Some(choice) = choices.with_untracked(|list| list.get(chosen.get_untracked()).cloned()) {
                        take(choice);
                    }
                }
                _ => return,
            }
            event.prevent_default();
        }
    };
    let rows = move || {
        let take = take.clone();
        choices
            .get()
            .into_iter()
            .enumerate()
            .map(|(at, choice)| {
                let take = take.clone();
                let shown = row(&choice, session.now.get_untracked());
                view! {
                    <div
                        role="option"
                        id=format!("choice-{at}")
                        aria-selected=move || (chosen.get() == at).to_string()
                        on:click=move |_| take(choice.clone())
                        on:pointermove=move |_| if chosen.get_untracked() != at { chosen.set(at) }
                    >
                        {shown}
                    </div>
                }
            })
            .collect_view()
    };
    view! {
        <dialog class="palette" node_ref=dialog aria-label="Search and commands" on:close=move |_| open.set(false)>
            <div class="ask">
                <Icon name="i-search"/>
                <input
                    node_ref=input
                    type="text"
                    role="combobox"
                    aria-expanded="true"
                    aria-controls="palette-list"
                    aria-activedescendant=move || format!("choice-{}", chosen.get())
                    aria-label="Search or jump to"
                    placeholder="Run, user, tag, or a command"
                    autocomplete="off"
                    on:input=move |event| { typed.set(event_target_value(&event)); chosen.set(0); }
                    on:keydown=on_key
                />
                <kbd>"Esc"</kbd>
            </div>
            <div role="listbox" id="palette-list" aria-label="Results">{rows}</div>
            <footer aria-hidden="true">
                <span><kbd>"↑"</kbd><kbd>"↓"</kbd>" move"</span>
                <span><kbd>"↵"</kbd>" open"</span>
                <span style="margin-inline-start:auto"><kbd>"?"</kbd>" all keys"</span>
            </footer>
        </dialog>
    }
}

/// The label of a command; runs and filters have labels of their own.
fn name(choice: &Choice) -> String {
    match choice {
        Choice::Run(run) => run.title().to_owned(),
        Choice::Filter(words, None) => format!("Filter runs by {words}"),
        Choice::Filter(words, Some(total)) => format!("Filter runs by {words}: {}", counted(*total, "run", "runs")),
        Choice::GoRuns => "Go to runs".into(),
        Choice::GoLogs => "Go to logs of all runs".into(),
        Choice::Status(status) => format!("Go to {} runs", status.label().to_ascii_lowercase()),
        Choice::Theme(theme) => format!("Switch to {} theme", theme.label()),
        Choice::Help => "Show all keys".into(),
    }
}

fn row(choice: &Choice, now: model::Millis) -> AnyView {
    if let Choice::Run(run) = choice {
        let when = run.started_at.map_or_else(String::new, |at| text::ago(at, now));
        view! {
            <StatusIcon word=run.status.as_str() label=run.status.label()/>
            <span class="cut" title=name(choice)>{name(choice)}</span>
            <span class="hintx">{when}</span>
        }
        .into_any()
    } else {
        let icon = match choice {
            Choice::Filter(..) | Choice::Status(_) => "i-filter",
            Choice::Theme(Theme::Light) => "i-sun",
            Choice::Theme(Theme::Dark) => "i-moon",
            Choice::Theme(Theme::System) => "i-monitor",
            Choice::Help => "i-keyboard",
            _ => "i-runs",
        };
        view! {
            <Icon name=icon/>
            <span>{name(choice)}</span>
        }
        .into_any()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_all_runs_says_how_many_there_are() {
        let total = |count, is_exact| Some(Total { count, is_exact });
        for (total, says) in [
            (None, "Filter runs by qc"),
            (total(412, true), "Filter runs by qc: 412 runs"),
            (total(1, true), "Filter runs by qc: 1 run"),
            (total(0, true), "Filter runs by qc: 0 runs"),
            (total(10_000, false), "Filter runs by qc: 10\u{202f}000+ runs"),
        ] {
            assert_eq!(name(&Choice::Filter("qc".into(), total)), says);
        }
    }
}
