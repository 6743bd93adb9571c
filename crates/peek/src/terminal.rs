//! What a terminal finally shows of some lines: after overwriting, cursor movements and colours. Reads nothing.
//!
//! Supports what progress bars and compilers use: `\r`, backspace, cursor movements within the given lines, erasing,
//! and styles. The screen has no right edge and no bottom.

use anstyle_parse::{Params, Parser, Perform, Utf8Parser};
use model::log::{Ink, Level, LogLine};

/// How many letters of a line are kept.
pub const LONGEST: usize = 4_000;
/// How many lines the cursor moves up at once at most: more than any terminal has.
const HIGHEST: usize = 400;

/// The lines on the screen, and the cursor.
#[derive(Default)]
pub struct Screen {
    rows: Vec<Row>,
    row: usize,
    column: usize,
    ink: Ink,
    /// The number of lines of the file that were written to an existing row since the last row was added.
    skipped: u64,
    /// The topmost row that was written or moved to.
    highest: Option<usize>,
    /// A movement would have led above the first row.
    beyond: bool,
    /// How many letters beyond [`LONGEST`] are kept if they are written consecutively.
    more: usize,
}

#[derive(Default)]
struct Row {
    at: u64,
    skipped: u64,
    letters: Vec<(Ink, char)>,
    /// The number of letters that are not kept.
    cut: usize,
}

impl Screen {
    /// Writes one more line of the file, which begins at byte `at`; `text` excludes the line break.
    ///
    /// Except for colours, a line's unfinished sequences do not affect the next line.
    pub fn line(&mut self, at: u64, text: &str) {
        if !self.rows.is_empty() {
            self.row += 1;
        }
        if self.row == self.rows.len() {
            self.rows.push(Row { at, skipped: std::mem::take(&mut self.skipped), ..Row::default() });
        } else {
            self.skipped += 1;
        }
        self.highest = Some(self.highest.map_or(self.row, |highest| highest.min(self.row)));
        self.column = 0;
        let mut parser = Parser::<Utf8Parser>::new();
        for byte in text.bytes() {
            parser.advance(self, byte);
        }
    }

    /// A movement would have led above the first line: the lines before it should be written, too.
    pub const fn is_beyond(&self) -> bool {
        self.beyond
    }

    /// The number of rows so far. Movements from now on are recorded separately for [`touched`](Self::touched).
    pub fn mark(&mut self) -> usize {
        self.highest = None;
        self.rows.len()
    }

    /// The first row that was added or moved to since a mark.
    pub fn touched(&self, mark: usize) -> usize {
        self.highest.map_or(mark, |highest| highest.min(mark))
    }

    /// The lines from `first` on.
    pub fn lines(self, first: usize) -> Vec<LogLine> {
        let lines = self.rows.into_iter().skip(first).enumerate().map(|(nth, row)| {
            // The first line has no previous line from which to count.
            let skipped = if nth == 0 { 0 } else { row.skipped };
            LogLine { skipped, ..row.shown() }
        });
        lines.collect()
    }

    fn here(&mut self) -> Option<&mut Row> {
        self.rows.get_mut(self.row)
    }

    fn put(&mut self, letter: char) {
        let (column, ink) = (self.column, self.ink);
        self.column = self.column.saturating_add(1);
        let more = self.more;
        let Some(row) = self.here() else { return };
        let longest = LONGEST + more;
        if column >= longest || (column >= LONGEST && column > row.letters.len()) {
            row.cut = row.cut.max(column + 1 - row.letters.len().max(LONGEST).min(column));
            return;
        }
        while row.letters.len() < column {
            row.letters.push((Ink::default(), ' '));
        }
        match row.letters.get_mut(column) {
            Some(place) => *place = (ink, letter),
            None => row.letters.push((ink, letter)),
        }
    }

    fn up(&mut self, rows: usize) {
        self.beyond |= rows > self.row;
        self.row = self.row.saturating_sub(rows.min(HIGHEST));
        self.highest = Some(self.highest.map_or(self.row, |highest| highest.min(self.row)));
    }

    /// Only as far as there are rows: further rows are added with their lines.
    fn down(&mut self, rows: usize) {
        self.row = (self.row + rows).min(self.rows.len().saturating_sub(1));
    }

