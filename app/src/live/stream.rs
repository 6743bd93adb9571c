//! The connection: one `EventSource` per page, with resume, back-off and pause.
//!
//! Frames go from the event into a queue, and from the queue to the page, at most once per animation frame. Signals
//! hold states, never events.

mod lost;

use super::{
    chip::{Chip, Link},
    watch::Watch,
};
use crate::query;
use leptos::prelude::*;
use model::{
    Millis,
    file::FileRef,
    live::{Frame, LiveCursor},
};
use send_wrapper::SendWrapper;
use serde::Deserialize;
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};
use view::logs::FileNews;
use wasm_bindgen::{JsCast as _, prelude::Closure};
use web_sys::{EventSource, MessageEvent};

/// Frames queued for one animation frame; when there are more, the page is read again.
const QUEUE: usize = 500;
/// First and longest wait before a closed connection is reopened.
const BACKOFF: (u32, u32) = (1000, 30_000);
/// How long a new connection may stay silent before it counts as lost: something on the way may buffer streams.
const MUTE: Duration = Duration::from_secs(10);
/// How long a tab may be hidden before it closes its connection.
const HIDDEN: Duration = Duration::from_mins(1);
/// Clocks that differ by more than this are taken to be on different machines.
const SKEW: Millis = 500;

/// What a page follows.
#[derive(Clone)]
pub struct Wanted {
    /// `runs` or `run:<id>`.
    pub scope: String,
    /// The point up to which the page has read.
    pub after: LiveCursor,
    /// A file to follow as well.
    pub watch: Option<Watch>,
}

/// Follows a scope until the reactive owner is cleaned up. Does nothing on the server.
///
/// `apply` gets frames in order; `reset` must read the page again and follow from there.
pub fn follow(wanted: Wanted, apply: impl Fn(Frame) + 'static, reset: impl Fn() + 'static) {
    let chip = Chip::get();
    let parts = SendWrapper::new((Rc::new(apply) as Rc<dyn Fn(Frame)>, Rc::new(reset) as Rc<dyn Fn()>));
    Effect::new(move |_| {
        let (apply, reset) = (Rc::clone(&parts.0), Rc::clone(&parts.1));
        let stream = Rc::new(Stream {
            chip,
            scope: wanted.scope.clone(),
            watch: wanted.watch,
            apply,
            reset,
            after: Cell::new(wanted.after),
            state: RefCell::new(State { backoff: BACKOFF.0, ..State::default() }),
        });
        chip.join();
        stream.open();
        let listener = {
            let stream = Rc::downgrade(&stream);
            window_event_listener_untyped("visibilitychange", move |_| {
                if let Some(stream) = stream.upgrade() {
                    stream.seen();
                }
            })
        };
        // `visibilitychange` fires on the document and bubbles to the window.
        let paused = {
            let stream = SendWrapper::new(Rc::downgrade(&stream));
            Effect::watch(
                move || chip.paused.get(),
                move |paused, _, _| {
                    let Some(stream) = stream.upgrade() else { return };
                    if *paused {
                        stream.close();
                        stream.chip.say(Link::Paused);
                    } else {
                        stream.open();
                    }
                },
                false,
            )
        };
        // When the followed file changes or is dropped, the stream is reopened from where it was.
        let turned = {
            let (stream, watch) = (SendWrapper::new(Rc::downgrade(&stream)), wanted.watch);
            Effect::watch(
                move || watch.and_then(|watch| watch.file.try_get()).flatten(),
                move |_, _, _| {
                    if let Some(stream) = stream.upgrade() {
                        stream.turned();
                    }
                },
                // The file may have changed before this effect first ran.
                true,
            )
        };
        let held = SendWrapper::new(stream);
        on_cleanup(move || {
            listener.remove();
            paused.stop();
            turned.stop();
            held.state.borrow_mut().over = true;
            held.close();
            chip.leave();
        });
    });
}

