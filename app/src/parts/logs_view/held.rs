//! The lines that are held of an open log: read on in both directions, let go at one end for those at the other, and
//! taken from the stream while somebody follows.

use crate::api::logs::{count_lines, read_log};
use leptos::{html, prelude::*, task::spawn_local};
use model::log::LogPart;
use model::{
    RunId,
    encoding::{Because, Encoding, ReadAs},
    file::{FileFacts, FileRef, NoFile},
    log::{LogLine, LogText},
};
use std::time::Duration;
use view::logs::{FileNews, LogWindow, OpenLog};

/// Lines that are being counted are asked for so often, and so many times.
pub const COUNTED: Duration = Duration::from_millis(300);
pub const COUNTS: u32 = 200;
/// More than this is not read to catch up: what is at the end is (bytes).
const BEHIND: u64 = 96 << 10;
/// Lines that are held; more at one side let go of those at the other.
const HELD: usize = 4_000;
/// So near to an edge, in pixels, the next lines are read.
const NEAR: i32 = 400;

/// What is held of a log.
#[derive(Clone, Copy)]
pub struct Held {
    pub id: RunId,
    pub file: StoredValue<FileRef>,
    pub lines: RwSignal<Vec<LogLine>>,
    pub facts: RwSignal<FileFacts>,
    /// Bytes of the text; of a packed file not those of the file.
    pub size: RwSignal<u64>,
    /// Its places are none of the file: what becomes of that says nothing of them.
    pub packed: StoredValue<bool>,
    /// How its letters were read first; they are read on so.
    pub read: StoredValue<ReadAs>,
    /// What is to be known of the text.
    pub note: RwSignal<Option<String>>,
    pub from: RwSignal<u64>,
    pub to: RwSignal<u64>,
    /// The last line of the file is held, and has no end yet.
    pub open: StoredValue<bool>,
    /// Lines before the first that is held, once they are counted.
    pub before: RwSignal<Option<u64>>,
    /// A window is on its way.
    pub busy: StoredValue<bool>,
    pub why: RwSignal<Option<String>>,
    pub pane: NodeRef<html::Div>,
}

impl Held {
    /// What is held goes to the end of the file; its last line may be half of one, which is gone on with from its start.
    pub fn ends(self) -> bool {
        self.open.get_value() || self.to.get_untracked() >= self.size.get_untracked()
    }

    pub fn is_at_end(self) -> bool {
        self.pane.get_untracked().is_some_and(|pane| pane.scroll_top() + pane.client_height() >= pane.scroll_height() - 4)
    }

    pub fn to_end(self) {
        request_animation_frame(move || {
            if let Some(pane) = self.pane.get_untracked() {
                pane.set_scroll_top(pane.scroll_height());
            }
        });
    }

    /// How the letters of further windows are to be read: as those of the first, if these were no plain ones.
    pub fn encoding(self) -> Option<Encoding> {
        let ReadAs { encoding, because } = self.read.try_get_value()?;
        (because == Because::Chosen || encoding != Encoding::UTF_8).then_some(encoding)
    }

    /// Reads a part, unless one is on its way already.
    pub fn read(self, part: LogPart, follow: bool) {
        if self.busy.try_get_value() != Some(false) {
            return;
        }
        self.busy.set_value(true);
        let file = self.file.get_value();
        spawn_local(async move {
            let found = read_log(self.id, file, part, self.encoding()).await;
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
        let LogWindow { facts, text: LogText { lines: new, from, to, open, size, before, note, .. } } = window;
        if self.facts.get_untracked() != facts {
            self.facts.set(facts);
        }
        self.size.set(size);
        if self.note.get_untracked() != note {
            self.note.set(note);
        }
        self.why.set(None);
        match part {
            LogPart::End => {
                self.number(from, before);
                self.from.set(from);
                self.to.set(to);
                self.open.set_value(open);
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
                    self.open.set_value(false);
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
                if from < self.from.get_untracked() {
                    // A terminal would write over lines before the first that is held.
                    return self.read(LogPart::End, follow);
                }
                self.to.set(to);
                self.open.set_value(open);
                let let_go = self.lines.try_update(|lines| {
                    lines.truncate(lines.partition_point(|line| line.at < from));
                    lines.extend(new);
                    let over = lines.len().saturating_sub(HELD);
                    let gone: u64 = lines.drain(..over).map(|line| 1 + line.skipped).sum();
                    lines.first().filter(|_| over > 0).map(|line| (line.at, gone))
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
    pub fn number(self, from: u64, before: Option<u64>) {
        self.before.set(before);
        let ReadAs { encoding, because } = self.read.get_value();
        // Nobody counts lines by a width that the file does not tell.
        if before.is_some() || because == Because::Chosen && encoding.is_wide() {
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
    pub fn hear(self, news: FileNews) {
        let facts = match news.facts {
            Ok(facts) => facts,
            Err(why) => return self.why.set(Some(why.to_string())),
        };
        let (to, ended, at_end) = (self.to.get_untracked(), self.ends(), self.is_at_end());
        if self.packed.get_value() {
            if facts != self.facts.get_untracked() {
                self.read(LogPart::End, at_end);
            }
            return;
        }
        let encoding = self.read.get_value().encoding;
        let lines = news.lines.filter(|window| window.text.read.encoding == encoding);
        match lines.map(|window| (window.text.from, window.text.to, window)) {
            Some((from, end, window)) if ended && from <= to && to <= end => self.take(LogPart::From(from), window, at_end),
            // It is another file now, or the same from the start.
            _ if facts.size < to => self.read(LogPart::End, at_end),
            // The reader is elsewhere: it is enough to know that there is more.
            _ if !ended => {
                self.facts.set(facts);
                self.size.set(facts.size);
            }
            _ if facts.size > to + BEHIND => self.read(LogPart::End, at_end),
            _ if facts != self.facts.get_untracked() => self.read(LogPart::From(to), at_end),
            _ => {}
        }
    }

    pub fn scrolled(self) {
        let Some(pane) = self.pane.get_untracked() else { return };
        if pane.scroll_top() < NEAR && self.from.get_untracked() > 0 {
            self.read(LogPart::Before(self.from.get_untracked()), false);
        } else if pane.scroll_top() + pane.client_height() > pane.scroll_height() - NEAR && !self.ends() {
            self.read(LogPart::From(self.to.get_untracked()), false);
        }
    }
}

/// Waits. In the browser only.
pub async fn pause(long: Duration) {
    let (over, ended) = futures::channel::oneshot::channel::<()>();
    set_timeout(move || drop(over), long);
    let _ = ended.await;
}
