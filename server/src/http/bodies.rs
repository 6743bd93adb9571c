//! Request bodies: how large they may be, how fast they must arrive, and how many bytes of them are in memory.
//!
//! Nearly all are small and never wait here. A large body reserves memory from two budgets before it is read, its
//! sender's and then the server's, and keeps the reservation until it is answered. This file does not read the content
//! of bodies, except to look for U+0000, which none of our texts contain and PostgreSQL cannot store.

use crate::http::{access::Peer, problem::Problem};
use app::error::AppError;
use axum::{
    Json,
    body::{Body, BodyDataStream, HttpBody as _},
    extract::{ConnectInfo, MatchedPath, Request, State},
    http::{HeaderMap, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use futures::{FutureExt as _, StreamExt as _};
use ingest::{Sender, protocol};
use memchr::memmem;
use model::{UserId, clock::Clock, nul};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// Bodies up to this size need no reservation: their number is limited by that of waiting connections.
const SMALL: usize = 64 << 10;
/// The limit on most routes.
const USUAL: usize = 1 << 20;
/// The limit for reports: a start carries the source of every rule, and a target rule names all its inputs.
const LARGE: usize = 64 << 20;
/// KiB of large bodies in memory at once.
const ALL_KIB: usize = 128 << 10;
/// KiB of large bodies of one sender: one of the largest size always fits, and nobody takes the whole budget.
const SENDER_KIB: usize = (64 << 10) + 1024;
/// A large body must send at least this many bytes in each [`Patience::large`].
const STEP: usize = 2560 << 10;
/// How long the rest of a refused body may take to drain.
const PASSING: Duration = Duration::from_secs(2);

/// Timeouts.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// For a reservation. Reporting clients wait ten seconds for their answer.
    room: Duration,
    /// For a whole small body.
    small: Duration,
    /// For each [`STEP`] of a large body: others wait for its memory.
    large: Duration,
}

const BODY_TIMEOUTS: Patience = Patience { room: Duration::from_secs(5), small: Duration::from_secs(30), large: Duration::from_secs(10) };

/// The budget for large bodies. Cheap to clone.
#[derive(Clone)]
pub struct Budget(Arc<Shared>);

struct Shared {
    patience: Patience,
    clock: Clock,
    all: Arc<Semaphore>,
    senders: Mutex<HashMap<Who, Weak<Semaphore>>>,
}

/// Who sent a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Who {
    User(UserId),
    Address(IpAddr),
    Nobody,
}

/// A reservation in the sender's budget and in the server's.
type Room = (OwnedSemaphorePermit, OwnedSemaphorePermit);

impl Budget {
    pub fn new(clock: Clock) -> Self {
        Self::with(BODY_TIMEOUTS, clock)
    }

    fn with(patience: Patience, clock: Clock) -> Self {
        Self(Arc::new(Shared { patience, clock, all: Arc::new(Semaphore::new(ALL_KIB)), senders: Mutex::default() }))
    }

    /// Reserves `bytes`; `None` if the budgets stay full until the timeout.
    async fn room(&self, who: Who, bytes: usize) -> Option<Room> {
        let kib = u32::try_from(bytes.div_ceil(1024)).ok()?;
        let own = self.of(who);
        let both = async { Some((own.acquire_many_owned(kib).await.ok()?, Arc::clone(&self.0.all).acquire_many_owned(kib).await.ok()?)) };
        timeout(self.0.patience.room, both).await.ok().flatten()
    }

    fn of(&self, who: Who) -> Arc<Semaphore> {
        let mut senders = self.0.senders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = senders.get(&who).and_then(Weak::upgrade) {
            return own;
        }
        senders.retain(|_, own| own.strong_count() > 0);
        let own = Arc::new(Semaphore::new(SENDER_KIB));
        senders.insert(who, Arc::downgrade(&own));
        own
    }
}

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    TooLarge(usize),
    TooSlow,
    NoRoom,
    Broken,
    Nul,
}

/// Reads the body of a request, within its limits, before the handler runs. Access is already checked, so the sender is known.
pub async fn take(State(budget): State<Budget>, request: Request, next: Next) -> Response {
    let pattern = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let client = protocol::route(None, protocol::without_token(pattern)).filter(|route| route.refuse.is_some());
    let limit = if client.is_some_and(|route| route.is_large) { LARGE } else { USUAL };
    let door = client.and_then(|route| route.refuse);
    if door.is_none() && has_nul_in(request.uri()) {
        return refuse(door, request.uri(), Refusal::Nul);
    }
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let who = sender(&request);
    let (parts, body) = request.into_parts();
    match read(body, limit, &budget, who).await {
        Ok((body, _)) if door.is_none() && has_nul(&parts.headers, &body) => refuse(door, &parts.uri, Refusal::Nul),
        // The reservation lasts until the request is answered.
        Ok((body, _room)) => next.run(Request::from_parts(parts, Body::from(body))).await,
        Err(refusal) => refuse(door, &parts.uri, refusal),
    }
}

