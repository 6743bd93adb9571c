//! Windows of logs: which lines of a file they contain, and what a terminal shows of these lines. Knows no paths and no pages.
//!
//! A line of the file ends with its line break. A line that a program overwrote for hours may have up to [`SCANNED`]
//! bytes; if it is longer than [`WHOLE`], only the part that is visible in the end is read.

use crate::{
    at::ReadAt,
    encoding::{Units, decoded},
    terminal::Screen,
};
use model::{
    encoding::Encoding,
    log::{LogLine, LogPart},
};
use std::io;

/// How many lines and bytes a window has.
pub const LINES: usize = 1_000;
pub const WINDOW: u64 = 96 << 10;
/// How many bytes one line counts for at most, however long it is: no more of it is shown.
const LINE: u64 = 16 << 10;
/// How many bytes are searched for a line break.
const SCANNED: u64 = 64 << 20;
/// A line longer than [`WHOLE`] is not read whole; only [`PART`] bytes of its start or its end are.
const WHOLE: u64 = 256 << 10;
const PART: u64 = 64 << 10;
/// How far before a window a terminal's cursor may have moved up (bytes).
const REGION: u64 = 1 << 20;
/// How many bytes of the line before a window are searched for a cursor movement.
const MOVES: u64 = 4 << 10;
/// How many bytes are read at a time.
const BLOCK: u64 = 128 << 10;

/// Consecutive lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    pub lines: Vec<LogLine>,
    /// The bytes that the lines come from: a line begins at `from`, and a line begins or may begin at `to`. If the last
    /// line is not terminated, `to` is its beginning, because it may still grow.
    pub from: u64,
    pub to: u64,
    /// The file's last line is included and not terminated.
    pub open: bool,
}

/// A window of a log of `size` bytes.
///
/// If the terminal's cursor moved up above the requested lines, the lines that it moved to come first.
///
/// # Errors
/// The errors of reading.
pub fn window(text: &(impl ReadAt + ?Sized), size: u64, part: LogPart, encoding: Encoding) -> io::Result<Lines> {
    let mut log = Log { text, size, encoding, units: Units::of(encoding), block: Vec::new(), at: 0 };
    let spans = match part {
        LogPart::End => log.before(size, WINDOW, LINES)?,
        LogPart::Before(to) => log.before(log.units.aligned(to.min(size)), WINDOW, LINES)?,
        LogPart::From(from) => {
            let from = log.begin(log.units.aligned(from.min(size)))?;
            log.after(from)?
        }
    };
    let (Some(first), Some(last)) = (spans.first().copied(), spans.last().copied()) else {
        let at = match part {
            LogPart::End => size,
            LogPart::Before(at) | LogPart::From(at) => at.min(size),
        };
        return Ok(Lines { lines: Vec::new(), from: at, to: at, open: false });
    };
    let lines = log.shown(&spans)?;
    let to = if last.ended { last.next } else { last.begin };
    Ok(Lines { from: lines.first().map_or(first.begin, |line| line.at), to, open: !last.ended, lines })
}

/// A line of the file: where it begins, where the next one begins, and whether it is terminated.
#[derive(Clone, Copy, Debug)]
struct Span {
    begin: u64,
    next: u64,
    ended: bool,
}

struct Log<'a, T: ?Sized> {
    text: &'a T,
    size: u64,
    encoding: Encoding,
    units: Units,
    /// The block that was read last, and its position.
    block: Vec<u8>,
    at: u64,
}

