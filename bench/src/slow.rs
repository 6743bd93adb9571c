//! Readers of the live stream that take one byte a second, as over a very bad line.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::server::Server;

/// Size of the receive buffer of an unread stream, in bytes; the system doubles it.
const KEPT: u32 = 4096;
/// How long reading the buffered rest may take at the end.
const SLOW_TIMEOUT: Duration = Duration::from_secs(30);

/// Slow readers in progress.
pub struct Slow {
    readers: JoinSet<Result<bool>>,
    stop: watch::Sender<bool>,
}

impl Slow {
    pub async fn open(server: &Server, count: u16) -> Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let mut readers = JoinSet::new();
        for _ in 0..count {
            let socket = connect(server.address(), server.token()).await?;
            readers.spawn(read(socket, stopped.clone()));
        }
        Ok(Self { readers, stop })
    }

    /// Reads the rest of each stream; returns how many got a reset.
    pub async fn resets(mut self) -> u16 {
        let _ = self.stop.send(true);
        let mut resets = 0;
        while let Some(done) = self.readers.join_next().await {
            resets += u16::from(matches!(done, Ok(Ok(true))));
        }
        resets
    }
}

async fn connect(address: SocketAddr, token: &str) -> Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_recv_buffer_size(KEPT)?;
    let mut stream = socket.connect(address).await.context("cannot connect")?;
    let request = format!(
        "GET /live?scope=runs HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
         Accept: text/event-stream\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut start = [0; 12];
    stream.read_exact(&mut start).await?;
    ensure!(start.ends_with(b" 200"), "no stream: {}", String::from_utf8_lossy(&start));
    Ok(stream)
}

/// Reads one byte a second until stopped, then everything; returns whether there was a reset.
async fn read(mut stream: TcpStream, mut stopped: watch::Receiver<bool>) -> Result<bool> {
    let mut byte = [0; 1];
    loop {
        let ended = tokio::select! {
            outcome = stopped.changed() => outcome.is_err() || *stopped.borrow(),
            () = sleep(Duration::from_secs(1)) => false,
        };
        if ended {
            break;
        }
        stream.read_exact(&mut byte).await?;
    }
    let rest = async {
        let mut held = Vec::new();
        let mut buffer = vec![0; 64 << 10];
        loop {
            let n = stream.read(&mut buffer).await?;
            held.extend_from_slice(&buffer[..n]);
            if held.windows(12).any(|part| part == b"event: reset") {
                return Ok(true);
            }
            if n == 0 {
                return Ok(false);
            }
            held.drain(..held.len().saturating_sub(12));
        }
    };
    timeout(SLOW_TIMEOUT, rest).await.context("nothing came any more")?
}
