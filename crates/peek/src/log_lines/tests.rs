//! Windows of logs of every kind, read from both ends, followed and read again.

use super::*;
use crate::{encoding, terminal::LONGEST};
use proptest::prelude::*;
use std::fmt::Write as _;

fn of(log: &[u8], part: LogPart) -> Lines {
    window(log, log.len() as u64, part, Encoding::UTF_8).expect("read")
}

fn texts(lines: &Lines) -> Vec<String> {
    lines.lines.iter().map(LogLine::plain).collect()
}

/// All of a log, window by window from its start.
fn forwards(log: &[u8], encoding: Encoding) -> Vec<LogLine> {
    let (mut at, mut all) = (0, Vec::<LogLine>::new());
    loop {
        let found = window(log, log.len() as u64, LogPart::From(at), encoding).expect("read");
        all.retain(|line| line.at < found.from);
        all.extend(found.lines);
        if found.to == at || found.to >= log.len() as u64 {
            return all;
        }
        assert!(found.to > at, "it goes on");
        at = found.to;
    }
}

/// All of a log, window by window from its end.
fn backwards(log: &[u8], encoding: Encoding) -> Vec<LogLine> {
    let mut found = window(log, log.len() as u64, LogPart::End, encoding).expect("read");
    let mut all = found.lines;
    while found.from > 0 {
        let from = found.from;
        found = window(log, log.len() as u64, LogPart::Before(from), encoding).expect("read");
        assert!(found.from < from, "it goes on");
        all.splice(0..0, found.lines);
    }
    all
}

fn plain(lines: &[LogLine]) -> Vec<String> {
    lines.iter().map(LogLine::plain).collect()
}

#[test]
fn windows_that_meet_give_each_line_once_in_both_directions() {
    let mut log = String::new();
    for n in 0..9_000 {
        let _ = writeln!(log, "line {n} {}", "x".repeat(n % 57));
    }
    log += "open";
    let wanted: Vec<String> = log.split('\n').map(str::to_owned).collect();
    assert!(log.len() as u64 > 2 * WINDOW);
    for encoding in [Encoding::UTF_8, Encoding::UTF_16LE, Encoding::UTF_32BE] {
        let bytes = encoding::encoded(&log, encoding).expect("letters");
        assert_eq!(plain(&forwards(&bytes, encoding)), wanted, "{encoding}");
        assert_eq!(plain(&backwards(&bytes, encoding)), wanted, "{encoding}");
    }
    let last = of(log.as_bytes(), LogPart::End);
    assert_eq!(last.to, log.len() as u64 - 4, "the last line may grow");
}

#[test]
fn a_line_is_read_from_its_beginning_wherever_one_asks() {
    let log = b"first\nsecond\nend";
    let found = of(log, LogPart::From(9));
    assert_eq!((texts(&found), found.from, found.to), (vec!["second".to_owned(), "end".to_owned()], 6, 13));
    let none = of(b"", LogPart::End);
    assert_eq!((texts(&none), none.from, none.to), (vec![], 0, 0));
    let none = of(log, LogPart::Before(0));
    assert_eq!((texts(&none), none.from, none.to), (vec![], 0, 0));
    let many = "a\n".repeat(3 * LINES);
    let last = of(many.as_bytes(), LogPart::End);
    assert_eq!((last.lines.len(), last.from, last.to), (LINES, 4 * LINES as u64, 6 * LINES as u64));
    assert_eq!(texts(&of(b"a\n\n\nb\n", LogPart::End)), ["a", "", "", "b"]);
}

#[test]
fn a_log_that_is_written_over_reads_the_same_while_it_grows_and_afterwards() {
    let mut log = "begin\n".to_owned();
    let (mut held, mut to) = (of(log.as_bytes(), LogPart::End).lines, log.len() as u64);
    // Longer than what is read whole, like a progress bar that ran for hours.
    for n in 1..=60_000 {
        let _ = write!(log, "\r{n} of 60000");
        if n % 997 == 0 || n < 30 {
            let news = of(log.as_bytes(), LogPart::From(to));
            assert!(news.from <= to, "the cached lines continue");
            held.retain(|line| line.at < news.from);
            held.extend(news.lines);
            to = news.to;
            let again = of(log.as_bytes(), LogPart::End);
            assert_eq!(plain(&held), ["begin".to_owned(), format!("{n} of 60000")], "followed");
            assert_eq!(held, again.lines, "read again");
        }
    }
    assert!(log.len() as u64 > 2 * WHOLE);
    log += "\nend\n";
    assert_eq!(plain(&forwards(log.as_bytes(), Encoding::UTF_8)), ["begin", "60000 of 60000", "end"]);
    assert_eq!(plain(&backwards(log.as_bytes(), Encoding::UTF_8)), ["begin", "60000 of 60000", "end"]);
    assert_eq!(texts(&of(log.as_bytes(), LogPart::End)), ["begin", "60000 of 60000", "end"], "one window has them all");
}

