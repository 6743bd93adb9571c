//! Links of a file to its neighbours: turns a path relative to its directory into a URL of the run's pages. Pure.

use model::preview::Near;
use std::fmt::Write as _;

/// File extensions of what a page may show as a picture.
const PICTURES: [&str; 9] = ["png", "jpg", "jpeg", "gif", "webp", "avif", "bmp", "ico", "svg"];

/// The URL of the bytes of a picture beside the file; `None` if it is not a picture, or lies elsewhere.
pub fn picture(near: &Near, link: &str) -> Option<String> {
    if link.starts_with(&near.bytes) {
        return Some(link.to_owned()); // It is already such a URL.
    }
    let way = way(&near.folder, link)?;
    let ending = way.rsplit_once('.')?.1.to_ascii_lowercase();
    PICTURES.contains(&ending.as_str()).then(|| format!("{}{}", near.bytes, encoded(&way)))
}

/// The URL of a page that previews a file beside this one; `None` if it lies elsewhere.
pub fn link(near: &Near, link: &str) -> Option<String> {
    if link.starts_with(&near.page) {
        return Some(link.to_owned());
    }
    Some(format!("{}{}", near.page, encoded(&way(&near.folder, link)?)))
}

/// The path that a link means, relative to the run's directory; `None` if it leads outside, or is a URL and not a path.
fn way(folder: &str, link: &str) -> Option<String> {
    let link = link.split(['?', '#']).next().unwrap_or_default();
    let first = link.split('/').next().unwrap_or_default();
    if link.is_empty() || first.contains(':') || link.starts_with('/') {
        return None;
    }
    let link = decoded(link)?;
    if link.starts_with('/') || link.contains(['\0', '\\']) {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(link.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// Percent-decodes a link; `None` if the result is not text.
fn decoded(link: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(link.len());
    let mut rest = link.as_bytes();
    while let [first, after @ ..] = rest {
        let digit = |at: usize| char::from(*after.get(at)?).to_digit(16);
        if let (b'%', Some((high, low))) = (first, digit(0).zip(digit(1))) {
            bytes.push((high * 16 + low) as u8);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

/// Encodes a path as a part of a query.
fn encoded(way: &str) -> String {
    let mut out = String::with_capacity(way.len() + way.len() / 4);
    for byte in way.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(folder: &str) -> Near {
        Near { folder: folder.into(), page: "/runs/1?file=.%2F".into(), bytes: "/runs/1/raw?file=.%2F".into() }
    }

    #[test]
    fn links_lead_to_neighbours_and_nowhere_else() {
        for (folder, text, expected) in [
            ("", "table.csv", Some("table.csv")),
            ("out/report", "./a%20b.csv", Some("out%2Freport%2Fa%20b.csv")),
            ("out/report", "../plots/a.png?raw=1#top", Some("out%2Fplots%2Fa.png")),
            ("out", "..//..", None),
            ("out", "../../secret.txt", None),
            ("", "..%2f..%2fsecret.txt", None),
            ("out", "/etc/passwd", None),
            ("out", "%2fetc/passwd", None),
            ("out", "//evil.example/x", None),
            ("out", "javascript:alert(1)", None),
            ("out", "a\\..\\b", None),
            ("out", "%00", None),
            ("out", "%ff", None),
            ("", "", None),
            ("", "50%.txt", Some("50%25.txt")),
            ("", "x&save=1", Some("x%26save%3D1")),
            ("", "a/b:c", Some("a%2Fb%3Ac")),
        ] {
            let expected = expected.map(|way| format!("/runs/1?file=.%2F{way}"));
            assert_eq!(link(&near(folder), text), expected, "{folder} {text}");
        }
    }

    #[test]
    fn only_pictures_are_shown_as_pictures() {
        let near = near("out");
        assert_eq!(picture(&near, "a.PNG").as_deref(), Some("/runs/1/raw?file=.%2Fout%2Fa.PNG"));
        assert_eq!(picture(&near, "/runs/1/raw?file=.%2Fout%2Fa.PNG").as_deref(), Some("/runs/1/raw?file=.%2Fout%2Fa.PNG"), "once");
        for other in ["x", "page.html", "https://a.example/t.png", "/api/t.png", "../../t.png"] {
            assert_eq!(picture(&near, other), None, "{other}");
        }
    }
}
