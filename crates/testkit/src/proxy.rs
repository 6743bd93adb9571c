//! A proxy to PostgreSQL whose connections can be cut, made deaf or stalled while they are in use, as networks and poolers do.

use std::path::{Path, PathBuf};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        UnixListener, UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// What the proxy does with traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    Whole,
    /// Notifications are dropped, as behind a pooler that uses another connection for each transaction.
    Deaf,
    /// Nothing is forwarded, without any error.
    Stalled,
}

/// The proxy. Its connections end when it is dropped.
pub struct Proxy {
    dir: PathBuf,
    line: watch::Sender<Line>,
    cut: watch::Sender<u64>,
    open: watch::Sender<bool>,
    /// How many connections were accepted.
    made: watch::Receiver<usize>,
    accepting: JoinHandle<()>,
}

/// The port number in the name of its socket.
pub(crate) const PORT: u16 = 5432;
/// The type of a notification in a server's message.
const NOTIFICATION: u8 = b'A';

impl Proxy {
    /// A proxy to a server's socket.
    pub async fn to(server: PathBuf) -> Self {
        let dir = std::env::temp_dir().join(format!("flowo-line-{}", uuid::Uuid::new_v4().simple()));
        tokio::fs::create_dir(&dir).await.expect("a directory");
        let listener = UnixListener::bind(dir.join(format!(".s.PGSQL.{PORT}"))).expect("a socket");
        let ((cut, cuts), (open, opened)) = (watch::channel(0), watch::channel(true));
        let (line, state) = watch::channel(Line::Whole);
        let (count, made) = watch::channel(0);
        let accepting = tokio::spawn(async move {
            loop {
                let Ok((client, _)) = listener.accept().await else { return };
                count.send_modify(|made| *made += 1);
                if !*opened.borrow() {
                    continue; // Dropped, as by a server that is shutting down.
                }
                let Ok(server) = UnixStream::connect(&server).await else { continue };
                let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
                let (state, mut cuts) = (state.clone(), cuts.clone());
                cuts.borrow_and_update();
                if !*opened.borrow() {
                    continue; // The cut happened while this connection was being made.
                }
                tokio::spawn(async move {
                    tokio::select! {
                        () = forward(from_client, to_server, state.clone()) => {}
                        () = backward(from_server, to_client, state) => {}
                        _ = cuts.changed() => {}
                    }
                });
            }
        });
        Self { dir, line, cut, open, made, accepting }
    }

    /// The directory of its socket.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Changes what the proxy does from now on.
    pub fn set(&self, line: Line) {
        self.line.send_replace(line);
    }

    /// Waits until so many further connections were made.
    pub async fn connected(&self, more: usize) {
        let wanted = *self.made.borrow() + more;
        let _ = self.made.clone().wait_for(|made| *made >= wanted).await;
    }

    /// Cuts every connection; new ones are accepted.
    pub fn cut(&self) {
        self.cut.send_modify(|n| *n += 1);
    }

    /// Cuts every connection and accepts no new one until it is opened again.
    pub fn close(&self) {
        let _ = self.open.send(false);
        self.cut();
    }

    pub fn open(&self) {
        let _ = self.open.send(true);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// Waits while the line is stalled.
async fn stalled(state: &mut watch::Receiver<Line>) {
    let _ = state.wait_for(|line| *line != Line::Stalled).await; // An error means that the proxy is gone.
}

async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<Line>) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        stalled(&mut state).await;
        if to.write_all(&buffer[..n]).await.is_err() {
            return;
        }
    }
}

/// Forwards the server's messages one by one.
async fn backward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<Line>) {
    let mut buffer = Vec::new();
    let mut first = true;
    while let Ok(1..) = from.read_buf(&mut buffer).await {
        stalled(&mut state).await;
        if std::mem::take(&mut first) && matches!(buffer.first(), Some(b'S' | b'N')) && buffer.len() == 1 {
            // The answer to a request for TLS is a single letter.
            if to.write_all(&buffer).await.is_err() {
                return;
            }
            buffer.clear();
            continue;
        }
        let mut out = Vec::with_capacity(buffer.len());
        while let Some(length) = whole(&buffer) {
            let message: Vec<u8> = buffer.drain(..length).collect();
            if message[0] != NOTIFICATION || *state.borrow() != Line::Deaf {
                out.extend(message);
            }
        }
        if to.write_all(&out).await.is_err() {
            return;
        }
    }
}

/// The length of the first message in bytes, if it is complete: a letter, and a length that counts itself.
fn whole(buffer: &[u8]) -> Option<usize> {
    let length: [u8; 4] = buffer.get(1..5)?.try_into().ok()?;
    let length = 1 + u32::from_be_bytes(length) as usize;
    (buffer.len() >= length).then_some(length)
}
