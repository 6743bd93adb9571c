//! The loaded lines of an open log: extended in both directions, dropped at one end to make room at the other, and
//! taken from the stream while the viewer follows.

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

/// While lines are being counted: how often to ask for the count, and how many times.
pub const COUNTED: Duration = Duration::from_millis(300);
pub const COUNTS: u32 = 200;
/// A larger gap is not read to catch up; the end of the log is read instead (bytes).
const BEHIND: u64 = 96 << 10;
/// Most lines in memory; when more are added at one end, lines are dropped at the other.
const HELD: usize = 4_000;
/// The next lines are loaded when the view is this close to an edge, in pixels.
const NEAR: i32 = 400;

/// The loaded part of a log.
#[derive(Clone, Copy)]
pub struct Held {
    pub id: RunId,
    pub file: StoredValue<FileRef>,
    pub lines: RwSignal<Vec<LogLine>>,
    pub facts: RwSignal<FileFacts>,
    /// Bytes of the text; for a compressed file, not the bytes of the file.
    pub size: RwSignal<u64>,
    /// Whether positions are in decompressed text, so that the file's size says nothing about them.
    pub packed: StoredValue<bool>,
    /// The encoding of the first window; later windows are read the same way.
    pub read: StoredValue<ReadAs>,
    /// A remark about the text.
    pub note: RwSignal<Option<String>>,
    pub from: RwSignal<u64>,
    pub to: RwSignal<u64>,
    /// Whether the last line of the file is loaded and has no line end yet.
    pub open: StoredValue<bool>,
    /// Number of lines before the first loaded one, once they are counted.
    pub before: RwSignal<Option<u64>>,
    /// Whether a window is loading.
    pub busy: StoredValue<bool>,
    pub why: RwSignal<Option<String>>,
    pub pane: NodeRef<html::Div>,
}

impl Held {
    /// Whether the loaded part reaches the end of the file. Its last line may be incomplete; reading resumes at that
    /// line's start.
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

    /// The encoding for further windows: that of the first, unless it is the default.
    pub fn encoding(self) -> Option<Encoding> {
        let ReadAs { encoding, because } = self.read.try_get_value()?;
        (because == Because::Chosen || encoding != Encoding::UTF_8).then_some(encoding)
    }

    /// Reads a part, unless a read is in progress.
    pub fn read(self, part: LogPart, follow: bool) {
        if self.busy.try_get_value() != Some(false) {
            return;
        }
        self.busy.set_value(true);
        let file = self.file.get_value();
        spawn_local(async move {
            let found = read_log(self.id, file, part, self.encoding()).await;
            if self.busy.try_set_value(false).is_some() {
                return; // The viewer has moved on to something else.
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
                // Keeps the visible lines in place.
                if let (Some(pane), Some(below)) = (pane, below) {
                    request_animation_frame(move || pane.set_scroll_top(pane.scroll_height() - below));
                }
            }
            LogPart::From(_) => {
                let last = self.lines.with_untracked(|lines| lines.last().cloned());
                if new.len() == 1 && new.last() == last.as_ref() {
                    return; // The line being written has not changed.
                }
                if from < self.from.get_untracked() {
                    // A terminal would overwrite lines before the first loaded one.
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

    /// Sets the number of lines before the first; if it is not known yet, asks until they are counted.
    pub fn number(self, from: u64, before: Option<u64>) {
        self.before.set(before);
        let ReadAs { encoding, because } = self.read.get_value();
        // Lines in an encoding that the viewer chose and whose width the file does not show cannot be counted.
        if before.is_some() || because == Because::Chosen && encoding.is_wide() {
            return;
        }
        let file = self.file.get_value();
        spawn_local(async move {
            for _ in 0..COUNTS {
                let Ok(Ok(found)) = count_lines(self.id, file.clone(), from).await else { return };
                if self.from.try_get_untracked() != Some(from) {
                    return; // Other lines are loaded by now, and another count is requested.
                }
                if found.is_some() {
                    self.before.set(found);
                    return;
                }
                pause(COUNTED).await;
            }
        });
    }

    /// Handles news of the file: either lines that follow ours, or only the fact that there are some.
    pub fn hear(self, news: FileNews) {
        let facts = match news.facts {
            Ok(facts) => facts,
            Err(why) => return self.why.set(Some(why.to_string())),
        };
        let (to, ended, at_end) = (self.to.get_untracked(), self.ends(), self.is_at_end());
        // The file or the run is back.
        if self.why.with_untracked(Option::is_some) {
            return self.read(LogPart::End, at_end);
        }
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
            // The file was replaced or truncated.
            _ if facts.size < to => self.read(LogPart::End, at_end),
            // The viewer is elsewhere in the file, so only the new size matters.
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
