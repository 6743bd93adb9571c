//! A very cheap reader of the live stream: a thousand of them leave the machine to the server.
//!
//! Plain HTTP/1.1 over a socket. The server writes each message as one chunk. Only the first bytes of a chunk are
//! examined, which hold the cursor and the time of the change.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::histogram::Histogram;

/// How long a stream may take to open.
const FRAME_TIMEOUT: Duration = Duration::from_secs(20);
/// Bytes of each chunk that are kept: the lines before the data, and its first field.
const HEAD: usize = 192;
/// Bytes per read.
const BUFFER: usize = 16 << 10;

/// An open stream.
pub struct Stream {
    socket: TcpStream,
    chunks: Chunks,
    buffer: Vec<u8>,
    seen: Seen,
}

/// What arrived through a stream.
#[derive(Default)]
pub struct Seen {
    /// Frames of changes since the measurement began.
    pub frames: u64,
    /// Frames that are missing, judging by the numbers of those received.
    pub gaps: u64,
    /// How often the server asked to read again.
    pub resets: u64,
    pub bytes: u64,
    /// Time from the change to the end of its frame.
    pub latency: Histogram,
    last: Option<u64>,
}

impl Stream {
    /// Subscribes to the frames of all runs and waits for the first message.
    ///
    /// # Errors
    /// The server does not answer with a stream.
    pub async fn open(address: SocketAddr, token: &str) -> Result<Self> {
        timeout(FRAME_TIMEOUT, Self::connect(address, token)).await.context("a stream does not open")?
    }

    async fn connect(address: SocketAddr, token: &str) -> Result<Self> {
        let mut socket = TcpStream::connect(address).await.context("cannot connect")?;
        socket.set_nodelay(true)?;
        let request = format!(
            "GET /live?scope=runs HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
             Accept: text/event-stream\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).await?;
        let mut head = Vec::new();
        let end = loop {
            if let Some(at) = head.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            ensure!(head.len() < BUFFER, "the answer's head does not end");
            ensure!(socket.read_buf(&mut head).await? > 0, "the stream ended in its head");
        };
        let text = String::from_utf8_lossy(&head[..end]).to_ascii_lowercase();
        ensure!(text.starts_with("http/1.1 200 "), "no stream: {}", text.trim_end());
        ensure!(text.contains("transfer-encoding: chunked"), "the stream is not chunked");
        let buffer = vec![0; BUFFER];
        let mut stream = Self { socket, chunks: Chunks::default(), buffer, seen: Seen::default() };
        let mut messages = 0;
        stream.chunks.feed(&head[end..], |_| messages += 1)?;
        while messages == 0 {
            let n = stream.socket.read(&mut stream.buffer).await?;
            ensure!(n > 0, "the stream ended before its first message");
            stream.chunks.feed(&stream.buffer[..n], |_| messages += 1)?;
        }
        Ok(stream)
    }

    /// Reads until something arrives, and processes it. Cancel-safe.
    ///
    /// # Errors
    /// The stream ended or is broken.
    pub async fn read(&mut self, since_ms: &AtomicI64) -> Result<()> {
        let n = self.socket.read(&mut self.buffer).await.context("reading a stream")?;
        ensure!(n > 0, "the server ended a stream");
        let (now, since_ms) = (wall_clock(), since_ms.load(Ordering::Relaxed));
        let seen = &mut self.seen;
        seen.bytes += n as u64;
        self.chunks.feed(&self.buffer[..n], |head| seen.take(head, now, since_ms))
    }

    pub fn into_seen(self) -> Seen {
        self.seen
    }
}

impl Seen {
    fn take(&mut self, head: &[u8], now: Duration, since_ms: i64) {
        if after(head, b"\nevent: reset\n").is_some() {
            self.resets += 1;
            self.last = None; // After a reset, missing frames are expected.
        }
        if after(head, b"\nevent: frame\n").is_none() {
            return;
        }
        let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let number = line.rsplit(|byte| *byte == b'-').next().and_then(digits);
        if let (Some(last), Some(number)) = (self.last, number) {
            self.gaps += number.saturating_sub(last + 1);
        }
        self.last = number;
        let changed = after(head, b"\"changed_at\":").and_then(digits);
        let Some(changed) = changed else { return };
        if i64::try_from(changed).is_ok_and(|changed| changed >= since_ms) {
            self.frames += 1;
            self.latency.record(now.saturating_sub(Duration::from_millis(changed)));
        }
    }
}

