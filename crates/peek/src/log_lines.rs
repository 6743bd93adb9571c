//! Bytes of a log as lines: split, decoded, with the colours a terminal would show. Server only; reads nothing.

use anstyle_parse::{Params, Parser, Perform, Utf8Parser};
use model::log::{Ink, Level, LogLine};

/// Letters of a line that are shown, and lines of a window.
const LONGEST: usize = 4_000;
pub const LINES: usize = 1_000;

/// Lines that follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines {
    pub lines: Vec<LogLine>,
    /// The bytes they come from: a line begins at `from`, and one begins or may begin at `to`. A last line that
    /// has no end yet begins there, too: it may grow.
    pub from: u64,
    pub to: u64,
}

/// Which lines of a window are wanted, if it has more than [`LINES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    First,
    Last,
}

/// The lines in `bytes`, which are those of a file from `from` on. `whole` says that they begin with a line,
/// `end` that the file has no more.
///
/// A line that is not whole is left to the window it begins or ends in, unless it is all there is.
pub fn lines(bytes: &[u8], from: u64, whole: bool, end: bool, side: Side) -> Lines {
    let begin = if whole { 0 } else { bytes.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1) };
    let stop = match bytes.iter().rposition(|byte| *byte == b'\n') {
        Some(last) if !end && last + 1 > begin => last + 1,
        _ => bytes.len(),
    };
    let mut pieces: Vec<(usize, usize)> = Vec::new();
    let mut at = begin;
    while at < stop {
        let next = bytes[at..stop].iter().position(|byte| *byte == b'\n').map_or(stop, |length| at + length + 1);
        pieces.push((at, next));
        at = next;
    }
    let chosen = match side {
        Side::First => &pieces[..pieces.len().min(LINES)],
        Side::Last => &pieces[pieces.len().saturating_sub(LINES)..],
    };
    let edge = |at: usize| from + at as u64;
    let mut screen = Screen::default();
    let mut parser = Parser::<Utf8Parser>::new();
    let lines = chosen.iter().map(|(begin, next)| {
        // The parser would pass over what is no UTF-8.
        let text = String::from_utf8_lossy(&bytes[*begin..*next]);
        for byte in text.bytes().filter(|byte| *byte != b'\n') {
            parser.advance(&mut screen, byte);
        }
        screen.line(edge(*begin))
    });
    let lines = lines.collect();
    let to = chosen.last().map_or(begin, |(begin, next)| if end && bytes[*next - 1] != b'\n' { *begin } else { *next });
    Lines { lines, from: edge(chosen.first().map_or(begin, |(begin, _)| *begin)), to: edge(to) }
}

/// One line of a terminal. Its ink outlives the line.
#[derive(Default)]
struct Screen {
    ink: Ink,
    text: Vec<(Ink, String)>,
    letters: usize,
    /// The next letter writes over the line.
    back: bool,
    cut: bool,
}

impl Screen {
    fn line(&mut self, at: u64) -> LogLine {
        let text = std::mem::take(&mut self.text);
        let cut = std::mem::take(&mut self.cut);
        self.letters = 0;
        self.back = false;
        let plain: String = text.iter().map(|(_, text)| text.as_str()).collect();
        LogLine { at, level: Level::of(&plain), text, cut }
    }

    fn put(&mut self, letter: char) {
        if std::mem::take(&mut self.back) {
            self.text.clear();
            self.letters = 0;
            self.cut = false;
        }
        if self.letters == LONGEST {
            self.cut = true;
            return;
        }
        self.letters += 1;
        match self.text.last_mut() {
            Some((ink, text)) if *ink == self.ink => text.push(letter),
            _ => self.text.push((self.ink, letter.into())),
        }
    }
}

