//! One persistent HTTP connection of a reporting client. It is not a browser's and follows no redirects.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// As long as real reporting clients wait.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection that is opened on demand, and again after it broke.
pub struct Connection {
    server: SocketAddr,
    host: String,
    authorization: String,
    open: Option<SendRequest<Full<Bytes>>>,
}

impl Connection {
    pub fn new(server: SocketAddr, token: &str) -> Self {
        Self { server, host: server.to_string(), authorization: format!("Bearer {token}"), open: None }
    }

    /// Posts JSON and waits for the answer's text.
    ///
    /// # Errors
    /// No connection, no answer in time, or an answer other than 200.
    pub async fn post(&mut self, path: &str, body: String) -> Result<String> {
        timeout(REQUEST_TIMEOUT, self.exchange(path, body)).await.context("no answer in time")?
    }

    async fn exchange(&mut self, path: &str, body: String) -> Result<String> {
        // Only a connection that has answered is reused.
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.connect().await?,
        };
        if open.ready().await.is_err() {
            open = self.connect().await?; // The server has closed it in the meantime.
        }
        let request = Request::post(path)
            .header("host", &self.host)
            .header("user-agent", "python-httpx/0.28.1")
            .header("accept", "*/*")
            .header("content-type", "application/json")
            .header("authorization", &self.authorization)
            .body(Full::from(body))?;
        let answer = open.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        let text = String::from_utf8_lossy(&body).into_owned();
        ensure!(status == StatusCode::OK, "{status}: {text}");
        self.open = Some(open);
        Ok(text)
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect(self.server).await?;
        stream.set_nodelay(true)?;
        let (open, driver) = http1::handshake(TokioIo::new(stream)).await?;
        // Ends with the connection; the waiting request gets its errors.
        tokio::spawn(async move {
            let _ = driver.await;
        });
        Ok(open)
    }
}