/// Time since 1970. The database runs on the same machine, so its clock is the same.
pub fn wall_clock() -> Duration {
    std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The bytes after the first occurrence of `mark`.
fn after<'a>(bytes: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    let at = bytes.windows(mark.len()).position(|part| part == mark)?;
    Some(&bytes[at + mark.len()..])
}

/// The number at the beginning of `bytes`.
fn digits(bytes: &[u8]) -> Option<u64> {
    let end = bytes.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(bytes.len());
    std::str::from_utf8(&bytes[..end]).ok()?.parse().ok()
}

/// Splits the stream into chunks, however the socket cuts it.
struct Chunks {
    state: State,
    head: Vec<u8>,
}

enum State {
    /// In the line with the size.
    Size(usize),
    /// This many bytes of the chunk are still missing.
    Body(usize),
    /// In the line break after a chunk.
    Close,
}

impl Default for Chunks {
    fn default() -> Self {
        Self { state: State::Size(0), head: Vec::with_capacity(HEAD) }
    }
}

impl Chunks {
    /// Passes the first bytes of each completed chunk to `message`.
    ///
    /// # Errors
    /// That was the last chunk, or the data is not chunked.
    fn feed(&mut self, mut bytes: &[u8], mut message: impl FnMut(&[u8])) -> Result<()> {
        while let Some((&first, rest)) = bytes.split_first() {
            match self.state {
                State::Size(size) => {
                    bytes = rest;
                    match (first, char::from(first).to_digit(16)) {
                        (_, Some(digit)) if size < 1 << 40 => {
                            self.state = State::Size(size * 16 + digit as usize);
                        }
                        (b'\r', _) => {}
                        (b'\n', _) if size > 0 => {
                            self.state = State::Body(size);
                            self.head.clear();
                        }
                        (b'\n', _) => bail!("the server ended a stream"),
                        _ => bail!("a stream is not in chunks"),
                    }
                }
                State::Body(left) => {
                    let taken = left.min(bytes.len());
                    let wanted = HEAD.saturating_sub(self.head.len()).min(taken);
                    self.head.extend_from_slice(&bytes[..wanted]);
                    bytes = &bytes[taken..];
                    self.state = State::Body(left - taken);
                    if left == taken {
                        message(&self.head);
                        self.state = State::Close;
                    }
                }
                State::Close => {
                    bytes = rest;
                    if first == b'\n' {
                        self.state = State::Size(0);
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(text: &str) -> String {
        format!("{:x}\r\n{text}\r\n", text.len())
    }

    fn frame(number: u64, at: u64) -> String {
        let data = format!("{{\"changed_at\":{at},\"runs\":[{}]}}", "\"x\",".repeat(100));
        chunk(&format!("id: fe12-{number}\nevent: frame\ndata: {data}\n\n"))
    }

    #[test]
    fn frames_are_found_however_the_bytes_are_cut() {
        let hello = chunk("retry: 1000\nid: fe12-1\nevent: hello\ndata: {}\n\n");
        let text = [hello, frame(2, 1_000), chunk(": still here\n\n"), frame(5, 2_000)].concat();
        for size in [1, 2, 7, 190, 4096] {
            let (mut chunks, mut seen) = (Chunks::default(), Seen::default());

            for part in text.as_bytes().chunks(size) {
                let took = chunks.feed(part, |head| seen.take(head, Duration::from_secs(3), 1_500));
                took.expect("these are chunks");
            }

            assert_eq!((seen.frames, seen.gaps, seen.latency.count()), (1, 2, 1), "{size}");
            assert!((seen.latency.max_ms() - 1000.0).abs() < 10.0);
        }
    }

    #[test]
    fn the_last_chunk_is_the_end() {
        assert!(Chunks::default().feed(b"0\r\n\r\n", |_| ()).is_err());
        assert!(Chunks::default().feed(b"<html>", |_| ()).is_err());
    }

    #[test]
    fn a_gap_before_a_reset_is_not_counted() {
        let reset = chunk("id: fe12-9\nevent: reset\ndata: {}\n\n");
        let text = [frame(2, 0), reset, frame(10, 0)].concat();
        let (mut chunks, mut seen) = (Chunks::default(), Seen::default());

        let took = chunks.feed(text.as_bytes(), |head| seen.take(head, Duration::ZERO, 0));

        assert!(took.is_ok());
        assert_eq!((seen.frames, seen.resets, seen.gaps), (2, 1, 0));
    }
}
