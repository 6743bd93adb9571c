//! Tests connections of every kind against the limits: which are closed, which are answered.

use super::*;
use axum::routing::get;
use bytes::Bytes;
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::{Semaphore, SemaphorePermit},
    task::JoinHandle,
    time::timeout,
};

/// Longest wait for anything that should happen at once.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);
const LONG: Duration = Duration::from_hours(1);
const WIDE: Limits = Limits { total: 100, waiting: 100, of_one: 100, head: LONG, body: LONG, kept: LONG, stall: LONG };
const ASK: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

/// A server on a free port: `/` answers at once, `/slow` when it is released.
struct Listening {
    address: SocketAddr,
    sockets: Sockets,
    gate: Arc<Semaphore>,
    stop: CancellationToken,
    served: JoinHandle<()>,
}

async fn listening(limits: Limits) -> Listening {
    let gate = Arc::new(Semaphore::new(0));
    let waits = Arc::clone(&gate);
    let slow = move || {
        let gate = Arc::clone(&waits);
        async move { gate.acquire().await.map(SemaphorePermit::forget).map_or("broken", |()| "slow") }
    };
    let router = Router::new().route("/", get(async || "hello").post(async |body: Bytes| body.len().to_string())).route("/slow", get(slow));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, sockets, stop) = (listener.local_addr().unwrap(), Sockets::new(limits, store::clock::system()), CancellationToken::new());
    let served = tokio::spawn({
        let (sockets, stop) = (sockets.clone(), stop.clone());
        async move { sockets.serve(listener, router, stop).await }
    });
    Listening { address, sockets, gate, stop, served }
}

impl Listening {
    async fn open(&self, first: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(first).await.unwrap();
        stream
    }

    /// Waits for this many open connections, and this many waiting ones.
    async fn until(&self, wanted: (usize, usize)) {
        let seen = async {
            while self.sockets.count() != wanted {
                tokio::task::yield_now().await;
            }
        };
        assert!(timeout(TEST_TIMEOUT, seen).await.is_ok(), "{:?} instead of {wanted:?}", self.sockets.count());
    }
}

/// What arrives until `end` or the end of the connection.
async fn heard(stream: &mut TcpStream, end: &str) -> String {
    let mut all = Vec::new();
    let read = async {
        while !String::from_utf8_lossy(&all).ends_with(end) || end.is_empty() {
            if !matches!(stream.read_buf(&mut all).await, Ok(1..)) {
                break;
            }
        }
    };
    timeout(TEST_TIMEOUT, read).await.expect("an answer, or an end");
    String::from_utf8_lossy(&all).into_owned()
}

#[tokio::test]
async fn whoever_says_nothing_or_half_of_it_is_not_waited_for() {
    let server = listening(Limits { head: Duration::from_millis(200), ..WIDE }).await;
    for first in [&b""[..], b"GET / HTTP/1.1\r\nhost: "] {
        let mut stream = server.open(first).await;
        assert_eq!(heard(&mut stream, "").await, "");
    }
    let mut stream = server.open(ASK).await;
    heard(&mut stream, "hello").await;
    server.until((1, 1)).await;
    stream.write_all(b"GET / HT").await.unwrap();
    assert_eq!(heard(&mut stream, "").await, "");
    server.until((0, 0)).await;
}

#[tokio::test]
async fn a_connection_is_kept_between_requests_and_not_for_ever() {
    let server = listening(Limits { kept: Duration::from_millis(1), ..WIDE }).await;
    let mut stream = server.open(ASK).await;
    assert!(heard(&mut stream, "hello").await.ends_with("hello"));
    assert_eq!(heard(&mut stream, "").await, "");
    let server = listening(WIDE).await;
    let mut stream = server.open(ASK).await;
    for _ in 0..3 {
        assert!(heard(&mut stream, "hello").await.ends_with("hello"));
        server.until((1, 1)).await;
        stream.write_all(ASK).await.unwrap();
    }
}