impl<T: ReadAt + ?Sized> Log<'_, T> {
    /// Bytes from a position on, up to the end of a block. They begin with a unit if `from` does.
    fn from(&mut self, from: u64) -> io::Result<&[u8]> {
        let end = self.at + self.block.len() as u64;
        if self.block.is_empty() || from < self.at || from >= end {
            self.block = self.text.part(from, BLOCK.min(self.size.saturating_sub(from)) as usize)?;
            self.at = from;
        }
        Ok(self.block.get((from - self.at) as usize..).unwrap_or_default())
    }

    /// Bytes before a position, back to the start of a block, and where they begin.
    fn until(&mut self, to: u64) -> io::Result<(u64, &[u8])> {
        let end = self.at + self.block.len() as u64;
        if self.block.is_empty() || to <= self.at || to > end {
            let from = to.saturating_sub(BLOCK);
            self.block = self.text.part(from, (to - from) as usize)?;
            self.at = from;
        }
        let length = self.block.len().min((to - self.at) as usize);
        Ok((self.at, &self.block[..length]))
    }

    /// The beginning of the line that contains this byte.
    fn begin(&mut self, at: u64) -> io::Result<u64> {
        let units = self.units;
        let (mut to, least) = (at, at.saturating_sub(SCANNED));
        let mut begin = 0;
        while to > least {
            let (from, bytes) = self.until(to)?;
            if let Some(place) = units.after_last(bytes, b'\n') {
                begin = from + place as u64;
                break;
            }
            if bytes.is_empty() {
                return Ok(at); // The file was truncated.
            }
            to = from;
        }
        // A line longer than the searched range is split at the requested position.
        Ok(if at - begin >= SCANNED { at } else { begin })
    }

    /// The line that begins here.
    fn line(&mut self, begin: u64) -> io::Result<Span> {
        let (units, mut from) = (self.units, begin);
        while from < self.size && from - begin < SCANNED {
            let bytes = self.from(from)?;
            if let Some(place) = units.after(bytes, b'\n') {
                return Ok(Span { begin, next: from + place as u64, ended: true });
            }
            if bytes.is_empty() {
                break; // The file was truncated.
            }
            from += bytes.len() as u64;
        }
        Ok(Span { begin, next: from, ended: from < self.size })
    }

    /// Lines from here on.
    fn after(&mut self, from: u64) -> io::Result<Vec<Span>> {
        let (mut spans, mut at, mut cost) = (Vec::new(), from, 0);
        while at < self.size && at - from < SCANNED && spans.len() < LINES && cost < WINDOW {
            let span = self.line(at)?;
            if span.next == span.begin {
                break;
            }
            cost += (span.next - span.begin).min(LINE);
            at = span.next;
            spans.push(span);
        }
        Ok(spans)
    }

    /// Lines that end before this byte: about `most` bytes of them, and at most `lines` lines.
    fn before(&mut self, to: u64, most: u64, lines: usize) -> io::Result<Vec<Span>> {
        let (mut spans, mut next, mut cost) = (Vec::new(), to, 0);
        let least = to.saturating_sub(SCANNED);
        while next > least && spans.len() < lines && cost < most {
            let width = self.units.width as u64;
            let begin = self.begin(self.units.aligned(next - 1))?;
            // A line with no beginning in range is split at the limit.
            let begin = if begin + width == next && begin > 0 && !self.ends(begin)? { next.saturating_sub(SCANNED) } else { begin };
            let ended = next < to || self.ends(next)?;
            cost += (next - begin).min(LINE);
            spans.push(Span { begin, next, ended });
            next = begin;
        }
        spans.reverse();
        Ok(spans)
    }

    /// Whether a line ends directly before this byte.
    fn ends(&mut self, at: u64) -> io::Result<bool> {
        let width = self.units.width as u64;
        if at < width {
            return Ok(at == 0);
        }
        let bytes = self.text.part(at - width, width as usize)?;
        Ok(self.units.after(&bytes, b'\n').is_some())
    }

    /// What a terminal shows of these lines, and of earlier lines to which its cursor moved.
    fn shown(&mut self, spans: &[Span]) -> io::Result<Vec<LogLine>> {
        let mut screen = Screen::default();
        let left_out = self.write(&mut screen, spans)?;
        let first = spans.first().map_or(0, |span| span.begin);
        if first > 0 && (screen.is_beyond() || self.went_up(first)?) {
            let earlier = self.before(first, REGION, usize::MAX)?;
            let mut whole = Screen::default();
            let mut left = self.write(&mut whole, &earlier)?;
            let mark = whole.mark();
            left.extend(self.write(&mut whole, spans)?);
            // If the cursor moves above the earlier lines too, they add nothing to the requested lines.
            if !whole.is_beyond() {
                let first = whole.touched(mark);
                return Ok(counted(whole.lines(first), &left));
            }
        }
        Ok(counted(screen.lines(0), &left_out))
    }

    /// Whether the cursor moved up in the line before this one, so that this line overwrites another.
    fn went_up(&mut self, first: u64) -> io::Result<bool> {
        let from = first.saturating_sub(MOVES);
        let bytes = self.text.part(from, (first - from) as usize)?;
        let ended = bytes.len().saturating_sub(self.units.width);
        let begin = self.units.after_last(&bytes[..ended], b'\n').unwrap_or(0);
        Ok(moves_up(&decoded(&bytes[begin..], self.encoding)))
    }

    /// Writes lines on a screen. Returns which of them were written only in part, and how many bytes of each were left out.
    fn write(&mut self, screen: &mut Screen, spans: &[Span]) -> io::Result<Vec<(u64, u64)>> {
        let mut left_out = Vec::new();
        for span in spans {
            let (bytes, left) = self.bytes(*span)?;
            let text = decoded(&bytes, self.encoding);
            screen.line(span.begin, text.strip_suffix('\n').unwrap_or(&text));
            if left > 0 {
                left_out.push((span.begin, left));
            }
        }
        Ok(left_out)
    }

    /// The bytes of a line; of a very long line, the part that was overwritten last, or its start. Also returns how
    /// many visible bytes were left out.
    fn bytes(&mut self, span: Span) -> io::Result<(Vec<u8>, u64)> {
        let length = span.next - span.begin;
        if length <= WHOLE {
            return Ok((self.text.part(span.begin, length as usize)?, 0));
        }
        let from = self.units.aligned(span.next - PART);
        let end = self.text.part(from, (span.next - from) as usize)?;
        // The line break may include a carriage return.
        let trimmed = end.len().saturating_sub(2 * self.units.width);
        match self.units.after(&end[..trimmed], b'\r') {
            Some(begin) => Ok((end[begin..].to_vec(), 0)),
            None => Ok((self.text.part(span.begin, PART as usize)?, length - PART)),
        }
    }
}

