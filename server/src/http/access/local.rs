//! Decides whether a request comes from a program on this machine, and from which address.
//!
//! One function decides for everything that trusts this machine: the metrics, and the port where Panoptes clients need
//! no token. A proxy on this machine looks like a local program; only the headers that it adds give it away.

use axum::http::{HeaderMap, HeaderValue, header::HOST};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The remote address of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Headers that proxies add. A request with one of them is not local, whatever its value.
const FORWARDED: [&str; 14] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-port",
    "x-forwarded-server",
    "x-forwarded-prefix",
    "x-original-forwarded-for",
    "x-cluster-client-ip",
    "x-real-ip",
    "x-client-ip",
    "cf-connecting-ip",
    "true-client-ip",
    "via",
];

/// The host and port that a request was sent to; an IPv6 address is without its brackets.
pub fn authority(headers: &HeaderMap) -> (&str, Option<u16>) {
    let host = headers.get(HOST).and_then(|value| value.to_str().ok()).unwrap_or("");
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => (name, port.parse().ok()),
        _ => (host, None),
    };
    (name.trim_start_matches('[').trim_end_matches(']'), port)
}

/// Whether a host name can only mean the machine on which it is used.
pub fn is_loopback_name(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Whether a request comes from a program on this machine: over the loopback, through no proxy that admits to being
/// one, to a loopback name, and not from a page of another site. This excludes a name that an attacker points at this
/// machine and an image URL on another site.
pub fn is_local(headers: &HeaderMap, peer: Option<Peer>) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    peer.is_some_and(|peer| peer.0.ip().to_canonical().is_loopback())
        && !FORWARDED.iter().any(|name| headers.contains_key(*name))
        && is_loopback_name(authority(headers).0)
        && matches!(site, None | Some(b"same-origin" | b"none"))
}

/// The caller's address for limits and the audit log: the connection's, or the one that a proxy on this machine
/// appended last. It never grants access.
pub fn address(headers: &HeaderMap, peer: Option<Peer>) -> Option<IpAddr> {
    let peer = peer?.0.ip().to_canonical();
    let forwarded = headers.get_all("x-forwarded-for").into_iter().next_back().filter(|_| peer.is_loopback());
    let forwarded = forwarded.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse::<IpAddr>().ok());
    Some(forwarded.map_or(peer, |forwarded| forwarded.to_canonical()))
}

/// The network that one person controls: a single IPv4 address, or 64 bits of IPv6.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() & !u128::from(u64::MAX))),
        four @ IpAddr::V4(_) => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn at(address: &str) -> Peer {
        Peer(std::net::SocketAddr::new(address.parse().unwrap(), 40_000))
    }

    #[test]
    fn only_a_request_to_the_loopback_that_nobody_passed_on_is_local() {
        for host in ["127.0.0.1:3100", "localhost:3100", "LOCALHOST", "[::1]:3100", "127.8.9.1"] {
            for from in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
                assert!(is_local(&headers(&[("host", host)]), Some(at(from))), "{host} {from}");
            }
            assert!(!is_local(&headers(&[("host", host)]), Some(at("10.0.0.7"))), "{host}");
            assert!(!is_local(&headers(&[("host", host)]), None), "{host}");
            for name in FORWARDED {
                assert!(!is_local(&headers(&[("host", host), (name, "x")]), Some(at("127.0.0.1"))), "{name}");
            }
            assert!(!is_local(&headers(&[("host", host), ("sec-fetch-site", "cross-site")]), Some(at("127.0.0.1"))));
        }
        for host in ["flowo.example.org", "localhost.example.org", "127.0.0.1.nip.io:3100", "10.0.0.7:3100", "", "0.0.0.0"] {
            assert!(!is_local(&headers(&[("host", host)]), Some(at("127.0.0.1"))), "{host}");
        }
        assert!(!is_local(&HeaderMap::new(), Some(at("127.0.0.1"))));
    }

    #[test]
    fn a_proxy_on_this_machine_is_believed_about_the_address_and_nobody_else() {
        let through = headers(&[("x-forwarded-for", "6.6.6.6, 192.0.2.9")]);
        assert_eq!(address(&through, Some(at("127.0.0.1"))), "192.0.2.9".parse().ok());
        assert_eq!(address(&through, Some(at("198.51.100.1"))), "198.51.100.1".parse().ok());
        assert_eq!(address(&headers(&[("x-forwarded-for", "nobody")]), Some(at("127.0.0.1"))), "127.0.0.1".parse().ok());
    }

    #[test]
    fn a_person_has_one_network_however_many_addresses() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:aaaa::1"), of("2001:db8:1:2:bbbb::2"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