#[tokio::test]
async fn a_body_that_does_not_end_ends_its_connection() {
    let server = listening(Limits { body: Duration::from_millis(1), ..WIDE }).await;
    let mut stream = server.open(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nab").await;
    assert_eq!(heard(&mut stream, "").await, "");
    server.until((0, 0)).await;
}

#[tokio::test]
async fn the_oldest_silent_connection_makes_room_for_a_new_one() {
    for limits in [Limits { of_one: 3, ..WIDE }, Limits { waiting: 3, ..WIDE }, Limits { total: 3, ..WIDE }] {
        let server = listening(limits).await;
        let mut kept = server.open(ASK).await;
        heard(&mut kept, "hello").await;
        server.until((1, 1)).await;
        let mut first = server.open(b"").await;
        server.until((2, 2)).await;
        let mut second = server.open(b"GET").await;
        server.until((3, 3)).await;
        let mut third = server.open(ASK).await;
        assert!(heard(&mut third, "hello").await.ends_with("hello"));
        assert_eq!(heard(&mut first, "").await, "", "the oldest that never asked for anything");
        server.until((3, 3)).await;
        for (stream, rest) in [(&mut second, &b" / HTTP/1.1\r\nhost: x\r\n\r\n"[..]), (&mut kept, ASK)] {
            stream.write_all(rest).await.unwrap();
            assert!(heard(stream, "hello").await.ends_with("hello"));
        }
    }
}

#[tokio::test]
async fn who_is_being_answered_is_not_closed_to_make_room() {
    let server = listening(Limits { total: 2, waiting: 1, of_one: 1, ..WIDE }).await;
    let mut slow = Vec::new();
    for n in 1..=2 {
        slow.push(server.open(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await);
        server.until((n, 0)).await;
    }
    let mut refused = server.open(ASK).await;
    assert_eq!(heard(&mut refused, "").await, "");
    server.gate.add_permits(2);
    for stream in &mut slow {
        assert!(heard(stream, "slow").await.ends_with("slow"));
    }
}

#[tokio::test]
async fn a_failed_accept_closes_who_waits_only_where_descriptors_are_short() {
    let server = listening(WIDE).await;
    let mut silent = server.open(b"").await;
    server.until((1, 1)).await;
    for gone in [io::ErrorKind::ConnectionAborted, io::ErrorKind::ConnectionReset, io::ErrorKind::Interrupted] {
        server.sockets.recover(&gone.into()).await;
        assert_eq!(server.sockets.count(), (1, 1), "{gone:?}");
    }

    server.sockets.recover(&io::Error::from_raw_os_error(rustix::io::Errno::MFILE.raw_os_error())).await;

    assert_eq!(heard(&mut silent, "").await, "");
    server.until((0, 0)).await;
    let mut next = server.open(ASK).await;
    assert!(heard(&mut next, "hello").await.ends_with("hello"));
}

#[tokio::test]
async fn a_server_that_stops_finishes_answers_and_waits_for_nobody_else() {
    let server = listening(WIDE).await;
    let mut slow = server.open(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    server.until((1, 0)).await;
    let mut others = [server.open(b"").await, server.open(b"GET / HT").await, server.open(ASK).await];
    heard(&mut others[2], "hello").await;
    server.until((4, 3)).await;
    server.stop.cancel();
    for stream in &mut others {
        assert_eq!(heard(stream, "").await, "");
    }
    server.gate.add_permits(1);
    assert!(heard(&mut slow, "slow").await.ends_with("slow"));
    timeout(TEST_TIMEOUT, server.served).await.expect("the server ends").unwrap();
}

#[test]
fn a_machine_of_many_addresses_counts_as_one() {
    let of = |text: &str| network(text.parse().unwrap()).to_string();
    assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2:ffff::1"));
    assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
    assert_eq!((of("::1"), of("::ffff:10.0.0.1")), ("::1".into(), "10.0.0.1".into()));
}
