//! The client's name and version from the User-Agent header. Most clients name only their HTTP library there, which
//! does not identify them.

use axum::http::{HeaderMap, header::USER_AGENT};
use model::cut::letters;

/// How many letters are kept: no client has a longer name.
const MOST: usize = 200;
/// How HTTP libraries and generic programs name themselves.
const LIBRARIES: [&str; 7] = ["python-httpx/", "python-requests/", "python-urllib3/", "Python-urllib/", "Python/", "aiohttp/", "curl/"];

/// The client's own name and version; `None` if the header does not contain them.
pub fn version(headers: &HeaderMap) -> Option<String> {
    let agent = headers.get(USER_AGENT)?.to_str().ok()?.trim();
    let is_own = !agent.is_empty() && !LIBRARIES.iter().any(|library| agent.starts_with(library));
    is_own.then(|| letters(agent, MOST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_library_is_no_version_of_a_client() {
        let version_of = |agent: &'static str| version(&HeaderMap::from_iter([(USER_AGENT, HeaderValue::from_static(agent))]));
        for library in ["python-httpx/0.28.1", "python-requests/2.34.2", "curl/8.5.0", "Python/3.12 aiohttp/3.9", ""] {
            assert_eq!(version_of(library), None, "{library}");
        }
        assert_eq!(version_of("snakemake-logger-plugin-flowo/2.3.0").as_deref(), Some("snakemake-logger-plugin-flowo/2.3.0"));
        assert_eq!(version(&HeaderMap::new()), None);
        let long = HeaderValue::from_str(&"x".repeat(212)).expect("a header");
        let long = version(&HeaderMap::from_iter([(USER_AGENT, long)])).expect("a version");
        assert!(long.ends_with("x… (12 more letters)"), "{long}");
    }
}
