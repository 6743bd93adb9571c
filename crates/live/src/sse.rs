//! A subscription as the body of a server-sent event stream.
//!
//! Frames were encoded once; here they are only forwarded. `reset` tells a reader to refetch its page, `status` says
//! how well the server receives notifications, `bye` tells the reader to reconnect elsewhere.

use crate::{
    health::Health,
    hub::{Message, Scope, Subscription},
    tick::Standing,
};
use bytes::Bytes;
use futures::stream::{self, Stream};
use model::{Millis, live::LiveCursor};
use std::{collections::VecDeque, convert::Infallible};
use tokio::sync::broadcast::error::RecvError;

/// After how many milliseconds a lost stream is reopened; the browser adds jitter.
const RETRY_MS: u32 = 1000;
/// The last message of a server that is stopping.
const BYE: &[u8] = b"retry: 1500\nevent: bye\ndata: {}\n\n";

pub(crate) fn reset(cursor: LiveCursor) -> Bytes {
    format!("id: {cursor}\nevent: reset\ndata: {{}}\n\n").into()
}

fn status(health: Health, now: Millis) -> Bytes {
    format!("event: status\ndata: {{\"listening\":\"{}\",\"at\":{now}}}\n\n", health.state.as_str()).into()
}

struct Reader {
    subscription: Subscription,
    queue: VecDeque<Bytes>,
    over: bool,
}

/// The response stream. It ends when the server stops, after asking the reader to reconnect.
pub fn stream(mut subscription: Subscription) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
    let mut queue = VecDeque::with_capacity(subscription.missed.len() + 3);
    queue.push_back(format!("retry: {RETRY_MS}\nid: {}\nevent: hello\ndata: {{}}\n\n", subscription.cursor).into());
    queue.push_back(status(subscription.health, subscription.shared.now()));
    queue.extend(std::mem::take(&mut subscription.missed));
    let over = subscription.closed;
    queue.extend(over.then_some(Bytes::from_static(BYE)));
    let reader = Reader { subscription, queue, over };
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
            match self.subscription.messages.recv().await {
                Ok(Message::Tick(tick)) => {
                    self.subscription.stands(|run| tick.standing(run));
                    let frame = match self.subscription.scope {
                        Scope::Runs => tick.runs_frame(self.subscription.audience),
                        Scope::Run(run) => tick.run_frame(run, self.subscription.audience),
                    };
                    if !frame.is_empty() {
                        return Some(frame);
                    }
                }
                Ok(Message::Reset(cursor)) => {
                    self.subscription.stands(|_| Some(Standing::Unknown));
                    return Some(reset(cursor));
                }
                Ok(Message::Status(health)) => return Some(status(health, self.subscription.shared.now())),
                Ok(Message::Beat) => return Some(Bytes::from_static(b": still here\n\n")),
                Ok(Message::Bye) => {
                    self.over = true;
                    return Some(Bytes::from_static(BYE));
                }
                Err(RecvError::Lagged(_)) => {
                    metrics::counter!("flowo_live_resets_total").increment(1);
                    return Some(self.begin_again());
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// Starts again at the present: what is still queued is older than what the reader will refetch. The queue may have
    /// contained a `status` or `bye` message, so those are sent again.
    fn begin_again(&mut self) -> Bytes {
        let now = self.subscription.shared.rejoin();
        self.subscription.stands(|_| Some(Standing::Unknown));
        self.subscription.messages = now.messages;
        self.queue.push_back(status(now.health, self.subscription.shared.now()));
        self.over = now.closed;
        self.queue.extend(now.closed.then_some(Bytes::from_static(BYE)));
        reset(now.cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Hub;
    use futures::StreamExt as _;
    use model::{clock::MockClock, live::Listening};
    use store::{Store, runs::Audience};
    use tokio_util::sync::CancellationToken;

    /// A hub whose database is never queried.
    fn hub() -> Hub {
        Hub::new(Store::lazy("postgres://localhost/none", 1, MockClock::new(0).clock()).expect("an address"))
    }

    async fn events(subscription: Subscription) -> Vec<String> {
        let chunks: Vec<_> = stream(subscription).collect().await;
        let words = chunks.into_iter().map(|chunk| String::from_utf8(chunk.unwrap_or_default().to_vec()).unwrap_or_default());
        words.filter_map(|text| Some(text.split("event: ").nth(1)?.lines().next()?.to_owned())).collect()
    }

    #[tokio::test]
    async fn a_server_that_stops_takes_leave_of_those_who_are_there_and_of_those_who_come() {
        let (hub, stop) = (hub(), CancellationToken::new());
        let there = hub.subscribe(Scope::Runs, Audience::All, None).await.expect("a place");
        stop.cancel();

        hub.clone().keep(stop).await;

        let late = hub.subscribe(Scope::Runs, Audience::All, None).await.expect("a place");
        assert_eq!(events(there).await, ["hello", "status", "bye"]);
        assert_eq!(events(late).await, ["hello", "status", "bye"]);
    }

    #[tokio::test]
    async fn a_reader_that_fell_behind_begins_again_and_knows_how_well_the_server_hears() {
        let (hub, stop) = (hub(), CancellationToken::new());
        let slow = hub.subscribe(Scope::Runs, Audience::All, None).await.expect("a place");
        for at in 0..2_000 {
            hub.shared.hear(|health| health.state = if at % 2 == 0 { Listening::Live } else { Listening::Polling });
        }
        stop.cancel();
        hub.clone().keep(stop).await;

        let events = events(slow).await;

        assert_eq!(events, ["hello", "status", "reset", "status", "bye"]);
    }

    #[tokio::test]
    async fn only_another_state_is_sent() {
        let (hub, stop) = (hub(), CancellationToken::new());
        let there = hub.subscribe(Scope::Runs, Audience::All, None).await.expect("a place");
        for lag in [3, 4, 5] {
            hub.shared.hear(|health| *health = Health { state: Listening::Live, lag_ms: Some(lag) });
        }
        stop.cancel();
        hub.clone().keep(stop).await;

        assert_eq!(events(there).await, ["hello", "status", "status", "bye"]);
        assert_eq!(hub.health().lag_ms, Some(5));
    }
}
