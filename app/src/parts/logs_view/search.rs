//! Searches one log for words or for important lines, part by part until the whole log is searched or the viewer stops.

use crate::{
    api::logs::find_in_log,
    paths::{self, RunPlace},
    ui::{Icon, If},
};
use leptos::{prelude::*, task::spawn_local};
use model::{
    RunId,
    encoding::Encoding,
    file::FileRef,
    log::{Hit, Hits, Level, Wanted},
    text,
};

/// A search in a log, and its hits so far.
#[derive(Clone, Copy)]
pub struct Search {
    id: RunId,
    file: StoredValue<FileRef>,
    /// The encoding of the log.
    encoding: StoredValue<Option<Encoding>>,
    wanted: RwSignal<Option<Wanted>>,
    hits: RwSignal<Vec<Hit>>,
    /// Bytes of the text, according to the last answer.
    size: RwSignal<u64>,
    /// How many bytes of a line decide its level, if a line has a level word beyond them; else 0.
    judged: RwSignal<u64>,
    /// Bytes searched so far; `None` when the whole log is searched.
    at: RwSignal<Option<u64>>,
    /// Number of hits at which the search pauses.
    room: RwSignal<usize>,
    /// Whether the search is not running.
    ended: RwSignal<bool>,
    why: RwSignal<Option<String>>,
    /// Incremented with every search; answers to earlier searches are dropped.
    turn: StoredValue<u32>,
}

/// Hits per round: the search pauses there, and continues for as many more when the viewer asks.
const HITS: usize = 1_000;

impl Search {
    pub fn new(id: RunId, file: StoredValue<FileRef>, encoding: Option<Encoding>) -> Self {
        Self {
            id,
            file,
            encoding: StoredValue::new(encoding),
            wanted: RwSignal::new(None),
            size: RwSignal::new(0),
            hits: RwSignal::new(Vec::new()),
            judged: RwSignal::new(0),
            at: RwSignal::new(None),
            room: RwSignal::new(HITS),
            ended: RwSignal::new(true),
            why: RwSignal::new(None),
            turn: StoredValue::new(0),
        }
    }

    /// Starts another search, or clears it.
    pub fn begin(self, wanted: Option<Wanted>) {
        self.stop();
        if self.wanted.get_untracked() == wanted {
            return;
        }
        self.hits.set(Vec::new());
        self.room.set(HITS);
        self.at.set(None);
        self.size.set(0);
        self.judged.set(0);
        self.why.set(None);
        self.wanted.set(wanted.clone());
        if let Some(wanted) = wanted {
            self.at.set(Some(0));
            self.ended.set(false);
            spawn_local(self.run(wanted, 0, self.turn.get_value()));
        }
    }

    /// The log has grown: searches the new part too.
    pub fn grown(self, size: u64) {
        let from = self.size.get_untracked();
        let done = self.ended.get_untracked() && self.at.get_untracked().is_none() && self.why.with_untracked(Option::is_none);
        if let Some(wanted) = self.wanted.get_untracked().filter(|_| done && size > from) {
            self.at.set(Some(from));
            self.ended.set(false);
            spawn_local(self.run(wanted, from, self.turn.get_value()));
        }
    }

    /// Continues where the search stopped: at a stop, an error, or the limit of hits.
    fn go_on(self) {
        let (Some(wanted), Some(at)) = (self.wanted.get_untracked(), self.at.get_untracked()) else { return };
        self.room.set(self.hits.with_untracked(Vec::len) + HITS);
        self.why.set(None);
        self.ended.set(false);
        spawn_local(self.run(wanted, at, self.turn.get_value()));
    }

    fn stop(self) {
        self.turn.update_value(|turn| *turn += 1);
        self.ended.set(true);
    }

    async fn run(self, wanted: Wanted, mut from: u64, turn: u32) {
        let Some(file) = self.file.try_get_value() else { return };
        let encoding = self.encoding.get_value();
        let (words, level) = match wanted {
            Wanted::Words(words) => (Some(words), None),
            Wanted::Level(level) => (None, Some(level)),
        };
        loop {
            let found = find_in_log(self.id, file.clone(), words.clone(), level, from, encoding).await;
            if self.turn.try_get_value() != Some(turn) {
                return; // Another search has started, or the viewer is gone.
            }
            match found {
                Ok(Ok(Hits { hits, next, size, judged })) => {
                    self.hits.update(|held| {
                        // A hit whose line was incomplete is sent again.
                        let last = held.last().map(|hit| hit.at);
                        held.extend(hits.into_iter().filter(|hit| Some(hit.at) > last));
                    });
                    self.size.set(size);
                    self.judged.update(|held| *held = judged.max(*held));
                    let enough = self.hits.with_untracked(Vec::len) >= self.room.get_untracked();
                    self.at.set(next);
                    match next {
                        Some(next) if !enough => from = next,
                        _ => return self.ended.set(true),
                    }
                }
                Ok(Err(why)) => return self.fail(why.to_string()),
                Err(why) => return self.fail(why.to_string()),
            }
        }
    }

