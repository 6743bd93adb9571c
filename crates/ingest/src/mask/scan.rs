//! Finds secrets in a text. It finds landmarks (key names, `://`, `@`, beginnings of well-known tokens) in one pass and
//! examines the text around each; knows nothing of values or reports.

use super::MASK;
use aho_corasick::{AhoCorasick, MatchKind};
use std::{borrow::Cow, ops::Range, sync::LazyLock};

/// What a landmark means for the text around it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// The end of a key's name: its value follows.
    Key,
    /// `@`: credentials may precede it.
    At,
    /// The beginning of a text that is a secret by its shape, if at least this many letters follow.
    Shape(usize),
    /// A private key in PEM.
    Pem,
    /// `-u` and similar flags: `name:secret` follows.
    User,
}

/// Landmarks, in any case. A key's name is listed by its last word.
const MARKS: [(&str, Mark); 50] = [
    ("password", Mark::Key),
    ("passwd", Mark::Key),
    ("passphrase", Mark::Key),
    ("passwort", Mark::Key),
    ("pwd", Mark::Key),
    ("secret", Mark::Key),
    ("token", Mark::Key),
    ("api_key", Mark::Key),
    ("api-key", Mark::Key),
    ("apikey", Mark::Key),
    ("access_key", Mark::Key),
    ("access-key", Mark::Key),
    ("accesskey", Mark::Key),
    ("access_key_id", Mark::Key),
    ("secret_key", Mark::Key),
    ("secret-key", Mark::Key),
    ("secretkey", Mark::Key),
    ("private_key", Mark::Key),
    ("private-key", Mark::Key),
    ("privatekey", Mark::Key),
    ("auth_key", Mark::Key),
    ("auth-key", Mark::Key),
    ("account_key", Mark::Key),
    ("accountkey", Mark::Key),
    ("client_secret_value", Mark::Key),
    ("authorization", Mark::Key),
    ("credential", Mark::Key),
    ("credentials", Mark::Key),
    ("x-amz-signature", Mark::Key),
    ("sessionid", Mark::Key),
    ("set-cookie", Mark::Key),
    ("?sig", Mark::Key),
    ("&sig", Mark::Key),
    ("@", Mark::At),
    ("flw_", Mark::Shape(20)),
    ("ghp_", Mark::Shape(20)),
    ("gho_", Mark::Shape(20)),
    ("ghs_", Mark::Shape(20)),
    ("github_pat_", Mark::Shape(20)),
    ("glpat-", Mark::Shape(16)),
    ("hf_", Mark::Shape(24)),
    ("xoxb-", Mark::Shape(16)),
    ("xoxp-", Mark::Shape(16)),
    ("akia", Mark::Shape(16)),
    ("eyj", Mark::Shape(60)),
    ("bearer ", Mark::Shape(16)),
    ("-----begin", Mark::Pem),
    (" -u ", Mark::User),
    (" --user ", Mark::User),
    (" --proxy-user ", Mark::User),
];

/// The longest part of a name before its last word, and the longest secret.
const REACH: usize = 128;
const LONGEST: usize = 16 << 10;
/// How many letters before `@` are examined.
const LONGEST_USER: usize = 1024;

static FINDER: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let words = MARKS.iter().map(|(word, _)| word);
    let finder = AhoCorasick::builder().ascii_case_insensitive(true).match_kind(MatchKind::LeftmostLongest).build(words);
    finder.expect("fifty short words make an automaton")
});

/// Whether the text contains any landmark.
pub fn suspects(bytes: &[u8]) -> bool {
    FINDER.is_match(bytes)
}

/// `text` with [`MASK`] in place of each secret.
pub fn masked(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut kept = 0;
    for found in FINDER.find_iter(text) {
        // A landmark inside a secret that is already masked.
        if found.start() < kept {
            continue;
        }
        let (_, mark) = MARKS[found.pattern().as_usize()];
        let Some(secret) = secret(text, mark, found.range(), kept) else { continue };
        if secret.start < kept || text.get(secret.clone()).is_none_or(|secret| secret == MASK) {
            continue;
        }
        out.push_str(&text[kept..secret.start]);
        out.push_str(MASK);
        kept = secret.end;
    }
    if kept == 0 { Cow::Borrowed(text) } else { Cow::Owned(out + &text[kept..]) }
}

/// Whether a field, flag or variable of this name contains a secret.
pub fn is_key(name: &str) -> bool {
    let name = name.trim_matches(['"', '\'']);
    let whole = FINDER.find_iter(name).filter(|found| MARKS[found.pattern().as_usize()].1 == Mark::Key).last();
    whole.is_some_and(|found| found.end() == name.len() && begins_word(name, found.start()))
}

