//! Query strings, decoded exactly once. The router's own map decodes them twice.

/// The value of `key` in `search`, which may begin with `?`. The first one counts.
pub fn value(search: &str, key: &str) -> Option<String> {
    search.trim_start_matches('?').split('&').find_map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (name == key).then(|| decode(value))
    })
}

/// Appends `pairs` as a query string.
pub fn append<'a>(path: &mut String, pairs: impl Iterator<Item = (&'a str, &'a str)>) {
    for (at, (key, value)) in pairs.enumerate() {
        path.push(if at == 0 { '?' } else { '&' });
        path.push_str(key);
        path.push('=');
        encode(path, value);
    }
}

fn encode(out: &mut String, text: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

fn decode(text: &str) -> String {
    let hex = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], hex(bytes.get(at + 1)), hex(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 2;
            }
            (b'+', ..) => out.push(b' '),
            (byte, ..) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_appended_is_read_back() {
        for text in ["", "a b", "100%20", "größe & maß", "a+b=c?d", "測試"] {
            let mut path = String::from("/runs");
            append(&mut path, [("x", "1"), ("q", text)].into_iter());
            assert_eq!(value(path.split_once('?').unwrap().1, "q").as_deref(), Some(text));
        }
    }

    #[test]
    fn forms_send_plus_for_space() {
        assert_eq!(value("?q=two+words&q=second", "q").as_deref(), Some("two words"));
        assert_eq!(value("q=%zz", "q").as_deref(), Some("%zz"));
        assert_eq!(value("", "q"), None);
    }
}
