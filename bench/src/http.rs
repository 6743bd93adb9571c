//! An HTTP client like a program's or a browser's: one persistent connection, requests sent without delay.

use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::Client;
use reqwest::redirect::Policy;

/// As long as real reporting clients wait.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// A client that follows no redirects and shares its connection with nobody.
pub fn client() -> Result<Client> {
    Client::builder()
        .tcp_nodelay(true)
        .pool_max_idle_per_host(1)
        .no_proxy()
        .redirect(Policy::none())
        .timeout(REQUEST_TIMEOUT)
        // Nothing is encrypted here, and loading the machine's certificates takes time.
        .tls_certs_only([])
        .build()
        .context("cannot make an HTTP client")
}
