//! A reader of a live stream, like a page. `sse-stream` parses the bytes; this file records the received events.

use super::TEST_TIMEOUT;
use futures::{Stream, StreamExt as _, future::ready};
use serde_json::Value;
use sse_stream::{Sse, SseByteStream};
use std::pin::Pin;
use tokio::time::timeout;

/// One event of the stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub name: String,
    pub id: Option<String>,
    /// `null` if the data is no JSON.
    pub data: Value,
}

/// An open stream and all events seen on it.
pub struct Tab {
    events: Pin<Box<dyn Stream<Item = Sse> + Send>>,
    pub seen: Vec<Event>,
}

impl Tab {
    /// Reads the body of a response. A connection that breaks ends the stream.
    pub fn new(response: reqwest::Response) -> Self {
        let events = SseByteStream::new(response.bytes_stream()).filter_map(|event| ready(event.ok()));
        Self { events: Box::pin(events), seen: Vec::new() }
    }

    /// The next event with data; `None` when the stream has ended.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            let Sse { event, id, data, .. } = self.events.next().await?;
            if let Some(data) = data.filter(|data| !data.is_empty()) {
                let name = event.unwrap_or_else(|| "message".to_owned());
                let event = Event { name, id, data: serde_json::from_str(&data).unwrap_or(Value::Null) };
                self.seen.push(event.clone());
                return Some(event);
            }
        }
    }

    /// Reads until an event satisfies `wanted`.
    ///
    /// # Panics
    /// If none arrives in time; prints the events that were seen.
    pub async fn until(&mut self, what: &str, mut wanted: impl FnMut(&Event) -> bool) -> Event {
        let found = timeout(TEST_TIMEOUT, async {
            loop {
                match self.next().await {
                    Some(event) if wanted(&event) => return Some(event),
                    Some(_) => {}
                    None => return None,
                }
            }
        });
        match found.await {
            Ok(Some(event)) => event,
            _ => panic!("waited for {what}; seen: {:#?}", self.seen),
        }
    }
}
