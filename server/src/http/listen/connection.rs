//! One connection and its state, as seen from its socket, its requests and its answers.

use super::{Seat, Shared};
use crate::http::access::Peer;
use axum::{
    Router,
    body::{Body, HttpBody},
    extract::ConnectInfo,
};
use bytes::Bytes;
use http::{Request, Response};
use hyper::{
    body::{Frame, Incoming, SizeHint},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use std::{
    convert::Infallible,
    io,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    task::AbortHandle,
};
use tokio_util::sync::CancellationToken;
use tower::Service as _;

/// Bytes for a request's head, and for one read or write.
const BUFFER: usize = 128 << 10;

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum State {
    /// Nothing has arrived yet.
    New,
    /// The head of a request is arriving.
    Head,
    /// The body of a request is arriving.
    Body,
    /// A request is complete and is being answered.
    Busy,
    /// The request was answered; another one may follow.
    Kept,
    /// The connection is to end.
    Closed,
}

impl State {
    const ALL: [Self; 6] = [Self::New, Self::Head, Self::Body, Self::Busy, Self::Kept, Self::Closed];

    /// Whether the connection takes up a place without a complete request.
    pub const fn waits(self) -> bool {
        matches!(self, Self::New | Self::Head | Self::Body | Self::Kept)
    }
}

/// A connection as the rest of the server sees it.
pub(super) struct Connection {
    shared: Arc<Shared>,
    /// How many connections of the same network wait.
    of_network: Arc<AtomicUsize>,
    state: AtomicU8,
    since: AtomicU64,
    /// Since when the client has not been reading an answer; 0 if it reads.
    stalled: AtomicU64,
    task: OnceLock<AbortHandle>,
}

impl Connection {
    pub fn new(shared: Arc<Shared>, of_network: Arc<AtomicUsize>) -> Self {
        let since = AtomicU64::new(shared.now());
        shared.waiting.fetch_add(1, Ordering::Relaxed);
        of_network.fetch_add(1, Ordering::Relaxed);
        let state = AtomicU8::new(State::New as u8);
        Self { shared, of_network, state, since, stalled: AtomicU64::new(0), task: OnceLock::new() }
    }

    pub fn is_driven_by(&self, task: AbortHandle) {
        let _ = self.task.set(task);
        if self.now().0 == State::Closed {
            self.abort();
        }
    }

    pub fn is_of(&self, network: &Arc<AtomicUsize>) -> bool {
        Arc::ptr_eq(&self.of_network, network)
    }

    /// The state, and since when.
    pub fn now(&self) -> (State, u64) {
        (State::ALL[usize::from(self.state.load(Ordering::Acquire))], self.since.load(Ordering::Relaxed))
    }

    pub fn stalled_since(&self) -> Option<u64> {
        Some(self.stalled.load(Ordering::Relaxed)).filter(|since| *since > 0)
    }

    /// Ends the connection if it waits, and returns whether it did. A request that has become complete is still answered.
    pub fn close(&self) -> bool {
        let done = self.enter(State::waits, State::Closed);
        if done {
            self.abort();
        }
        done
    }

    /// Ends the connection in any state.
    pub fn cut(&self) -> bool {
        let done = self.enter(|state| state != State::Closed, State::Closed);
        if done {
            self.abort();
        }
        done
    }

    fn abort(&self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }

    /// Moves to another state if `from` accepts the current one; returns whether it did.
    fn enter(&self, from: impl Fn(State) -> bool, to: State) -> bool {
        let moved =
            self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, |state| from(State::ALL[usize::from(state)]).then_some(to as u8));
        let Ok(was) = moved else { return false };
        self.since.store(self.shared.now(), Ordering::Relaxed);
        match (State::ALL[usize::from(was)].waits(), to.waits()) {
            (true, false) => {
                self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
                self.of_network.fetch_sub(1, Ordering::Relaxed);
            }
            (false, true) => {
                self.shared.waiting.fetch_add(1, Ordering::Relaxed);
                self.of_network.fetch_add(1, Ordering::Relaxed);
            }
            _ => {}
        }
        true
    }

    fn heard(&self) {
        if matches!(self.now().0, State::New | State::Kept) {
            self.enter(|state| matches!(state, State::New | State::Kept), State::Head);
        }
    }

    fn stalls(&self, stalls: bool) {
        let was = self.stalled.load(Ordering::Relaxed) > 0;
        if stalls != was {
            self.stalled.store(if stalls { self.shared.now().max(1) } else { 0 }, Ordering::Relaxed);
        }
    }
}

/// Answers the requests of a connection until it ends, or until `stop` and the answer in progress.
pub(super) async fn drive(stream: TcpStream, peer: Peer, seat: Seat, router: Router, stop: CancellationToken) {
    // A silent connection costs no more than this.
    tokio::select! {
        readable = stream.readable() => if readable.is_err() { return },
        () = stop.cancelled() => return,
    }
    let connection = &seat.connection;
    let service = service_fn(|request| answer(request, peer, router.clone(), Arc::clone(connection)));
    let io = TokioIo::new(Wire { stream, connection: Arc::clone(connection) });
    let mut http = http1::Builder::new();
    // Hyper's own timeout would count the time between two requests as well.
    http.header_read_timeout(None).max_buf_size(BUFFER);
    let mut serving = std::pin::pin!(http.serve_connection(io, service));
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::trace!(%error, "A connection broke");
    }
}

async fn answer(
    request: Request<Incoming>,
    peer: Peer,
    mut router: Router,
    connection: Arc<Connection>,
) -> Result<Response<Answer>, Infallible> {
    let is_whole = request.body().is_end_stream();
    if !connection.enter(|state| state != State::Closed, if is_whole { State::Busy } else { State::Body }) {
        std::future::pending::<()>().await; // The connection was closed at this very moment.
    }
    let turn = Turn(Arc::clone(&connection));
    let mut request = request.map(|body| if is_whole { Body::empty() } else { Body::new(Arriving { body, connection }) });
    request.extensions_mut().insert(ConnectInfo(peer));
    let response = router.call(request).await?;
    Ok(response.map(|body| Answer { body, _turn: turn }))
}

/// Lasts from a request to the last byte of its answer.
struct Turn(Arc<Connection>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.enter(|state| matches!(state, State::Busy | State::Body), State::Kept);
    }
}

/// A request body that is arriving.
struct Arriving {
    body: Incoming,
    connection: Arc<Connection>,
}

impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none() || self.body.is_end_stream() {
            self.connection.enter(|state| state == State::Body, State::Busy);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        // The rest of the body is not needed, but the answer is.
        self.connection.enter(|state| state == State::Body, State::Busy);
    }
}

/// An answer being sent.
struct Answer {
    body: Body,
    _turn: Turn,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The socket; it notices when data arrives and when the client stops reading.
struct Wire {
    stream: TcpStream,
    connection: Arc<Connection>,
}

impl Wire {
    fn wrote<T>(&self, outcome: Poll<T>) -> Poll<T> {
        self.connection.stalls(outcome.is_pending());
        outcome
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.connection.heard();
        }
        outcome
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(outcome)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, parts: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.wrote(outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
