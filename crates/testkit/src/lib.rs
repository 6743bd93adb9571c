//! What tests need: a database of their own, clients, bounded waits. Only for tests and benches.
//!
//! Needs a throw-away PostgreSQL in `DATABASE_URL`; `cargo xtask test` provides one.
#![forbid(unsafe_code)]

mod database;
mod plans;
mod proxy;
mod sse;

pub use database::{TestDatabase, private, run};
pub use plans::Plans;
pub use proxy::{Line, Proxy};
pub use sse::{Event, Tab};

use std::{future::Future, time::Duration};
use store::clock;
use tokio::time::sleep;

/// The longest wait for anything that should happen immediately.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(20);

/// Calls `look` repeatedly until it returns something.
///
/// # Panics
/// After [`TEST_TIMEOUT`], naming `what` was awaited.
pub async fn until<T, F>(what: &str, mut look: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let clock = clock::system();
    let began = clock.instant();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(clock.since(began) < TEST_TIMEOUT, "waited {TEST_TIMEOUT:?} for {what}");
        sleep(Duration::from_millis(15)).await;
    }
}

/// An HTTP client that stores no cookies and follows no redirects.
pub fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        // Of each read, not of the whole: a live stream lasts as long as its test.
        .read_timeout(Duration::from_mins(1))
        .build()
        .expect("a client without special wishes")
}