/// Whether this text is a value, and not the name of a variable, a path to a file, or empty.
pub fn is_value(text: &str) -> bool {
    let nothing = matches!(text, "" | MASK | "None" | "null" | "nil" | "true" | "false" | "True" | "False" | "yes" | "no" | "N/A" | "-");
    !nothing && !named(text)
}

/// Whether this text begins like the name of a variable or a path.
fn named(text: &str) -> bool {
    let sign = text.starts_with(['$', '{', '<', '%', '/', '~', '(', '[']) || text.starts_with("./") || text.starts_with("../");
    let read = ["os.environ", "os.getenv", "config[", "config.", "snakemake.", "params.", "lookup(", "getenv("];
    sign || read.iter().any(|read| text.starts_with(read))
}

/// Whether the letter before `at` is the second half of an escape such as `\n`, after which a new word begins.
fn is_escape(text: &str, at: usize) -> bool {
    let before = &text[..at];
    before.ends_with(['n', 'r', 't', 'f', 'b']) && ends_with_odd_slash(&before[..before.len() - 1])
}

fn ends_with_odd_slash(text: &str) -> bool {
    let slashes = text.bytes().rev().take(64).take_while(|byte| *byte == b'\\').count();
    slashes % 2 == 1
}

fn secret(text: &str, mark: Mark, at: Range<usize>, kept: usize) -> Option<Range<usize>> {
    match mark {
        Mark::Key => after_key(text, at),
        Mark::At => before_at(text, at.start, kept),
        Mark::Shape(least) => shaped(text, &at, least),
        Mark::Pem => private(text, at.start),
        Mark::User => {
            let whole = word(text, at.end, |c| c.is_whitespace() || matches!(c, '"' | '\'' | '\\'));
            let colon = text[whole.clone()].find(':')?;
            let secret = whole.start + colon + 1..whole.end;
            is_value(&text[secret.clone()]).then_some(secret)
        }
    }
}

/// The value of a key whose name ends at `at.end`: after `=` or `:`, or after a blank if the key is a flag.
fn after_key(text: &str, at: Range<usize>) -> Option<Range<usize>> {
    if !begins_word(text, at.start) {
        return None;
    }
    let begin = text[..at.start].char_indices().rev().take(REACH).take_while(|(_, c)| is_name(*c)).last().map_or(at.start, |(at, _)| at);
    let is_flag = text[begin..].starts_with('-');
    let rest = &text[at.end..];
    // The quote that closes the key's name, as in JSON, perhaps escaped.
    let name = rest.trim_start_matches(['"', '\'', '\\', ']']);
    let quoted = name.len() < rest.len();
    let gap = name.trim_start_matches([' ', '\t']);
    let separator = gap.chars().next()?;
    let spaced = gap.len() < name.len();
    let value = match separator {
        '=' => gap[1..].trim_start_matches(['=', '>']),
        ':' if !spaced || quoted => &gap[1..],
        _ if is_flag && spaced && !quoted => gap,
        _ => return None,
    };
    // "unexpected token: x" contains no key.
    if separator == ':'
        && !quoted
        && text[..begin].trim_end().ends_with(|c: char| c.is_alphabetic() || c == '*')
        && value.starts_with(' ')
        && !is_compound(text, begin, &at)
    {
        return None;
    }
    let mut value = value.trim_start_matches([' ', '\t']);
    value = &value[scheme(value)..];
    let start = text.len() - value.len();
    let begins = &text[start..text.floor_char_boundary((start + 32).min(text.len()))];
    if !begins.starts_with(['"', '\'', '\\']) && named(begins) {
        return None;
    }
    let mut secret = quoted_or_word(text, start);
    secret.start += scheme(&text[secret.clone()]);
    let shown = &text[secret.clone()];
    // A bare number stays, because the text around it is later parsed as JSON or Python.
    if quoted && secret.start == start && shown.parse::<f64>().is_ok() {
        return None;
    }
    let is_short = separator == ':' && !quoted && shown.len() < 4;
    (is_value(shown) && !is_short && !(is_flag && spaced && shown.starts_with('-'))).then_some(secret)
}

/// The length of an authorization scheme such as `Bearer `, which stays.
fn scheme(value: &str) -> usize {
    let schemes = ["bearer ", "basic ", "token ", "digest ", "aws4-hmac-sha256 "];
    let found = schemes.iter().find(|scheme| value.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme)));
    found.map_or(0, |scheme| scheme.len())
}

/// Whether the key's name is more than a single plain word: `api_token`, `X-Secret`.
fn is_compound(text: &str, begin: usize, at: &Range<usize>) -> bool {
    begin < at.start || text[at.clone()].contains(['_', '-'])
}