    fn erase_line(&mut self, which: u16) {
        let column = self.column;
        let Some(row) = self.here() else { return };
        match which {
            0 => {
                row.letters.truncate(column);
                row.cut = 0;
            }
            1 => row.letters.iter_mut().take(column + 1).for_each(|place| *place = (Ink::default(), ' ')),
            _ => {
                row.letters.clear();
                row.cut = 0;
            }
        }
    }

    /// Erases everything from the cursor on. The rows above stay: unlike a screen, a log is not cleared.
    fn erase_below(&mut self) {
        self.erase_line(0);
        for row in self.rows.iter_mut().skip(self.row + 1) {
            row.letters.clear();
            row.cut = 0;
        }
    }

    fn colours(&mut self, params: &Params) {
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
                // A colour by number or by components: its parameters must not be mistaken for codes.
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

impl Row {
    fn shown(self) -> LogLine {
        let mut text: Vec<(Ink, String)> = Vec::new();
        for (ink, letter) in self.letters {
            match text.last_mut() {
                Some((last, text)) if *last == ink => text.push(letter),
                _ => text.push((ink, letter.into())),
            }
        }
        let line = LogLine { at: self.at, text, cut: self.cut as u64, ..LogLine::default() };
        LogLine { level: Level::of(&line.plain()), ..line }
    }
}

impl Perform for Screen {
    fn print(&mut self, letter: char) {
        // Direction marks could make a line read differently from its content.
        if !matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{7f}'..='\u{9f}')
        {
            self.put(letter);
        }
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\t' => self.put('\t'),
            b'\r' => self.column = 0,
            0x08 => self.column = self.column.saturating_sub(1),
            0 => self.put('\u{2400}'),
            _ => {}
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignore: bool, action: u8) {
        if ignore || !intermediates.is_empty() {
            return;
        }
        let first = params.iter().next().and_then(|code| code.first().copied()).unwrap_or(0);
        let times = usize::from(first.max(1));
        match action {
            b'm' => self.colours(params),
            b'K' => self.erase_line(first),
            b'J' if first == 0 => self.erase_below(),
            b'A' => self.up(times),
            b'B' => self.down(times),
            b'C' => self.column = self.column.saturating_add(times),
            b'D' => self.column = self.column.saturating_sub(times),
            b'E' => {
                self.down(times);
                self.column = 0;
            }
            b'F' => {
                self.up(times);
                self.column = 0;
            }
            b'G' => self.column = times - 1,
            _ => {}
        }
    }

    fn esc_dispatch(&mut self, intermediates: &[u8], ignore: bool, byte: u8) {
        // Up by one row, like `ESC [ A`.
        if byte == b'M' && intermediates.is_empty() && !ignore {
            self.up(1);
        }
    }
}

/// The text that finally remains visible, complete. If the cursor jumps too far right in a line, also how many letters are missing.
pub fn shown(text: &str) -> String {
    let mut screen = Screen { more: text.len(), ..Screen::default() };
    let mut at = 0;
    for line in text.split('\n') {
        screen.line(at, line.strip_suffix('\r').unwrap_or(line));
        at += line.len() as u64 + 1;
    }
    let lines = screen.lines(0);
    let lines: Vec<String> = lines
        .iter()
        .map(|line| if line.cut > 0 { format!("{}… ({} more letters)", line.plain(), line.cut) } else { line.plain() })
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    fn shown(text: &str) -> Vec<LogLine> {
        let (mut screen, mut at) = (Screen::default(), 0);
        for line in text.split('\n') {
            screen.line(at, line);
            at += line.len() as u64 + 1;
        }
        screen.lines(0)
    }

    fn texts(text: &str) -> Vec<String> {
        shown(text).iter().map(LogLine::plain).collect()
    }

    #[test]
    fn lines_are_written_over_as_a_terminal_does() {
        for (text, wanted) in [
            ("10 %\r100 %\r", "100 %"),
            ("\r1%\r2%\r60%", "60%"),
            ("100%\r9%", "9%0%"),
            ("100%\r\x1b[K9%", "9%"),
            ("abc\x08\x08X", "aXc"),
            ("\x08a", "a"),
            ("abc\x1b[2K\rd", "d"),
            ("abcdef\x1b[3D\x1b[1Kg", "   gef"),
            ("ab\x1b[3Cc", "ab   c"),
            ("abcdef\x1b[2GX", "aXcdef"),
            ("with \0\0 nul", "with \u{2400}\u{2400} nul"),
            ("\u{202e}evil\u{9b}31m", "evil31m"),
            ("\x1b]0;title", ""),
        ] {
            assert_eq!(texts(text), [wanted], "{text:?}");
        }
    }

    #[test]
    fn nested_progress_bars_stay_two_lines() {
        let mut log = "outer 0/2\n".to_owned();
        for outer in 1..=2 {
            for inner in 1..=30 {
                let _ = write!(log, "\rinner {inner}/30\x1b[A\n");
            }
            let _ = write!(log, "\x1b[A\router {outer}/2\n");
        }
        log += "\nend";
        let lines = shown(&log);
        assert_eq!(lines.iter().map(LogLine::plain).collect::<Vec<_>>(), ["outer 2/2", "inner 30/30", "end"]);
        let skipped: u64 = lines.iter().map(|line| line.skipped).sum();
        assert_eq!(skipped + lines.len() as u64, log.split('\n').count() as u64, "every line has its number");
        // The library rich erases what it drew and moves up.
        assert_eq!(texts("a 1\nb 1\r\x1b[2K\x1b[1A\x1b[2Ka 2\nb 2"), ["a 2", "b 2"]);
        assert_eq!(texts("a\nb\nc\x1b[2A\r\x1b[Jd"), ["d", "", ""]);
    }

    #[test]
    fn a_move_above_the_first_line_is_noticed() {
        let mut screen = Screen::default();
        screen.line(0, "a");
        screen.line(2, "\x1b[Ab");
        assert!(!screen.is_beyond());
        screen.line(9, "\x1b[2Ac");
        assert!(screen.is_beyond());
    }

    #[test]
    fn ink_outlives_a_line_and_is_no_letter() {
        let lines = shown("\x1b[1;31mred\x1b[0m plain\n\x1b[38;5;31mblue?\n\x1b[33mone\ntwo");
        let red = Ink { colour: 2, bold: true, ..Ink::default() };
        assert_eq!(lines[0].text, [(red, "red".to_owned()), (Ink::default(), " plain".to_owned())]);
        assert_eq!(lines[1].text[0].0, Ink::default(), "31 is a number of a colour there");
        assert_eq!(lines[3].text[0].0.colour, 4);
    }

    #[test]
    fn letters_that_are_not_kept_are_counted() {
        let lines = shown(&"y".repeat(LONGEST + 7));
        assert_eq!((lines[0].plain().len(), lines[0].cut), (LONGEST, 7));
        assert_eq!(shown(&format!("{}\rx\x1b[K", "y".repeat(LONGEST + 7)))[0].cut, 0);
        // A cursor far to the right must not create a line of that length.
        assert!(shown("\x1b[65535Cx")[0].plain().is_empty());
    }

    #[test]
    fn a_text_is_what_is_left_of_it_in_the_end() {
        for (text, left) in [
            ("", ""),
            ("a\nb\n", "a\nb\n"),
            ("\r  0%|     | 0/3\r 33%|#    | 1/3\r100%|#####| 3/3\n", "100%|#####| 3/3\n"),
            ("windows\r\nlines\r\n", "windows\nlines\n"),
            ("typo\u{8}\u{8}ing\u{8}", "tying"),
            ("\u{1b}[1;31mred\u{1b}[0m \u{1b}]0;title\u{7}plain", "red plain"),
            ("outer 0\ninner 0\u{1b}[A\router 1\n\rinner 1\n", "outer 1\ninner 1\n"),
        ] {
            assert_eq!(super::shown(text), left, "{text:?}");
        }
        assert_eq!(super::shown(&"y".repeat(LONGEST + 7)).len(), LONGEST + 7, "a whole text keeps its lines");
        assert!(super::shown(&"\x1b[65535Cx\n".repeat(1_000)).len() < 100_000, "a jump makes no line that long");
    }
}
