//! Words looked for in one log: asked for part by part until all of it was looked through, or the reader stops.

use crate::{
    api::logs::find_in_log,
    paths::{self, RunPlace},
    ui::{Icon, If},
};
use leptos::{prelude::*, task::spawn_local};
use model::{
    RunId,
    file::FileRef,
    log::{Hit, Hits},
    text,
};

/// What is looked for in a log, and what was found of it so far.
#[derive(Clone, Copy)]
pub struct Search {
    id: RunId,
    file: StoredValue<FileRef>,
    words: RwSignal<String>,
    hits: RwSignal<Vec<Hit>>,
    /// Bytes that were looked through, of so many; `None` when it is done.
    at: RwSignal<Option<(u64, u64)>>,
    why: RwSignal<Option<String>>,
    /// Grows with every search: answers to earlier ones are let go.
    turn: StoredValue<u32>,
}

/// Hits that are listed; looking ends there.
const HITS: usize = 1_000;

impl Search {
    pub fn new(id: RunId, file: StoredValue<FileRef>) -> Self {
        Self {
            id,
            file,
            words: RwSignal::new(String::new()),
            hits: RwSignal::new(Vec::new()),
            at: RwSignal::new(None),
            why: RwSignal::new(None),
            turn: StoredValue::new(0),
        }
    }

    /// Looks for other words, or for none.
    pub fn begin(self, words: String) {
        self.stop();
        if self.words.get_untracked() == words {
            return;
        }
        self.hits.set(Vec::new());
        self.why.set(None);
        self.words.set(words.clone());
        if !words.is_empty() {
            self.at.set(Some((0, 0)));
            spawn_local(self.run(words, self.turn.get_value()));
        }
    }

    fn stop(self) {
        self.turn.update_value(|turn| *turn += 1);
        self.at.set(None);
    }

    async fn run(self, words: String, turn: u32) {
        let Some(file) = self.file.try_get_value() else { return };
        let mut from = 0;
        loop {
            let found = find_in_log(self.id, file.clone(), words.clone(), from).await;
            if self.turn.try_get_value() != Some(turn) {
                return; // Something else is looked for, or the reader is gone.
            }
            match found {
                Ok(Ok(Hits { hits, next, size })) => {
                    self.hits.update(|held| held.extend(hits));
                    let enough = self.hits.with_untracked(Vec::len) >= HITS;
                    match next.filter(|_| !enough) {
                        Some(next) => {
                            from = next;
                            self.at.set(Some((next, size)));
                        }
                        None => return self.at.set(None),
                    }
                }
                Ok(Err(why)) => return self.fail(why.to_string()),
                Err(why) => return self.fail(why.to_string()),
            }
        }
    }

    fn fail(self, why: String) {
        self.at.set(None);
        self.why.set(Some(why));
    }
}

/// The lines that were found, each a link to its place.
#[component]
pub fn Found(search: Search, id: RunId, file: StoredValue<FileRef>, place: Memo<RunPlace>) -> impl IntoView {
    let says = move || {
        let count = search.hits.with(Vec::len);
        let lines = format!("{} {}", text::count(count as i64), if count == 1 { "line" } else { "lines" });
        match (search.why.get(), search.at.get()) {
            (Some(why), _) => why,
            (None, Some((at, size))) if size > 0 => format!("{lines} so far, {} % looked through", at.saturating_mul(100) / size.max(1)),
            (None, Some(_)) => "Looking…".to_owned(),
            (None, None) if count >= HITS => format!("The first {lines}"),
            (None, None) => lines,
        }
    };
    let row = move |hit: Hit| {
        let href = move || {
            paths::run_at(id, &RunPlace { file: Some(file.get_value().to_string()), from: Some(hit.at.to_string()), ..place.get() })
        };
        view! { <li><a class="cut" href=href>{hit.text}</a></li> }
    };
    let none = move || paths::run_at(id, &RunPlace { find: None, ..place.get() });
    view! {
        <If when=Signal::derive(move || search.words.with(|words| !words.is_empty()))>
            <section class="hits" aria-label="Lines found">
                <header>
                    <span class="dim num" role="status">{says}</span>
                    <span class="grow"></span>
                    <If when=Signal::derive(move || search.at.get().is_some())>
                        <button class="btn ghost small" type="button" on:click=move |_| search.stop()>"Stop"</button>
                    </If>
                    <a class="btn ghost small icon" href=none aria-label="Close what was found"><Icon name="i-x" small=true/></a>
                </header>
                <ol tabindex="0" role="list" aria-label="Lines found"><For each=move || search.hits.get() key=|hit| hit.at children=row/></ol>
            </section>
        </If>
    }
}