/// `name:secret@host`, with or without a scheme before it; or one long secret before `@` in a URL.
fn before_at(text: &str, at: usize, kept: usize) -> Option<Range<usize>> {
    let host = &text[at + 1..];
    // The digest of a container image follows, not a host.
    if host.starts_with("sha256:") || !host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[') {
        return None;
    }
    let stop = |c: char| c.is_whitespace() || matches!(c, '@' | '"' | '\'' | '<' | '>' | '(' | ',' | ';' | '`');
    let begin =
        text[kept..at].char_indices().rev().take(LONGEST_USER).take_while(|(_, c)| !stop(*c)).last().map(|(begin, _)| kept + begin)?;
    let before = &text[begin..at];
    let (begin, before, scheme) = match before.rfind("://") {
        Some(end) => (begin + end + 3, &before[end + 3..], true),
        None => (begin, before, false),
    };
    match before.find(':') {
        Some(colon) => {
            let secret = begin + colon + 1..at;
            let shown = &text[secret.clone()];
            let path = text[begin..begin + colon].contains('/') || shown.contains('/');
            (!path && (colon > 0 || scheme) && is_value(shown)).then_some(secret)
        }
        None if scheme && before.len() >= 16 && !before.contains('/') => Some(begin..at),
        None => None,
    }
}

fn shaped(text: &str, at: &Range<usize>, least: usize) -> Option<Range<usize>> {
    let alone = !text[..at.start].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_') || is_escape(text, at.start);
    // Inside an escape: the letter belongs to the preceding text.
    if !alone || ends_with_odd_slash(&text[..at.start]) {
        return None;
    }
    let end = word(text, at.end, |c| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '.' | '=' | '+' | '/')).end;
    let start = if text[at.clone()].ends_with(' ') { at.end } else { at.start };
    (end - at.end >= least).then_some(start..end)
}

/// From the first line of a private key to its last, or to the end of the text.
fn private(text: &str, start: usize) -> Option<Range<usize>> {
    const END: &str = "-----END";
    let reach = |from: usize, most: usize| &text[from..text.floor_char_boundary((from + most).min(text.len()))];
    if !reach(start, 64).to_ascii_uppercase().contains("PRIVATE KEY") {
        return None;
    }
    // A quoted text ends at its closing quote, whatever it contains.
    let body = reach(start, LONGEST);
    let closed = body.find('"').unwrap_or(body.len());
    let end = body[..closed].find(END).map_or(start + closed, |end| {
        let tail = start + end + END.len();
        reach(tail, 64).find("-----").map_or(tail, |more| tail + more + 5)
    });
    Some(start..end)
}

/// The content of a quoted text, or a word.
fn quoted_or_word(text: &str, start: usize) -> Range<usize> {
    let rest = &text[start..];
    // A quote inside a quoted text is preceded by one or more backslashes.
    let slashes = rest.len() - rest.trim_start_matches('\\').len();
    let Some(quote @ (b'"' | b'\'')) = rest.as_bytes().get(slashes).copied() else {
        return word(text, start, |c| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ';' | '&' | ')' | '}' | ']' | '\\' | '|' | '`'));
    };
    let begin = slashes + 1;
    let inner = &rest.as_bytes()[begin..];
    let mut before = 0;
    let mut end = inner.len().min(LONGEST);
    for (at, byte) in inner.iter().take(LONGEST).enumerate() {
        let ends = if slashes == 0 { before % 2 == 0 } else { before <= slashes };
        if *byte == b'\n' || (*byte == quote && ends) {
            end = if slashes == 0 { at } else { at - before };
            break;
        }
        before = if *byte == b'\\' { before + 1 } else { 0 };
    }
    let end = text.ceil_char_boundary((start + begin + end).min(text.len()));
    // Do not end inside an escape.
    let end = if ends_with_odd_slash(&text[start + begin..end]) && slashes == 0 { end - 1 } else { end };
    start + begin..end
}

fn word(text: &str, start: usize, ends: impl Fn(char) -> bool) -> Range<usize> {
    let reach = &text[start..text.floor_char_boundary((start + LONGEST).min(text.len()))];
    start..reach.find(ends).map_or(start + reach.len(), |end| start + end)
}

/// Whether a word of a name begins here, and not the end of another word: `token`, `api_token`, `apiToken`.
fn begins_word(text: &str, start: usize) -> bool {
    if text[start..].starts_with(['?', '&']) {
        return true;
    }
    let before = text[..start].chars().next_back();
    if is_escape(text, start) || !before.is_some_and(|c| c.is_ascii_lowercase()) {
        return true;
    }
    // camelCase, or a prefix that people write without a separator: PGPASSWORD, dbpassword.
    text[start..].starts_with(|first: char| first.is_ascii_uppercase())
        || text[start..].get(..4).is_some_and(|word| word.eq_ignore_ascii_case("pass"))
}

const fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}
