//! Turns text into a filter. Never fails: a word that is not understood is kept as a mistake.

use super::{
    Clause, Compare, Mistake, Moment, RunFilter, Term, Trait, fold,
    keys::{self, Key, Takes},
};
use crate::{Millis, RunStatus, cut::head, text::day_number};

/// More words than anybody types, and a longer text (bytes) than any worth searching for.
const MAX_CLAUSES: usize = 50;
const MAX_TEXT: usize = 4096;
/// How much of a filter is read.
pub(super) const MOST: &str = "at most 50 words, and 4 096 bytes in all";

pub(super) fn filter(text: &str) -> RunFilter {
    let mut filter = RunFilter::default();
    // The length includes the spaces between the words.
    let (mut count, mut length) = (0, 0);
    let mut words = words(text).peekable();
    while let Some(word) = words.next_if(|word| {
        length += word.len() + usize::from(count > 0);
        count += 1;
        length <= MAX_TEXT && count <= MAX_CLAUSES
    }) {
        let (not, body) = match word.strip_prefix('-') {
            Some(rest) if !rest.is_empty() => (true, rest),
            _ => (false, word.as_str()),
        };
        match term(body) {
            Ok(Some(term)) => filter.clauses.push(Clause { not, term, text: word }),
            Ok(None) => {}
            Err(expected) => filter.mistakes.push(Mistake { text: word, expected, is_rest: false }),
        }
    }
    let rest: Vec<String> = words.collect();
    if !rest.is_empty() {
        filter.mistakes.push(Mistake { text: head(&rest.join(" "), MAX_TEXT), expected: MOST.into(), is_rest: true });
    }
    filter
}

/// Splits at white space outside double quotes. Control characters count as white space.
fn words(text: &str) -> impl Iterator<Item = String> {
    let mut list = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                word.push(c);
            }
            c if c.is_control() || (c.is_whitespace() && !quoted) => {
                if quoted {
                    word.push(' ');
                } else if !word.is_empty() {
                    list.push(std::mem::take(&mut word));
                }
            }
            c => word.push(c),
        }
    }
    if !word.is_empty() {
        if quoted {
            word.push('"');
        }
        list.push(word);
    }
    list.into_iter()
}

/// `Ok(None)` for a qualifier without a value: somebody is still typing.
fn term(word: &str) -> Result<Option<Term>, String> {
    let Some((key, value)) = word.split_once(':').filter(|(key, _)| !key.contains('"')) else {
        let text = plain(word);
        return Ok((!text.is_empty()).then_some(Term::Text(text)));
    };
    if plain(value).is_empty() {
        return Ok(None);
    }
    let Some(key) = Key::of(key) else {
        // A colon in a name or path is not a mistake.
        let is_text = key.is_empty() || key.contains(['/', '.', '\\']);
        return if is_text { Ok(Some(Term::Text(plain(word)))) } else { Err(keys::listed()) };
    };
    let term = match key.takes {
        Takes::Status => {
            flag(value).map(Term::Is).or_else(|| list(value).iter().map(|word| status(word)).collect::<Option<_>>().map(Term::Status))
        }
        Takes::User => Some(Term::User(list(value))),
        Takes::Tag => Some(Term::Tag(list(value))),
        Takes::Name => Some(Term::Name(plain(value))),
        Takes::Directory => Some(Term::Directory(plain(value))),
        Takes::Source => Some(Term::Source(list(value))),
        Takes::Rule => Some(Term::Rule(list(value))),
        Takes::After => moment(value).map(Term::After),
        Takes::Before => moment(value).map(Term::Before),
        Takes::Duration => compare(value),
        Takes::Trait => flag(value).map(Term::Is),
    };
    term.map(Some).ok_or_else(|| key.takes.expected().into())
}

fn plain(text: &str) -> String {
    fold(&text.replace('"', ""))
}

/// Splits at commas outside quotes.
fn list(value: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut quoted = false;
    for c in value.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => out.push(String::new()),
            c => out.last_mut().expect("never empty").push(c.to_ascii_lowercase()),
        }
    }
    out.retain(|word| !word.is_empty());
    out
}

fn status(word: &str) -> Option<RunStatus> {
    match word {
        "done" | "ok" | "finished" => Some(RunStatus::Success),
        "error" => Some(RunStatus::Failed),
        word => word.parse().ok(),
    }
}

fn flag(value: &str) -> Option<Trait> {
    match plain(value).as_str() {
        "dry" | "dry-run" => Some(Trait::DryRun),
        "retry" => Some(Trait::Retry),
        _ => None,
    }
}

/// `2026-11-01`, `2026-11-01T14:30`, `today`, or a span back from now such as `7d`. Dates are UTC.
fn moment(value: &str) -> Option<Moment> {
    let text = plain(value);
    if text == "today" {
        return Some(Moment::Ago(86_400_000));
    }
    span(&text).map(Moment::Ago).or_else(|| instant(&text).map(Moment::At))
}