impl Perform for Screen {
    fn print(&mut self, letter: char) {
        // What turns text around could make a line say what it does not.
        if !matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}') {
            self.put(letter);
        }
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\t' => self.put('\t'),
            b'\r' => self.back = true,
            _ => {}
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignore: bool, action: u8) {
        if action != b'm' || ignore || !intermediates.is_empty() {
            return;
        }
        let mut codes = params.iter();
        while let Some(code) = codes.next() {
            let ink = &mut self.ink;
            match code.first().copied().unwrap_or(0) {
                0 => *ink = Ink::default(),
                1 => ink.bold = true,
                2 => ink.dim = true,
                3 => ink.italic = true,
                4 => ink.underlined = code.get(1) != Some(&0),
                22 => (ink.bold, ink.dim) = (false, false),
                23 => ink.italic = false,
                24 => ink.underlined = false,
                code @ 30..=37 => ink.colour = (code - 29) as u8,
                code @ 90..=97 => ink.colour = (code - 89) as u8,
                39 => ink.colour = 0,
                // A colour by number or by its parts: its numbers must not be taken for codes.
                38 | 48 if code.len() == 1 => match codes.next().and_then(|kind| kind.first().copied()) {
                    Some(5) => drop(codes.next()),
                    Some(2) => drop(codes.nth(2)),
                    _ => return,
                },
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &Lines) -> Vec<String> {
        lines.lines.iter().map(|line| line.text.iter().map(|(_, text)| text.as_str()).collect()).collect()
    }

    #[test]
    fn windows_that_meet_give_each_line_once() {
        let log = (0..200).fold(String::new(), |log, n| log + &format!("line {n} {}\n", "x".repeat(n % 37))) + "open";
        for size in [16, 64, 100, 1000] {
            let (mut at, mut all) = (0, Vec::new());
            while at < log.len() {
                let end = (at + size.max(60)).min(log.len());
                let window = lines(&log.as_bytes()[at..end], at as u64, true, end == log.len(), Side::First);
                assert_eq!(window.from, at as u64);
                all.extend(texts(&window));
                if end == log.len() {
                    assert_eq!(window.to, log.len() as u64 - 4, "the last line may grow");
                    break;
                }
                assert!(window.to > at as u64, "it goes on");
                at = usize::try_from(window.to).unwrap();
            }
            assert_eq!(all, log.split('\n').collect::<Vec<_>>(), "{size}");
        }
    }

    #[test]
    fn the_line_that_began_before_is_left_out() {
        let window = lines(b"half\nwhole\nend", 100, false, true, Side::Last);
        assert_eq!((texts(&window), window.from, window.to), (vec!["whole".into(), "end".into()], 105, 111));
        let one = lines(b"no end in sight", 100, false, false, Side::First);
        assert_eq!((texts(&one), one.from, one.to), (vec!["no end in sight".into()], 100, 115));
        let none = lines(b"", 0, true, true, Side::Last);
        assert_eq!((texts(&none), none.from, none.to), (vec![], 0, 0));
        let last = lines("a\n".repeat(3 * LINES).as_bytes(), 0, true, true, Side::Last);
        assert_eq!((last.lines.len(), last.from, last.to), (LINES, 4 * LINES as u64, 6 * LINES as u64));
    }

    #[test]
    fn a_line_is_what_a_terminal_shows_in_the_end() {
        let log = "10 %\r100 %\r\n\u{1b}[1;31mred\u{1b}[0m plain\n\u{1b}[38;5;31mblue?\n\u{1b}]0;title\u{7}still\u{1b}[2K\u{1b}[0m\ta\u{8}\0b\n\u{202e}evil";
        let window = lines(log.as_bytes(), 0, true, true, Side::First);
        assert_eq!(texts(&window), ["100 %", "red plain", "blue?", "still\tab", "evil"]);
        let red = Ink { colour: 2, bold: true, ..Ink::default() };
        assert_eq!(window.lines[1].text, [(red, "red".to_owned()), (Ink::default(), " plain".to_owned())]);
        assert_eq!(window.lines[2].text[0].0, Ink::default(), "31 is a number of a colour there");
    }

    #[test]
    fn ink_outlives_a_line_and_letters_are_whole() {
        let window = lines("\u{1b}[33mone\ntwo\u{1b}[0m\n\u{fc}\u{1f9ec}".as_bytes(), 0, true, true, Side::First);
        assert_eq!(window.lines[1].text[0].0.colour, 4);
        assert_eq!(texts(&window)[2], "\u{fc}\u{1f9ec}");
        let broken = lines(b"a\xff\xfeb", 0, true, true, Side::First);
        assert_eq!(texts(&broken), ["a\u{fffd}\u{fffd}b"]);
        let long = lines("y".repeat(5 * LONGEST).as_bytes(), 0, true, true, Side::First);
        assert!(long.lines[0].cut && texts(&long)[0].len() == LONGEST);
    }
}
