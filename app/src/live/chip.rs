//! The state of the connection as the chip shows it. It never claims live when it is not.

use leptos::prelude::*;
use model::Millis;

/// Latencies the shown median is made of.
const SAMPLES: usize = 20;

/// What is true of the connection now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// The page follows nothing.
    #[default]
    Idle,
    /// Before the first word of the server.
    Connecting,
    Live,
    /// Missed frames are being read again.
    CatchingUp,
    /// No change is told at once: the server is deaf and reads its change log every five seconds, or no stream reaches this
    /// page, which then reads itself again as often.
    Polling,
    /// No connection since this time (ms).
    Offline(Millis),
    /// Held by the reader.
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
    /// From commit to applied change, median of the last twenty (ms).
    pub latency: RwSignal<Option<Millis>>,
    /// When the last change was applied (ms).
    pub last: RwSignal<Option<Millis>>,
    /// Changes applied since the page was opened.
    pub count: RwSignal<u64>,
    /// The reader asked for stillness.
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

    /// A page begins to follow something.
    pub fn join(self) {
        self.followers.update_value(|count| *count += 1);
        if self.link.get_untracked() == Link::Idle {
            self.link.set(Link::Connecting);
        }
    }

    /// A page stops; the last one leaves nothing to say.
    pub fn leave(self) {
        let left = self.followers.try_update_value(|count| {
            *count = count.saturating_sub(1);
            *count
        });
        // A page that reads itself again follows anew in a moment, in the same state.
        if left == Some(0) && self.link.try_get_untracked() != Some(Link::Polling) {
            self.link.try_set(Link::Idle);
        }
    }

    /// Says how the connection is, if that is news.
    pub fn say(self, link: Link) {
        if self.link.get_untracked() != link {
            self.link.set(link);
        }
    }

    /// Notes an applied frame: `latency` from its oldest commit to now, if that is known.
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