fn instant(text: &str) -> Option<Millis> {
    let (date, time) = text.split_once('t').map_or((text, None), |(date, time)| (date, Some(time)));
    let mut parts = date.splitn(3, '-').map(|part| if part.len() <= 4 { part.parse::<i64>().ok() } else { None });
    let (y, m, d) = (parts.next()??, parts.next()??, parts.next()??);
    if !(1..=9999).contains(&y) || !(1..=12).contains(&m) || !(1..=31).contains(&d) {
        return None;
    }
    let mut seconds = day_number(y, m, d) * 86_400;
    if let Some(time) = time {
        let mut scale = 3600;
        for (part, limit) in time.trim_end_matches('z').splitn(3, ':').zip([24, 60, 60]) {
            let n = part.get(..2).filter(|_| part.len() == 2)?.parse::<i64>().ok().filter(|n| (0..limit).contains(n))?;
            seconds += n * scale;
            scale /= 60;
        }
    }
    Some(seconds * 1000)
}

fn compare(value: &str) -> Option<Term> {
    let text = plain(value);
    let (compare, rest) = match text.strip_prefix('<') {
        Some(rest) => (Compare::Under, rest),
        None => (Compare::Over, text.strip_prefix('>').unwrap_or(&text)),
    };
    let rest = rest.trim_start_matches('=');
    span(rest).map(|span| Term::Duration(compare, span))
}

/// `90s`, `30m`, `1h30m`, `7d`, `2w`, in milliseconds.
fn span(text: &str) -> Option<Millis> {
    let mut total: Millis = 0;
    let mut digits = String::new();
    let mut any = false;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c.is_ascii_digit() && digits.len() < 7 {
            digits.push(c);
            continue;
        }
        let unit = match c {
            'm' if rest.starts_with('s') => {
                rest = &rest[1..];
                1
            }
            's' => 1000,
            'm' => 60_000,
            'h' => 3_600_000,
            'd' => 86_400_000,
            'w' => 604_800_000,
            _ => return None,
        };
        total = total.saturating_add(digits.parse::<Millis>().ok()? * unit);
        digits.clear();
        any = true;
    }
    (any && digits.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn only(text: &str) -> Term {
        let filter = filter(text);
        assert_eq!(filter.mistakes, [], "{text}");
        filter.clauses.into_iter().next().expect("one clause").term
    }

    #[test]
    fn each_qualifier_is_understood() {
        for (text, term) in [
            ("Liver", Term::Text("liver".into())),
            ("\"two words\"", Term::Text("two words".into())),
            ("status:failed,lost", Term::Status(vec![RunStatus::Failed, RunStatus::Lost])),
            ("status:done", Term::Status(vec![RunStatus::Success])),
            ("user:Ana", Term::User(vec!["ana".into()])),
            ("tag:\"two words\",qc", Term::Tag(vec!["two words".into(), "qc".into()])),
            ("after:2026-11-01", Term::After(Moment::At(1_793_491_200_000))),
            ("before:2026-11-01T12:30", Term::Before(Moment::At(1_793_536_200_000))),
            ("after:7d", Term::After(Moment::Ago(604_800_000))),
            ("duration:>1h30m", Term::Duration(Compare::Over, 5_400_000)),
            ("duration:<500ms", Term::Duration(Compare::Under, 500)),
            ("is:dry", Term::Is(Trait::DryRun)),
            ("/data/a:b", Term::Text("/data/a:b".into())),
        ] {
            assert_eq!(only(text), term, "{text}");
        }
    }

    #[test]
    fn mistakes_are_named_and_filter_nothing() {
        for text in ["status:broken", "colour:red", "after:soon", "duration:long", "is:big"] {
            let filter = filter(text);
            assert_eq!(filter.clauses, [], "{text}");
            assert_eq!(filter.mistakes.len(), 1, "{text}");
        }
    }

    #[test]
    fn what_is_more_than_is_read_is_named_and_no_word_is_torn() {
        let many: Vec<String> = (0..53).map(|n| format!("w{n}")).collect();
        let wide = filter(&many.join(" "));
        assert_eq!((wide.clauses.len(), wide.mistakes.len()), (50, 1));
        assert_eq!((wide.mistakes[0].text.as_str(), wide.mistakes[0].is_rest), ("w50 w51 w52", true));
        let long = filter(&format!("status:failed {} name:x", "y".repeat(4_085)));
        assert_eq!(long.clauses.len(), 1, "no half word is looked for");
        assert!(long.mistakes[0].text.ends_with("yy name:x") && long.mistakes[0].is_rest);
        let refused = RunFilter::parse_strict(&many.join(" ")).expect_err("a filter that is too long");
        assert_eq!((refused.value.as_str(), refused.expected), ("w50 w51 w52", MOST));
        assert!(filter(&many[..50].join(" ")).mistakes.is_empty());
    }

    #[test]
    fn a_half_typed_qualifier_is_no_mistake() {
        assert!(filter("status:").is_empty());
    }

    #[test]
    fn a_dash_negates() {
        assert!(filter("-tag:demo").clauses[0].not);
        assert_eq!(filter("-").clauses[0].term, Term::Text("-".into()));
    }

    proptest! {
        #[test]
        fn any_text_parses_and_prints_to_the_same_filter(text in ".{0,200}") {
            let once = filter(&text);
            prop_assert_eq!(&filter(&once.to_string()).clauses, &once.clauses);
        }
    }
}