struct Stream {
    chip: Chip,
    scope: String,
    watch: Option<Watch>,
    apply: Rc<dyn Fn(Frame)>,
    reset: Rc<dyn Fn()>,
    /// The point up to which the page has read.
    after: Cell<LiveCursor>,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    source: Option<Source>,
    /// How many connections were opened.
    opened: u32,
    /// The number of the last connection on which anything arrived.
    heard: u32,
    /// A poll is scheduled or in progress, because there is no stream.
    polling: bool,
    /// The file that the stream follows.
    file: Option<FileRef>,
    queue: Vec<Frame>,
    drawing: bool,
    stale: bool,
    backoff: u32,
    /// The smallest difference seen between the server's clock and ours (ms).
    offset: Option<Millis>,
    over: bool,
    hidden_since: Option<Millis>,
}

type Listener = Closure<dyn FnMut(MessageEvent)>;

/// An open connection with its listeners.
struct Source {
    events: EventSource,
    _listeners: Vec<Listener>,
    _error: Closure<dyn FnMut()>,
}

impl Drop for Source {
    fn drop(&mut self) {
        self.events.set_onerror(None);
        self.events.close();
    }
}

/// The server's message on how it learns of changes.
#[derive(Deserialize)]
struct Status {
    listening: String,
    at: Millis,
}

fn now() -> Millis {
    js_sys::Date::now() as Millis
}

impl Stream {
    fn open(self: &Rc<Self>) {
        let mut state = self.state.borrow_mut();
        if state.over || state.source.is_some() || self.chip.paused.get_untracked() {
            return;
        }
        state.file = self.followed();
        let (after, file) = (self.after.get().to_string(), state.file.as_ref().map(ToString::to_string));
        let mut address = "/live".to_owned();
        let pairs = [("scope", Some(self.scope.as_str())), ("after", Some(after.as_str())), ("file", file.as_deref())];
        query::append(&mut address, pairs.into_iter().filter_map(|(key, value)| Some((key, value?))));
        let Ok(events) = EventSource::new(&address) else { return };
        let listeners = vec![
            self.listen(&events, "frame", Stream::frame),
            self.listen(&events, "status", Stream::status),
            self.listen(&events, "reset", |stream, _| stream.stale()),
            self.listen(&events, "hello", |stream, _| stream.heard()),
            self.listen(&events, "file", Stream::file),
            self.listen(&events, "bye", |stream, _| stream.lost()),
        ];
        let weak = Rc::downgrade(self);
        let error = Closure::<dyn FnMut()>::new(move || {
            if let Some(stream) = weak.upgrade() {
                stream.lost();
            }
        });
        events.set_onerror(Some(error.as_ref().unchecked_ref()));
        state.source = Some(Source { events, _listeners: listeners, _error: error });
        state.opened += 1;
        let opened = state.opened;
        drop(state);
        self.later(MUTE, move |stream| {
            let mute = {
                let state = stream.state.borrow();
                state.source.is_some() && state.opened == opened && state.heard != opened
            };
            if mute {
                stream.lost();
            }
        });
    }

    /// Calls `then` after `wait`, if the page still follows.
    fn later(self: &Rc<Self>, wait: Duration, then: impl FnOnce(&Rc<Self>) + 'static) {
        let stream = SendWrapper::new((Rc::downgrade(self), then));
        set_timeout(
            move || {
                let (stream, then) = stream.take();
                if let Some(stream) = stream.upgrade() {
                    then(&stream);
                }
            },
            wait,
        );
    }

    fn heard(&self) {
        let mut state = self.state.borrow_mut();
        state.heard = state.opened;
        state.backoff = BACKOFF.0;
    }

    /// The file to follow; none while the page is hidden.
    fn followed(&self) -> Option<FileRef> {
        self.watch.filter(|_| !document().hidden()).and_then(|watch| watch.file.try_get_untracked()).flatten()
    }

    /// Reopens the stream if it does not follow the file that it should.
    fn turned(self: &Rc<Self>) {
        let follows = {
            let state = self.state.borrow();
            state.source.is_none() || state.file == self.followed()
        };
        if !follows {
            self.close();
            self.open();
        }
    }