fn sender(request: &Request) -> Who {
    let extensions = request.extensions();
    if let Some(id) = extensions.get::<Sender>().and_then(|sender| sender.user) {
        return Who::User(id);
    }
    extensions.get::<ConnectInfo<Peer>>().map_or(Who::Nobody, |peer| Who::Address(peer.0.0.ip()))
}

/// Reads a whole body and returns it with its reservation.
async fn read(body: Body, limit: usize, budget: &Budget, who: Who) -> Result<(Bytes, Option<Room>), Refusal> {
    let declared = body.size_hint().exact().map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    let mut chunks = body.into_data_stream();
    if declared.is_some_and(|bytes| bytes > limit) {
        return refused(chunks, Refusal::TooLarge(limit)).await;
    }
    let mut room = None;
    if let Some(bytes) = declared.filter(|bytes| *bytes > SMALL) {
        room = budget.room(who, bytes).await;
        if room.is_none() {
            return refused(chunks, Refusal::NoRoom).await;
        }
    }
    let (patience, clock) = (budget.0.patience, &budget.0.clock);
    let (mut since, mut step) = (clock.instant(), 0);
    let mut whole = BytesMut::new();
    loop {
        let within = if room.is_some() { patience.large } else { patience.small };
        // A small body mostly arrives together with its head; then no timer is set.
        let chunk = match chunks.next().now_or_never() {
            Some(chunk) => chunk,
            None => timeout(clock.until(since + within), chunks.next()).await.map_err(|_| Refusal::TooSlow)?,
        };
        let Some(chunk) = chunk else { return Ok((whole.freeze(), room)) };
        let chunk = chunk.map_err(|_| Refusal::Broken)?;
        if whole.is_empty() && Some(chunk.len()) == declared {
            return Ok((chunk, room)); // The usual case: the body in one piece, not copied.
        }
        let length = whole.len() + chunk.len();
        if length > limit {
            return refused(chunks, Refusal::TooLarge(limit)).await;
        }
        if length > SMALL && room.is_none() {
            room = budget.room(who, limit).await; // The body did not declare its size.
            if room.is_none() {
                return refused(chunks, Refusal::NoRoom).await;
            }
        }
        step += chunk.len();
        if step >= STEP {
            (since, step) = (clock.instant(), 0); // A fast step does not earn time for a slow one.
        }
        if whole.is_empty() {
            whole.reserve(declared.unwrap_or(length));
        }
        whole.extend_from_slice(&chunk);
    }
}

/// Drains the rest of a body: most clients read the refusal only after they have sent everything.
async fn refused<T>(mut rest: BodyDataStream, why: Refusal) -> Result<T, Refusal> {
    let _ = timeout(PASSING, async { while let Some(Ok(_)) = rest.next().await {} }).await;
    Err(why)
}

fn has_nul_in(uri: &Uri) -> bool {
    uri.path_and_query().is_some_and(|text| memmem::find(text.as_str().as_bytes(), b"%00").is_some())
}

/// Whether a form or a JSON body contains U+0000.
fn has_nul(headers: &HeaderMap, body: &[u8]) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map_or(&b""[..], |kind| kind.as_bytes());
    if kind.starts_with(b"application/x-www-form-urlencoded") {
        return body.contains(&0) || memmem::find(body, b"%00").is_some();
    }
    body.contains(&0) || memmem::find_iter(body, br"\u0000").any(|at| !nul::is_escaped(body, at))
}

