//! The state of the connection, as the chip shows it. The chip never shows "live" wrongly.

use leptos::prelude::*;
use model::Millis;

/// Latencies from which the median is computed.
const SAMPLES: usize = 20;

/// The current state of the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// The page follows nothing.
    #[default]
    Idle,
    /// The server has not sent anything yet.
    Connecting,
    Live,
    /// The page is reading again to make up for missed frames.
    CatchingUp,
    /// Changes arrive with a delay. Either the server gets no notifications and reads its change log every five
    /// seconds, or no stream reaches this page, which then reads itself again every five seconds.
    Polling,
    /// No connection since this time (ms).
    Offline(Millis),
    /// Paused by the viewer.
    Paused,
}

impl Link {
    /// The value of `data-live`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Idle | Self::Connecting | Self::CatchingUp | Self::Paused => "catching",
            Self::Polling => "polling",
            Self::Offline(_) => "offline",
        }
    }
}

/// The chip's signals. One for the whole application.
#[derive(Clone, Copy)]
pub struct Chip {
    pub link: RwSignal<Link>,
    /// Median over the last twenty changes of the time from commit to display (ms).
    pub latency: RwSignal<Option<Millis>>,
    /// When the last change was applied (ms).
    pub last: RwSignal<Option<Millis>>,
    /// Changes applied since the page was opened.
    pub count: RwSignal<u64>,
    /// The viewer has paused live updates.
    pub paused: RwSignal<bool>,
    samples: StoredValue<Vec<Millis>>,
    followers: StoredValue<usize>,
}

/// Makes the chip known to everything below. Called once, at the root.
pub fn provide() {
    provide_context(Chip {
        link: RwSignal::new(Link::default()),
        latency: RwSignal::new(None),
        last: RwSignal::new(None),
        count: RwSignal::new(0),
        paused: RwSignal::new(false),
        samples: StoredValue::new(Vec::new()),
        followers: StoredValue::new(0),
    });
}

impl Chip {
    pub fn get() -> Self {
        expect_context()
    }

    /// A page starts to follow something.
    pub fn join(self) {
        self.followers.update_value(|count| *count += 1);
        if self.link.get_untracked() == Link::Idle {
            self.link.set(Link::Connecting);
        }
    }

    /// A page stops following; after the last one there is no state to show.
    pub fn leave(self) {
        let left = self.followers.try_update_value(|count| {
            *count = count.saturating_sub(1);
            *count
        });
        // A polling page stops only to start again in a moment, in the same state.
        if left == Some(0) && self.link.try_get_untracked() != Some(Link::Polling) {
            self.link.try_set(Link::Idle);
        }
    }

    /// Sets the state, if it has changed.
    pub fn say(self, link: Link) {
        if self.link.get_untracked() != link {
            self.link.set(link);
        }
    }

    /// Records an applied frame; `latency` is the time from its oldest commit to now, if known.
    pub fn applied(self, now: Millis, changes: u64, latency: Option<Millis>) {
        self.last.set(Some(now));
        self.count.update(|count| *count += changes);
        let Some(latency) = latency else { return };
        let median = self.samples.try_update_value(|samples| {
            if samples.len() == SAMPLES {
                samples.remove(0);
            }
            samples.push(latency.max(0));
            let mut sorted = samples.clone();
            sorted.sort_unstable();
            sorted[sorted.len() / 2]
        });
        if self.latency.get_untracked() != median {
            self.latency.set(median);
        }
    }
}