/// The lines, with the bytes that were left out of them before they were written.
fn counted(mut lines: Vec<LogLine>, left_out: &[(u64, u64)]) -> Vec<LogLine> {
    for (at, left) in left_out {
        if let Some(line) = lines.iter_mut().find(|line| line.at == *at) {
            line.cut += left;
        }
    }
    lines
}

/// Whether a text moves a terminal's cursor up.
fn moves_up(text: &str) -> bool {
    text.split('\u{1b}').skip(1).any(|code| {
        let moved = code.strip_prefix('[').map(|code| code.trim_start_matches(|c: char| c.is_ascii_digit()));
        code.starts_with('M') || moved.is_some_and(|code| code.starts_with(['A', 'F']))
    })
}

/// The last `most` of some lines as plain text, without empty lines at the end, and whether there are more before them;
/// the first of the lines begins at `from`.
pub fn tail(lines: &[LogLine], from: u64, most: usize) -> (String, bool) {
    let mut all: Vec<String> = lines.iter().map(cut_said).collect();
    while all.last().is_some_and(|line| line.trim_end().is_empty()) {
        all.pop();
    }
    let first = all.len().saturating_sub(most);
    let text: Vec<&str> = all[first..].iter().map(|line| line.trim_end()).collect();
    (text.join("\n"), from > 0 || first > 0)
}

fn cut_said(line: &LogLine) -> String {
    let plain = line.plain();
    if line.cut == 0 { plain } else { format!("{plain} \u{2026} {} more letters", line.cut) }
}

#[cfg(test)]
mod tests;