/// The refusal in the form of the client protocol, or else in our own.
fn refuse(client: Option<fn(&protocol::Refusal) -> Response>, uri: &Uri, why: Refusal) -> Response {
    let (status, text) = match why {
        Refusal::TooLarge(limit) => {
            (StatusCode::PAYLOAD_TOO_LARGE, format!("The request body is larger than the limit of {} MiB.", limit >> 20))
        }
        Refusal::TooSlow => (StatusCode::REQUEST_TIMEOUT, "The request body arrived too slowly.".to_owned()),
        Refusal::NoRoom => (StatusCode::SERVICE_UNAVAILABLE, "Too many large requests are on their way. Try again in a moment.".to_owned()),
        Refusal::Broken => (StatusCode::BAD_REQUEST, "The request body was cut off.".to_owned()),
        Refusal::Nul => (StatusCode::BAD_REQUEST, "The request contains the character U+0000, which is not allowed.".to_owned()),
    };
    metrics::counter!("flowo_bodies_refused_total", "status" => status.as_str().to_owned()).increment(1);
    if let Some(client) = client {
        return client(&if why == Refusal::NoRoom { protocol::Refusal::NoRoom } else { protocol::Refusal::Body(status, text) });
    }
    if uri.path().starts_with("/_fn/") {
        let mut response = (status, Json(AppError::Invalid { field: "request".into(), rule: text })).into_response();
        if why == Refusal::NoRoom {
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("2"));
        }
        return response;
    }
    let problem = Problem::new(status, text);
    if why == Refusal::NoRoom { problem.retry_after(2) } else { problem }.into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::stream;
    use std::convert::Infallible;
    use store::{Loop, clock::system};
    use tokio_util::sync::CancellationToken;

    const WHO: Who = Who::User(UserId(1));
    const BRIEF: Patience =
        Patience { room: Duration::from_millis(20), small: Duration::from_millis(100), large: Duration::from_millis(200) };

    /// An endless stream that yields `bytes` bytes after each pause.
    fn every(pause: Duration, bytes: usize) -> impl futures::Stream<Item = Result<Vec<u8>, Infallible>> + Send + 'static {
        stream::unfold(Loop::new("A sender", pause, CancellationToken::new()), move |mut ticks| async move {
            ticks.next().await;
            Some((Ok(vec![0; bytes]), ticks))
        })
    }

    fn chunked(parts: impl IntoIterator<Item = Vec<u8>, IntoIter: Send + 'static>) -> Body {
        Body::from_stream(stream::iter(parts.into_iter().map(Ok::<_, Infallible>)))
    }

    async fn length(body: Body, budget: &Budget) -> Result<usize, Refusal> {
        read(body, LARGE, budget, WHO).await.map(|(body, _)| body.len())
    }

    #[tokio::test]
    async fn bodies_are_read_whole_up_to_their_limit() {
        let budget = Budget::new(system());
        assert_eq!(length(Body::from("abc"), &budget).await, Ok(3));
        assert_eq!(length(chunked(vec![vec![0; SMALL]; 3]), &budget).await, Ok(3 * SMALL));
        assert_eq!(length(chunked(vec![vec![0; 1 << 20]; 64]), &budget).await, Ok(LARGE));
        assert_eq!(length(chunked(vec![vec![0; 1 << 20]; 65]), &budget).await, Err(Refusal::TooLarge(LARGE)));
        assert_eq!(length(Body::from(vec![0; LARGE + 1]), &budget).await, Err(Refusal::TooLarge(LARGE)));
        assert_eq!(budget.0.all.available_permits(), ALL_KIB, "what is answered needs no room");
    }

    #[tokio::test]
    async fn a_body_that_stops_or_trickles_is_given_up() {
        let budget = Budget::with(BRIEF, system());
        for first in [1, SMALL, 32 << 20] {
            for then in [every(BRIEF.small / 10, 1).left_stream(), stream::pending().right_stream()] {
                let slow = Body::from_stream(stream::iter([Ok::<_, Infallible>(vec![0; first])]).chain(then));
                let outcome = timeout(Duration::from_secs(20), length(slow, &budget)).await;
                assert_eq!(outcome, Ok(Err(Refusal::TooSlow)), "{first} bytes at once, then few or none");
            }
        }
    }

    #[tokio::test]
    async fn a_large_body_that_keeps_its_pace_may_take_longer() {
        let steady = every(BRIEF.large / 16, 1 << 20).take(64);
        assert_eq!(length(Body::from_stream(steady), &Budget::with(BRIEF, system())).await, Ok(LARGE));
    }

    #[tokio::test]
    async fn one_sender_cannot_take_the_room_of_all_and_small_bodies_need_none() {
        let budget = Budget::with(BRIEF, system());
        let held = budget.room(WHO, LARGE).await;
        assert!(held.is_some() && budget.room(WHO, 2 * USUAL).await.is_none());
        assert_eq!(length(Body::from(vec![0; LARGE]), &budget).await, Err(Refusal::NoRoom));
        assert_eq!(length(Body::from(vec![0; SMALL]), &budget).await, Ok(SMALL));
        let second = budget.room(Who::User(UserId(2)), LARGE - USUAL).await;
        assert!(second.is_some(), "another sender's");
        assert!(budget.room(Who::Nobody, 2 * USUAL).await.is_none());
        drop((held, second));
        assert!(budget.room(Who::Nobody, LARGE).await.is_some());
        assert_eq!(budget.0.senders.lock().unwrap().len(), 1, "who has nothing on the way is forgotten");
    }

    #[test]
    fn nul_is_found_in_every_spelling_and_nothing_else_is_taken_for_it() {
        let form = HeaderMap::from_iter([(header::CONTENT_TYPE, header::HeaderValue::from_static("application/x-www-form-urlencoded"))]);
        for (headers, body, wanted) in [
            (HeaderMap::new(), r#"{"q":"a\u0000"}"#, true),
            (HeaderMap::new(), r#"{"q":"\\\u0000"}"#, true),
            (HeaderMap::new(), r#"{"q":"\\u0000 %00"}"#, false),
            (HeaderMap::new(), "{\"q\":\"\0\"}", true),
            (form.clone(), "q=a%00", true),
            (form.clone(), r"q=\u0000", false),
            (form, "q=%2500", false),
        ] {
            assert_eq!(has_nul(&headers, body.as_bytes()), wanted, "{body}");
        }
        assert!(has_nul_in(&"/runs?q=%00".parse().unwrap()) && !has_nul_in(&"/runs?q=%2500".parse().unwrap()));
    }
}
