//! A reader of a live stream, like a page.

use super::TEST_TIMEOUT;
use futures::StreamExt as _;
use serde_json::Value;
use std::pin::Pin;
use tokio::time::timeout;

/// One event of the stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub name: String,
    pub id: Option<String>,
    pub data: Value,
}

type Chunks = Pin<Box<dyn futures::Stream<Item = Vec<u8>> + Send>>;

/// An open stream and all events seen on it.
pub struct Tab {
    chunks: Chunks,
    buffer: String,
    pub seen: Vec<Event>,
}

impl Tab {
    /// Reads the body of a response.
    pub fn new(response: reqwest::Response) -> Self {
        let chunks = response.bytes_stream().filter_map(|chunk| async { chunk.ok().map(|bytes| bytes.to_vec()) });
        Self::from_chunks(Box::pin(chunks))
    }

    /// Reads any stream of bytes.
    pub fn from_chunks(chunks: Chunks) -> Self {
        Self { chunks, buffer: String::new(), seen: Vec::new() }
    }

    /// The next event; `None` when the stream has ended.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.buffer.find("\n\n") {
                let text: String = self.buffer.drain(..end + 2).collect();
                if let Some(event) = parse(&text) {
                    self.seen.push(event.clone());
                    return Some(event);
                }
                continue;
            }
            let chunk = self.chunks.next().await?;
            self.buffer.push_str(&String::from_utf8_lossy(&chunk));
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

fn parse(text: &str) -> Option<Event> {
    let (mut name, mut id, mut data) = ("message".to_owned(), None, String::new());
    for line in text.lines() {
        match line.split_once(": ") {
            Some(("event", value)) => value.clone_into(&mut name),
            Some(("id", value)) => id = Some(value.to_owned()),
            Some(("data", value)) => data.push_str(value),
            _ => {}
        }
    }
    (!data.is_empty()).then(|| Event { name, id, data: serde_json::from_str(&data).unwrap_or(Value::Null) })
}
