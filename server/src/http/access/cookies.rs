//! The session cookie: its name, and how it is set and removed.
//!
//! Browsers send a cookie to every port of a host. So the name contains the port of the address that the browser used:
//! two Flowos on one host, or behind two tunnels, do not sign each other's people out.

use super::local::authority;
use axum::http::{HeaderMap, HeaderValue, header::COOKIE as COOKIE_HEADER};

/// A session expires after this many days without use.
pub const SESSION_DAYS: i32 = 30;

/// The name without a port, as older versions set it; it stays valid until it expires.
pub const COOKIE: &str = "flowo_session";

/// The address that a browser used, as far as it matters for cookies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Used {
    tls: bool,
    port: u16,
}

impl Used {
    /// Read from a request; `base_url` is the published address.
    fn of(headers: &HeaderMap, base_url: &str) -> Self {
        let (host, port) = authority(headers);
        let proto = headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok());
        let published = base_url.strip_prefix("https://").unwrap_or("");
        let is_published =
            !published.is_empty() && headers.get("host").is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(published.as_bytes()));
        let tls = proto.map_or(is_published && !host.is_empty(), |proto| proto.split(',').next().unwrap_or("").trim() == "https");
        Self { tls, port: port.unwrap_or(if tls { 443 } else { 80 }) }
    }

    /// The name of the cookie. With the prefix, a browser accepts it only over TLS and from no other host.
    fn name(self) -> String {
        let prefix = if self.tls { "__Host-" } else { "" };
        format!("{prefix}{COOKIE}_{}", self.port)
    }
}

/// The value of one cookie.
fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(COOKIE_HEADER).into_iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|line| line.split(';')).find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// The session of a request: the cookie for its port, else the cookie of an older version.
pub fn session<'a>(headers: &'a HeaderMap, base_url: &str) -> Option<&'a str> {
    value(headers, &Used::of(headers, base_url).name()).or_else(|| value(headers, COOKIE))
}

/// The cookies that may hold a session of this server, as name and value.
pub fn sessions<'a>(headers: &'a HeaderMap, base_url: &str) -> Vec<(String, &'a str)> {
    let names = [Used::of(headers, base_url).name(), COOKIE.to_owned()];
    names.into_iter().filter_map(|name| value(headers, &name).map(|value| (name, value))).collect()
}

/// The `Set-Cookie` value that gives a browser its session.
pub fn begun(headers: &HeaderMap, base_url: &str, session: &str) -> Option<HeaderValue> {
    line(&Used::of(headers, base_url).name(), session, i64::from(SESSION_DAYS) * 86_400)
}

/// The `Set-Cookie` value that removes a cookie.
pub fn gone(name: &str) -> Option<HeaderValue> {
    line(name, "", 0)
}

fn line(name: &str, value: &str, seconds: i64) -> Option<HeaderValue> {
    let secure = if name.starts_with("__Host-") { "; Secure" } else { "" };
    HeaderValue::from_str(&format!("{name}={value}; HttpOnly; SameSite=Lax; Path=/; Max-Age={seconds}{secure}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_name_carries_the_port_that_the_browser_used() {
        for (base_url, pairs, name) in [
            ("http://127.0.0.1:3100", &[("host", "127.0.0.1:3100")][..], "flowo_session_3100"),
            ("http://127.0.0.1:3100", &[("host", "localhost:3205")], "flowo_session_3205"),
            ("http://127.0.0.1:3100", &[("host", "[::1]:3100")], "flowo_session_3100"),
            ("http://flowo.example.org", &[("host", "flowo.example.org")], "flowo_session_80"),
            ("https://flowo.example.org", &[("host", "flowo.example.org")], "__Host-flowo_session_443"),
            ("https://flowo.example.org:8443", &[("host", "Flowo.example.org:8443")], "__Host-flowo_session_8443"),
            ("https://flowo.example.org", &[("host", "127.0.0.1:3100")], "flowo_session_3100"),
            ("http://127.0.0.1:3100", &[("host", "f.org"), ("x-forwarded-proto", "https")], "__Host-flowo_session_443"),
            ("http://127.0.0.1:3100", &[("host", "f.org"), ("x-forwarded-proto", "https, http")], "__Host-flowo_session_443"),
            ("https://f.org", &[("host", "f.org"), ("x-forwarded-proto", "http")], "flowo_session_80"),
            ("http://127.0.0.1:3100", &[], "flowo_session_80"),
        ] {
            assert_eq!(Used::of(&headers(pairs), base_url).name(), name, "{base_url} {pairs:?}");
        }
    }

    #[test]
    fn the_session_of_another_port_is_not_ours_and_an_older_one_is() {
        let of = |cookies: &str| session(&headers(&[("host", "h:3100"), ("cookie", cookies)]), "http://h:3100").map(ToOwned::to_owned);
        assert_eq!(of("flowo_session_3200=b; flowo_session_3100=a"), Some("a".into()));
        assert_eq!(of("flowo_session_3200=b"), None);
        assert_eq!(of("flowo_session=old"), Some("old".into()));
        assert_eq!(of("flowo_session=old; flowo_session_3100=new"), Some("new".into()));
    }

    #[test]
    fn a_cookie_by_tls_never_travels_without() {
        let by_tls = headers(&[("host", "f.org"), ("x-forwarded-proto", "https")]);
        let line = begun(&by_tls, "http://127.0.0.1:3100", "x").unwrap();
        let line = line.to_str().unwrap();
        assert!(line.starts_with("__Host-flowo_session_443=x; HttpOnly; SameSite=Lax; Path=/;") && line.ends_with("; Secure"), "{line}");
        assert!(!begun(&headers(&[("host", "h:1")]), "http://h:1", "x").unwrap().to_str().unwrap().contains("Secure"));
    }
}
