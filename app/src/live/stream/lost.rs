//! Handles a lost connection: reconnects, and until then makes the page poll. Knows nothing of frames.

use super::{BACKOFF, Stream, now};
use crate::live::chip::Link;
use leptos::prelude::*;
use std::{rc::Rc, time::Duration};
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;

/// How often a page without a stream polls, if the server answers.
const POLL: Duration = Duration::from_secs(5);

/// Whether the server answers.
async fn answers() -> bool {
    match JsFuture::from(window().fetch_with_str("/healthz")).await {
        Ok(response) => response.dyn_into::<Response>().is_ok_and(|response| response.status() < 502),
        Err(_) => false,
    }
}

impl Stream {
    /// The connection is lost. The browser stops retrying after some errors; we do not.
    pub(super) fn lost(self: &Rc<Self>) {
        self.close();
        let wait = {
            let mut state = self.state.borrow_mut();
            if state.over || state.stale {
                return;
            }
            let wait = state.backoff + (js_sys::Math::random() * f64::from(state.backoff) / 2.0) as u32;
            state.backoff = (state.backoff * 2).min(BACKOFF.1);
            wait
        };
        if self.chip.link.get_untracked() != Link::Polling {
            self.offline();
        }
        self.later(Duration::from_millis(u64::from(wait)), Self::open);
        self.poll();
    }

    /// Without a stream, the page reads itself again every few seconds, one read at a time and only while visible. If
    /// the server does not answer, the page stays as it is.
    fn poll(self: &Rc<Self>) {
        if std::mem::replace(&mut self.state.borrow_mut().polling, true) {
            return;
        }
        self.later(POLL, |stream| {
            let stream = Rc::downgrade(stream);
            leptos::task::spawn_local(async move {
                let is_there = answers().await;
                let Some(stream) = stream.upgrade() else { return };
                let over = {
                    let mut state = stream.state.borrow_mut();
                    state.polling = false;
                    let hears = state.source.is_some() && state.heard == state.opened;
                    state.over || state.stale || hears || state.hidden_since.is_some()
                };
                if over || stream.chip.paused.get_untracked() {
                    return;
                }
                if is_there {
                    stream.read_again(Link::Polling);
                } else {
                    stream.offline();
                    stream.poll();
                }
            });
        });
    }

    fn offline(&self) {
        if !matches!(self.chip.link.get_untracked(), Link::Offline(_)) {
            self.chip.say(Link::Offline(now()));
        }
    }
}
