//! Limits on the routes that need no account: who may read the metrics, and how many sign-ins programs may begin.

use super::{local::is_loopback_name, throttle::Throttle};
use model::clock::Clock;
use std::time::Duration;

/// Sign-ins that one network may begin at once: enough for a course that shares an address and starts at the same moment.
const BURST: u32 = 60;
/// After the burst, one more sign-in per this interval.
const PACE: Duration = Duration::from_secs(5);

/// Who may read the metrics without an admin's token: `FLOWO_METRICS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsAccess {
    /// Programs on this machine.
    Local,
    /// Nobody.
    Token,
    /// Everybody who reaches the server.
    Open,
}

impl MetricsAccess {
    /// The default. If people use another host name, a proxy may run on this machine, and every request it forwards
    /// looks local.
    pub fn default_for(public_url: Option<&str>) -> Self {
        let authority = public_url.and_then(|url| url.split_once("://")).map(|(_, rest)| rest.split('/').next().unwrap_or(rest));
        let host = authority.map(|authority| match authority.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => authority,
        });
        let is_here = host.is_none_or(|host| is_loopback_name(host.trim_start_matches('[').trim_end_matches(']')));
        if is_here { Self::Local } else { Self::Token }
    }
}

/// Settings of the access checks, and what they remember between requests. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Doors {
    pub metrics: MetricsAccess,
    /// Sign-ins begun by programs.
    pub starts: Throttle,
}

impl Doors {
    pub fn new(metrics: MetricsAccess, clock: Clock) -> Self {
        Self { metrics, starts: Throttle::new(BURST, PACE, clock) }
    }
}