    fn listen(self: &Rc<Self>, events: &EventSource, name: &str, take: fn(&Rc<Self>, &str)) -> Listener {
        let weak = Rc::downgrade(self);
        let listener = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let Some(stream) = weak.upgrade() else { return };
            if let Ok(cursor) = event.last_event_id().parse() {
                stream.after.set(cursor);
            }
            if let Some(data) = event.data().as_string() {
                take(&stream, &data);
            }
        });
        let _ = events.add_event_listener_with_callback(name, listener.as_ref().unchecked_ref());
        listener
    }

    fn close(&self) {
        // Taken out first, because dropping it in place would borrow the state twice.
        let source = self.state.borrow_mut().source.take();
        drop(source);
    }

    fn frame(self: &Rc<Self>, data: &str) {
        let Ok(frame) = serde_json::from_slice::<Frame>(data.as_bytes()) else { return self.stale() };
        let mut state = self.state.borrow_mut();
        let offset = now() - frame.sent_at;
        state.offset = Some(state.offset.map_or(offset, |held| held.min(offset)));
        if state.queue.len() == QUEUE {
            drop(state);
            return self.stale();
        }
        state.queue.push(frame);
        if !std::mem::replace(&mut state.drawing, true) {
            drop(state);
            let stream = SendWrapper::new(Rc::downgrade(self));
            request_animation_frame(move || {
                if let Some(stream) = stream.upgrade() {
                    stream.draw();
                }
            });
        }
    }

    /// Applies the frames that arrived since the last animation frame.
    fn draw(&self) {
        let (frames, offset) = {
            let mut state = self.state.borrow_mut();
            state.drawing = false;
            if state.over || state.stale {
                return;
            }
            (std::mem::take(&mut state.queue), state.offset.unwrap_or(0))
        };
        let skew = if offset.abs() > SKEW { offset } else { 0 };
        for frame in frames {
            let changes = (frame.runs.len() + frame.jobs.len()) as u64;
            let changed_at = frame.changed_at;
            (self.apply)(frame);
            let at = now();
            self.chip.applied(at, changes, changed_at.map(|then| at - skew - then));
        }
        if matches!(self.chip.link.get_untracked(), Link::CatchingUp | Link::Connecting) {
            self.chip.say(Link::Live);
        }
    }

    fn status(self: &Rc<Self>, data: &str) {
        let Ok(status) = serde_json::from_slice::<Status>(data.as_bytes()) else { return };
        let _ = status.at;
        self.chip.say(match status.listening.as_str() {
            "live" => Link::Live,
            "polling" => Link::Polling,
            "down" => Link::Offline(now()),
            _ => Link::CatchingUp,
        });
    }

    fn file(self: &Rc<Self>, data: &str) {
        if let (Some(watch), Ok(news)) = (self.watch, serde_json::from_str::<FileNews>(data)) {
            watch.hear(news);
        }
    }

    /// The page's data is no longer a valid basis: the page reads everything again and follows from there.
    fn stale(self: &Rc<Self>) {
        self.read_again(Link::CatchingUp);
    }

    fn read_again(&self, link: Link) {
        if std::mem::replace(&mut self.state.borrow_mut().stale, true) {
            return;
        }
        self.chip.say(link);
        self.close();
        (self.reset)();
    }

    /// Hidden tabs disconnect after a while; visible ones resume where they were.
    fn seen(self: &Rc<Self>) {
        self.turned();
        if document().hidden() {
            self.state.borrow_mut().hidden_since = Some(now());
            self.later(HIDDEN, |stream| {
                let since = stream.state.borrow().hidden_since;
                if since.is_some_and(|since| now() - since >= HIDDEN.as_millis() as Millis - 1000) {
                    stream.close();
                    stream.chip.say(Link::CatchingUp);
                }
            });
        } else {
            self.state.borrow_mut().hidden_since = None;
            self.open();
        }
    }
}
