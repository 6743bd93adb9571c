//! Who may read the metrics, and how many sign-ins programs may begin: what the routes that need no account hold to.

use super::{local::is_loopback_name, throttle::Throttle};
use std::time::Duration;

/// Sign-ins that one network may begin at once: a course that shares an address, all at the same moment.
const BURST: u32 = 60;
/// Then one each so often.
const PACE: Duration = Duration::from_secs(5);

/// Who may read the metrics without a token of an admin: `FLOWO_METRICS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsAccess {
    /// Programs of this machine.
    Local,
    /// Nobody.
    Token,
    /// Everybody who reaches the server.
    Open,
}

impl MetricsAccess {
    /// What holds when nobody says: where people come in by a name of its own, a proxy may stand on this machine, and
    /// all that it passes on looks local.
    pub fn unless_told(public_url: Option<&str>) -> Self {
        let authority = public_url.and_then(|url| url.split_once("://")).map(|(_, rest)| rest.split('/').next().unwrap_or(rest));
        let host = authority.map(|authority| match authority.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => authority,
        });
        let is_here = host.is_none_or(|host| is_loopback_name(host.trim_start_matches('[').trim_end_matches(']')));
        if is_here { Self::Local } else { Self::Token }
    }
}

/// What the doors are told, and what they remember between requests. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Doors {
    pub metrics: MetricsAccess,
    /// Sign-ins that programs begin.
    pub starts: Throttle,
}

impl Doors {
    pub fn new(metrics: MetricsAccess) -> Self {
        Self { metrics, starts: Throttle::new(BURST, PACE) }
    }
}
