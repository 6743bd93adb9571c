//! A subscription as the body of a server-sent event stream.
//!
//! Frames were encoded once; here they are only passed on. `reset` tells a reader to read its
//! page again, `status` how well the server hears, `bye` that it should come back elsewhere.

use crate::{
    health::Health,
    hub::{Message, Scope, Subscription},
};
use bytes::Bytes;
use futures::stream::{self, Stream};
use model::live::LiveCursor;
use std::{collections::VecDeque, convert::Infallible, time::Duration};
use tokio::{
    sync::{broadcast::error::RecvError, watch},
    time::{Interval, MissedTickBehavior, interval_at},
};
use tokio_util::sync::CancellationToken;

/// Proxies and browsers give up on silence after 30 s or more.
const HEARTBEAT: Duration = Duration::from_secs(12);
/// When a lost stream is opened again, in milliseconds; the browser adds its own jitter.
const RETRY_MS: u32 = 1000;

pub(crate) fn reset(cursor: LiveCursor) -> Bytes {
    format!("id: {cursor}\nevent: reset\ndata: {{}}\n\n").into()
}

fn status(health: Health) -> Bytes {
    format!("event: status\ndata: {{\"listening\":\"{}\",\"at\":{}}}\n\n", health.state.as_str(), store::clock::now()).into()
}

struct Reader {
    subscription: Subscription,
    health: watch::Receiver<Health>,
    heartbeat: Interval,
    cancel: CancellationToken,
    queue: VecDeque<Bytes>,
    over: bool,
}

/// The stream; ends when `cancel` fires, after asking the reader to come back.
pub fn stream(mut subscription: Subscription, cancel: CancellationToken) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
    let mut health = subscription.shared.health.subscribe();
    let now = *health.borrow_and_update();
    let mut queue = VecDeque::with_capacity(subscription.missed.len() + 2);
    queue.push_back(format!("retry: {RETRY_MS}\nid: {}\nevent: hello\ndata: {{}}\n\n", subscription.cursor).into());
    queue.push_back(status(now));
    queue.extend(std::mem::take(&mut subscription.missed));
    let mut heartbeat = interval_at(tokio::time::Instant::now() + HEARTBEAT, HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let reader = Reader { subscription, health, heartbeat, cancel, queue, over: false };
    stream::unfold(reader, |mut reader| async move {
        let bytes = reader.next().await?;
        Some((Ok(bytes), reader))
    })
}

impl Reader {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.queue.pop_front() {
                return Some(bytes);
            }
            if self.over {
                return None;
            }
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => {
                    self.over = true;
                    return Some(Bytes::from_static(b"retry: 1500\nevent: bye\ndata: {}\n\n"));
                }
                message = self.subscription.messages.recv() => match message {
                    Ok(Message::Tick(tick)) => {
                        let frame = match self.subscription.scope {
                            Scope::Runs => tick.runs_frame(self.subscription.audience),
                            Scope::Run(run) => tick.watched.get(&run).cloned().unwrap_or_default(),
                        };
                        if !frame.is_empty() {
                            return Some(frame);
                        }
                    }
                    Ok(Message::Reset(cursor)) => return Some(reset(cursor)),
                    Err(RecvError::Lagged(_)) => {
                        metrics::counter!("flowo_live_resets_total").increment(1);
                        // What is still queued is older than what the reader is about to read.
                        self.subscription.messages = self.subscription.messages.resubscribe();
                        return Some(reset(self.subscription.shared.present()));
                    }
                    Err(RecvError::Closed) => return None,
                },
                changed = self.health.changed() => {
                    changed.ok()?;
                    let now = *self.health.borrow_and_update();
                    return Some(status(now));
                }
                _ = self.heartbeat.tick() => return Some(Bytes::from_static(b": still here\n\n")),
            }
        }
    }
}