#[test]
fn bars_within_bars_read_the_same_while_they_are_drawn_and_afterwards() {
    let mut log = "begin\nouter 0".to_owned();
    let (mut held, mut to) = (Vec::<LogLine>::new(), 0);
    for outer in 1..=4 {
        for inner in 0..=900 {
            let _ = write!(log, "\n\rinner {inner:>4}\x1b[A");
            if inner % 100 == 0 {
                let news = of(log.as_bytes(), LogPart::From(to));
                assert!(news.from <= to);
                held.retain(|line| line.at < news.from);
                held.extend(news.lines);
                to = news.to;
                assert_eq!(plain(&held), ["begin".to_owned(), format!("outer {}", outer - 1), format!("inner {inner:>4}")]);
                assert_eq!(plain(&of(log.as_bytes(), LogPart::End).lines[..]).last(), plain(&held).last(), "read again");
            }
        }
        let _ = write!(log, "\router {outer}");
    }
    log += "\n\nend\n";
    let wanted = ["begin", "outer 4", "inner  900", "end"];
    assert_eq!(plain(&forwards(log.as_bytes(), Encoding::UTF_8)), wanted);
}

#[test]
fn a_line_longer_than_a_window_is_one_line_and_says_what_is_not_shown() {
    let long = "y".repeat(3 * WHOLE as usize);
    let log = format!("a\n{long}\nb\n");
    for lines in [forwards(log.as_bytes(), Encoding::UTF_8), backwards(log.as_bytes(), Encoding::UTF_8)] {
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[1].plain().len(), LONGEST);
        assert_eq!(lines[1].cut, (long.len() - LONGEST + 1) as u64, "with its end");
        assert_eq!((lines[1].at, lines[2].at), (2, 3 + long.len() as u64));
    }
}

#[test]
fn a_line_without_end_is_no_trap() {
    let log = vec![b'x'; SCANNED as usize + 3 * WINDOW as usize];
    let found = of(&log, LogPart::End);
    assert!(found.lines.len() < 4 && found.from < log.len() as u64);
    assert!(!forwards(&log, Encoding::UTF_8).is_empty());
    assert!(!backwards(&log, Encoding::UTF_8).is_empty());
}

#[test]
fn the_end_of_a_log_is_what_a_terminal_would_show() {
    let log = b"one\n10 %\r50 %\r100 %\r\n\x1b[31mred\x1b[0m\nnul \0\nend\n\n";
    let found = of(log, LogPart::End);
    assert_eq!(tail(&found.lines, 0, 10), ("one\n100 %\nred\nnul \u{2400}\nend".into(), false));
    assert_eq!(tail(&found.lines, 0, 2), ("nul \u{2400}\nend".into(), true));
    assert!(tail(&found.lines, 5, 10).1, "there are lines before it");
    assert_eq!(tail(&[], 0, 5), (String::new(), false));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever a program writes, each of its lines appears once, and following a log gives the same lines as reading it.
    #[test]
    fn any_log_is_the_same_followed_and_read(pieces in prop::collection::vec("[a-c\r\n\u{8}]{0,12}|\u{1b}\\[K|\u{1b}\\[31m|\u{1b}\\[2D", 0..40)) {
        let (mut log, mut held, mut to) = (String::new(), Vec::<LogLine>::new(), 0);
        for piece in &pieces {
            log += piece;
            let news = of(log.as_bytes(), LogPart::From(to));
            prop_assert!(news.from <= to && news.to >= to);
            held.retain(|line| line.at < news.from);
            held.extend(news.lines);
            to = news.to;
        }
        let read = of(log.as_bytes(), LogPart::End);
        // A later window does not know a style that an earlier window left active.
        prop_assert_eq!(plain(&held), plain(&read.lines));
        prop_assert_eq!(to, read.to);
    }
}
