//! Numbers as people read them: durations, relative times, counts. Server and client produce the same text.
//!
//! Every number has a text: `tests/extremes.rs` tests the extremes.

use crate::Millis;

/// Narrow no-break space, used between a number and its unit.
const THIN: char = '\u{202f}';

/// `840 ms`, `12.3 s`, `5 m 07 s`, `1 h 04 m`, `3 d 02 h`.
pub fn duration(ms: Millis) -> String {
    let ms = ms.max(0);
    let seconds = ms / 1000;
    match seconds {
        0 => format!("{ms}{THIN}ms"),
        1..60 => format!("{}.{}{THIN}s", seconds, ms % 1000 / 100),
        60..3600 => format!("{}{THIN}m {:02}{THIN}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}{THIN}h {:02}{THIN}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}{THIN}d {:02}{THIN}h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// A remaining time, rounded to a realistic precision: `~ 9 m left`, `~ 1 h 20 m left`.
pub fn remaining(ms: Millis) -> String {
    let minutes = ms.saturating_add(59_999) / 60_000;
    match minutes {
        ..=1 => "< 1\u{202f}m left".into(),
        2..60 => format!("~ {minutes}{THIN}m left"),
        60..1440 => format!("~ {}{THIN}h {:02}{THIN}m left", minutes / 60, minutes % 60 / 10 * 10),
        _ => format!("~ {}{THIN}d left", (minutes + 1439) / 1440),
    }
}

/// A range of durations: `~ 6 m to 11 m`, `~ 1 h 20 m`; below a minute `< 1 m`.
pub fn between(low: Millis, high: Millis) -> String {
    let rough = |ms: Millis| {
        let minutes = ms.saturating_add(30_000) / 60_000;
        match minutes {
            ..60 => format!("{}{THIN}m", minutes.max(1)),
            60..1440 => format!("{}{THIN}h {:02}{THIN}m", minutes / 60, minutes % 60 / 10 * 10),
            _ => format!("{}{THIN}d {:02}{THIN}h", minutes / 1440, minutes % 1440 / 60),
        }
    };
    let (from, to) = (rough(low), rough(high));
    match high {
        ..60_000 => format!("< 1{THIN}m"),
        _ if from == to => format!("~ {from}"),
        _ => format!("~ {from} to {to}"),
    }
}

/// `just now`, `4 min ago`, `3 h ago`, `yesterday`, `12 d ago`, `5 mo ago`, `2 y ago`.
pub fn ago(then: Millis, now: Millis) -> String {
    let minutes = now.saturating_sub(then).max(0) / 60_000;
    match minutes {
        0 => "just now".into(),
        1..60 => format!("{minutes} min ago"),
        60..1440 => format!("{} h ago", minutes / 60),
        1440..2880 => "yesterday".into(),
        2880..86_400 => format!("{} d ago", minutes / 1440),
        86_400..525_600 => format!("{} mo ago", minutes / 43_200),
        _ => format!("{} y ago", minutes / 525_600),
    }
}

/// `950 B`, `1.5 kB`, `12 GB`: powers of ten, as file managers count.
pub fn bytes(n: i64) -> String {
    let (mut value, mut unit) = (n.max(0) as f64, "B");
    for next in ["kB", "MB", "GB", "TB", "PB"] {
        if value < 999.5 {
            break;
        }
        (value, unit) = (value / 1000.0, next);
    }
    if unit == "B" || value >= 9.95 { format!("{value:.0} {unit}") } else { format!("{value:.1} {unit}").replace(".0 ", " ") }
}

/// [`bytes`] of a size as files have it.
pub fn size(bytes: u64) -> String {
    self::bytes(i64::try_from(bytes).unwrap_or(i64::MAX))
}

/// [`count`] of a number that is never negative.
pub fn many(n: u64) -> String {
    count(i64::try_from(n).unwrap_or(i64::MAX))
}

/// `12.25`: hours with hundredths, from seconds of processor time.
pub fn hours(seconds: i64) -> String {
    format!("{}.{:02}", seconds / 3_600, seconds % 3_600 / 36)
}

/// `12 480`; from a million up `1.2 M`.
pub fn count(n: i64) -> String {
    if n >= 1_000_000 {
        return format!("{}.{}{THIN}M", n / 1_000_000, n % 1_000_000 / 100_000);
    }
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + 2);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) && digit.is_ascii_digit() && !out.ends_with('-') {
            out.push(THIN);
        }
        out.push(digit);
    }
    out
}

/// A count with its noun: `1 run`, `12 runs`, `10 000+ runs`.
pub fn counted(total: crate::page::Total, one: &str, many: &str) -> String {
    let plus = if total.is_exact { "" } else { "+" };
    format!("{}{plus} {}", count(total.count), if total.count == 1 { one } else { many })
}

/// A count with a noun whose plural adds an s: `1 job`, `12 480 jobs`.
pub fn things(n: u64, one: &str) -> String {
    let says = many(n);
    if n == 1 { format!("{says} {one}") } else { format!("{says} {one}s") }
}

/// How many items a list leaves out: `1 more job`, `240 more outputs`.
pub fn more(n: u64, one: &str) -> String {
    things(n, &format!("more {one}"))
}

/// `2026-11-21 08:51:12 UTC`: exact, for titles and for readers without JavaScript.
pub fn utc(at: Millis) -> String {
    let (y, m, d) = civil(at.div_euclid(86_400_000));
    let s = at.rem_euclid(86_400_000) / 1000;
    format!("{y:04}-{m:02}-{d:02} {:02}:{:02}:{:02} UTC", s / 3600, s % 3600 / 60, s % 60)
}