    fn fail(self, why: String) {
        self.ended.set(true);
        self.why.set(Some(why));
    }
}

/// The lines that were found, each with a link to its position.
#[component]
pub fn Found(search: Search, id: RunId, file: StoredValue<FileRef>, place: Memo<RunPlace>) -> impl IntoView {
    let says = move || {
        let count = search.hits.with(Vec::len);
        let kind = search.wanted.with(|wanted| match wanted {
            Some(Wanted::Level(Level::Error)) => ["error", "errors"],
            Some(Wanted::Level(_)) => ["warning or error", "warnings and errors"],
            _ => ["line", "lines"],
        });
        let lines = format!("{} {}", text::count(count as i64), kind[usize::from(count != 1)]);
        let size = search.size.get();
        let whole = text::size(size);
        match (search.why.get(), search.at.get()) {
            (Some(why), _) => why,
            (None, Some(_)) if size == 0 => "Looking…".to_owned(),
            (None, Some(at)) if search.ended.get() && count < search.room.get() => {
                format!("{lines}; stopped after {} % of {whole}", at.saturating_mul(100) / size.max(1))
            }
            (None, Some(at)) if count >= search.room.get() => {
                format!("The first {lines}; searched {} % of {whole}", at.saturating_mul(100) / size.max(1))
            }
            (None, Some(at)) => format!("{lines} so far; {} % of {whole} searched", at.saturating_mul(100) / size.max(1)),
            (None, None) if count == 0 => format!("No {} in the whole file ({whole})", kind[1]),
            (None, None) => lines,
        }
    };
    let judged = move || {
        let bytes = search.judged.get();
        (bytes > 0).then(|| format!("of long lines, only the first {} are checked", text::size(bytes)))
    };
    let row = move |hit: Hit| {
        let href = move || {
            paths::run_at(id, &RunPlace { file: Some(file.get_value().to_string()), from: Some(hit.at.to_string()), ..place.get() })
        };
        view! { <li data-level=hit.level.map(Level::as_str)><a class="cut" href=href>{hit.text}</a></li> }
    };
    let none = move || paths::run_at(id, &RunPlace { find: None, level: None, ..place.get() });
    view! {
        <If when=Signal::derive(move || search.wanted.with(Option::is_some))>
            <section class="hits" aria-label="Lines found">
                <header>
                    <span class="dim num" role="status">{says}</span>
                    <span class="dim">{judged}</span>
                    <span class="grow"></span>
                    <If when=Signal::derive(move || !search.ended.get())>
                        <button class="btn ghost small" type="button" on:click=move |_| search.stop()>"Stop"</button>
                    </If>
                    <If when=Signal::derive(move || search.ended.get() && search.at.with(Option::is_some))>
                        <button class="btn ghost small" type="button" on:click=move |_| search.go_on()>"Continue"</button>
                    </If>
                    <a class="btn ghost small icon" href=none aria-label="Close the results"><Icon name="i-x" small=true/></a>
                </header>
                <ol tabindex="0" role="list" aria-label="Lines found"><For each=move || search.hits.get() key=|hit| hit.at children=row/></ol>
            </section>
        </If>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_that_ended_before_the_end_goes_on_when_asked() {
        let hit = |at: u64| Hit { at, level: None, text: "No space left".into() };
        for (hits, at, ended, button) in [
            (HITS, Some(500), true, Some("Continue")),
            (3, Some(500), true, Some("Continue")),
            (3, Some(500), false, Some("Stop")),
            (3, None, true, None),
        ] {
            Owner::new().with(|| {
                let id: RunId = "0193a4c2-0000-7000-8000-000000000001".parse().expect("an id");
                let file = StoredValue::new(FileRef::Log);
                let search = Search::new(id, file, None);
                search.wanted.set(Some(Wanted::Words("space".into())));
                search.hits.set((0..hits as u64).map(hit).collect());
                search.size.set(1_000);
                search.at.set(at);
                search.ended.set(ended);
                let place = Memo::new(|_| RunPlace::default());

                let html = view! { <Found search id file place/> }.into_any().to_html();

                for says in ["Continue", "Stop"] {
                    assert_eq!(html.contains(says), button == Some(says), "{hits} {at:?} {ended}: {says} in {html}");
                }
            });
        }
    }
}