/// `08:51`, hours and minutes in UTC.
pub fn clock(at: Millis) -> String {
    let minutes = at.rem_euclid(86_400_000) / 60_000;
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// `2026-11-21T08:51:12.345Z`, for `datetime` attributes.
pub fn iso(at: Millis) -> String {
    let (y, m, d) = civil(at.div_euclid(86_400_000));
    let ms = at.rem_euclid(86_400_000);
    let s = ms / 1000;
    format!("{y:04}-{m:02}-{d:02}T{:02}:{:02}:{:02}.{:03}Z", s / 3600, s % 3600 / 60, s % 60, ms % 1000)
}

/// `2026-11-21 08:51:12.345`, in whatever zone `at` is.
pub fn precise(at: Millis) -> String {
    iso(at).replace('T', " ").replace('Z', "")
}

/// The inverse of [`iso`]; seconds and their fraction may be left out, as may the `Z`. `None` for anything else.
pub fn of_iso(text: &str) -> Option<Millis> {
    let (date, time) = text.strip_suffix('Z').unwrap_or(text).split_once(['T', ' '])?;
    let mut date = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (y, m, d) = (date.next()??, date.next()??, date.next()??);
    let mut time = time.splitn(3, ':');
    let (hour, minute) = (time.next()?.parse::<i64>().ok()?, time.next()?.parse::<i64>().ok()?);
    let second = time.next().map_or(Some(0.0), |second| second.parse::<f64>().ok())?;
    let is_date = (1..=9999).contains(&y) && (1..=12).contains(&m) && (1..=31).contains(&d);
    let is_time = (0..24).contains(&hour) && (0..60).contains(&minute) && (0.0..60.0).contains(&second);
    (is_date && is_time).then(|| ((day_number(y, m, d) * 24 + hour) * 60 + minute) * 60_000 + (second * 1000.0).round() as Millis)
}

/// Year, month, day of a day number since 1970-01-01 (proleptic Gregorian).
pub const fn civil(day: i64) -> (i64, i64, i64) {
    let z = day.saturating_add(719_468);
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let d = doy - (153 * mp + 2) / 5 + 1;
    let m = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + if m <= 2 { 1 } else { 0 }, m, d)
}

/// Day number since 1970-01-01 of a date; the inverse of [`civil`].
pub const fn day_number(y: i64, m: i64, d: i64) -> i64 {
    let y = if m <= 2 { y.saturating_sub(1) } else { y };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let since_march = if m > 2 { m.saturating_sub(3) } else { m.saturating_add(9) };
    let doy = (since_march.saturating_mul(153).saturating_add(2) / 5).saturating_add(d).saturating_sub(1);
    let doe = (yoe * 365 + yoe / 4 - yoe / 100).saturating_add(doy);
    era.saturating_mul(146_097).saturating_add(doe).saturating_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        let said = [0, 950, 999, 1000, 1500, 9_999, 12_345_678, 999_600, 4_000_000_000_000].map(bytes);
        assert_eq!(said, ["0 B", "950 B", "999 B", "1 kB", "1.5 kB", "10 kB", "12 MB", "1 MB", "4 TB"]);
    }

    #[test]
    fn durations_keep_two_units() {
        for (ms, text) in
            [(0, "0 ms"), (840, "840 ms"), (12_340, "12.3 s"), (307_000, "5 m 07 s"), (3_840_000, "1 h 04 m"), (266_400_000, "3 d 02 h")]
        {
            assert_eq!(duration(ms).replace(THIN, " "), text);
        }
    }

    #[test]
    fn counts_are_grouped() {
        for (n, text) in [(7, "7"), (999, "999"), (12_480, "12 480"), (1_250_000, "1.2 M")] {
            assert_eq!(count(n).replace(THIN, " "), text);
        }
    }

    #[test]
    fn what_is_left_out_is_counted_with_its_word() {
        assert_eq!(
            [things(0, "job"), things(1, "job"), things(12_480, "job")].map(|text| text.replace(THIN, " ")),
            ["0 jobs", "1 job", "12 480 jobs"]
        );
        assert_eq!([more(1, "rule"), more(240, "benchmark file")], ["1 more rule", "240 more benchmark files"]);
    }

    #[test]
    fn dates_round_trip() {
        for day in (-200_000..200_000).step_by(37) {
            let (y, m, d) = civil(day);
            assert_eq!(day_number(y, m, d), day);
        }
        assert_eq!((iso(1_795_251_072_345).as_str(), clock(1_795_251_072_345).as_str()), ("2026-11-21T08:51:12.345Z", "08:51"));
        for (text, at) in [
            ("2026-11-21T08:51:12.345Z", Some(1_795_251_072_345)),
            ("2026-11-21 08:51", Some(1_795_251_060_000)),
            ("2026-13-21 08:51", None),
            ("2026-11-21T8:61", None),
            ("2026-11-21", None),
            ("99999999999999999999-1-1T1:1", None),
            ("-T:", None),
        ] {
            assert_eq!(of_iso(text), at, "{text}");
        }
    }

    #[test]
    fn ages_read_naturally() {
        for (minutes, text) in [(0, "just now"), (4, "4 min ago"), (185, "3 h ago"), (1500, "yesterday"), (17_300, "12 d ago")] {
            assert_eq!(ago(0, minutes * 60_000), text);
        }
    }
}
