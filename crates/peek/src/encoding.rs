//! Character encodings: determines the encoding of bytes, finds line breaks in them and decodes them. Knows no formats.
//!
//! A byte order mark decides; otherwise valid UTF-8 is UTF-8, and for anything else the likeliest encoding is guessed.
//! A reader's choice overrides all of this.

use crate::at::ReadAt;
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::Decoder;
use model::encoding::{Because, Encoding, ReadAs};
use std::{
    borrow::Cow,
    io::{self, Read},
};

/// How many bytes at the start of a file are used to determine its encoding.
pub const SNIFFED: usize = 64 << 10;
/// This many consecutive zeros are a hole in a file.
const HOLE: usize = 512;
/// How many bytes are decoded at a time.
const BLOCK: usize = 16 << 10;

/// The encoding of a file that begins with `head`; `None` if it is not text. `more` are bytes from elsewhere in it, if
/// any were read: a file may begin with a long stretch of ASCII.
pub fn sniff(head: &[u8], more: &[u8], chosen: Option<Encoding>) -> Option<ReadAs> {
    if let Some(encoding) = chosen {
        return Some(ReadAs::new(encoding, Because::Chosen));
    }
    if let Some((encoding, _)) = mark(head) {
        return Some(ReadAs::new(encoding, Because::Marked));
    }
    if let Some(encoding) = wide(head) {
        return Some(ReadAs::new(encoding, Because::Guessed));
    }
    let (first, second) = (Look::at(head, true), Look::at(more, false));
    if first.is_binary() {
        return None;
    }
    if first.is_utf8() && second.is_utf8() {
        return Some(ReadAs::new(Encoding::UTF_8, Because::Fits));
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(head, more.is_empty());
    if !more.is_empty() {
        detector.feed(more, true);
    }
    let guess = detector.guess(None, Utf8Detection::Allow).name();
    let encoding = guess.parse().unwrap_or(Encoding::UTF_8);
    Some(ReadAs::new(encoding, Because::Guessed))
}

/// Like [`sniff`], for anything that can be read from any position.
///
/// # Errors
/// The errors of reading.
pub fn of(text: &(impl ReadAt + ?Sized), chosen: Option<Encoding>) -> io::Result<Option<ReadAs>> {
    Ok(sniff(&text.part(0, SNIFFED)?, &[], chosen))
}

/// The encoding that a byte order mark names, and the length of the mark in bytes.
pub fn mark(head: &[u8]) -> Option<(Encoding, usize)> {
    Some(match head {
        [0xff, 0xfe, 0, 0, ..] => (Encoding::UTF_32LE, 4),
        [0, 0, 0xfe, 0xff, ..] => (Encoding::UTF_32BE, 4),
        [0xef, 0xbb, 0xbf, ..] => (Encoding::UTF_8, 3),
        [0xff, 0xfe, ..] => (Encoding::UTF_16LE, 2),
        [0xfe, 0xff, ..] => (Encoding::UTF_16BE, 2),
        _ => return None,
    })
}

/// An encoding of two or four bytes per unit without a mark: for ASCII letters, all bytes of a unit but one are zero.
fn wide(head: &[u8]) -> Option<Encoding> {
    let share = |width: usize, at: usize| {
        let units = head.len() / width;
        let zeros = head.chunks_exact(width).filter(|unit| unit[at] == 0).count();
        if units < 4 { 0.0 } else { zeros as f64 / units as f64 }
    };
    let (most, few) = (0.7, 0.05);
    if share(4, 0) < few && share(4, 1) > most && share(4, 2) > 0.95 && share(4, 3) > 0.95 {
        return Some(Encoding::UTF_32LE);
    }
    if share(4, 3) < few && share(4, 2) > most && share(4, 1) > 0.95 && share(4, 0) > 0.95 {
        return Some(Encoding::UTF_32BE);
    }
    if share(2, 0) < few && share(2, 1) > most {
        return Some(Encoding::UTF_16LE);
    }
    (share(2, 1) < few && share(2, 0) > most).then_some(Encoding::UTF_16BE)
}

/// Statistics of some bytes.
#[derive(Default)]
struct Look {
    length: usize,
    /// Multibyte sequences that are valid UTF-8, and bytes that belong to none.
    letters: usize,
    broken: usize,
    /// Control characters that do not occur in text. Consecutive zeros count once, those of a hole not at all.
    controls: usize,
}

impl Look {
    /// `begins`: the bytes begin at the start of a character.
    fn at(bytes: &[u8], begins: bool) -> Self {
        let mut look = Self { length: bytes.len(), ..Self::default() };
        let mut zeros = 0;
        for byte in bytes {
            let control = *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x07 | 0x08 | 0x0c | 0x1b);
            zeros = if *byte == 0 { zeros + 1 } else { 0 };
            match zeros {
                0 | 1 => look.controls += usize::from(control),
                // Nobody wrote this: a log that was truncated while a program kept writing begins like this.
                HOLE => (look.length, look.controls) = (look.length.saturating_sub(2), look.controls.saturating_sub(1)),
                _ => look.length -= 1,
            }
        }
        // Where the bytes were cut, the rest of a character at the start, or the start of one at the end, is not evidence.
        let cut = if begins { 0 } else { bytes.iter().take(3).take_while(|byte| (0x80..0xc0).contains(*byte)).count() };
        let mut chunks = bytes[cut..].utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            look.letters += chunk.valid().chars().filter(|letter| !letter.is_ascii()).count();
            let started = chunks.peek().is_none() && std::str::from_utf8(chunk.invalid()).is_err_and(|error| error.error_len().is_none());
            look.broken += usize::from(!chunk.invalid().is_empty() && !started);
        }
        look
    }

    /// A few invalid characters among many valid ones do not mean another encoding.
    const fn is_utf8(&self) -> bool {
        self.broken == 0 || self.broken * 10 < self.letters
    }

    const fn is_binary(&self) -> bool {
        let most = if self.is_utf8() { 30 } else { 3 };
        self.controls * 100 > self.length * most
    }
}

/// The minimum width of an encoding's characters, and the order of their bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Units {
    pub width: usize,
    big: bool,
}

impl Units {
    pub fn of(encoding: Encoding) -> Self {
        let (width, big) = match encoding {
            Encoding::UTF_16LE => (2, false),
            Encoding::UTF_16BE => (2, true),
            Encoding::UTF_32LE => (4, false),
            Encoding::UTF_32BE => (4, true),
            _ => (1, false),
        };
        Self { width, big }
    }

    /// The start of the unit that contains this byte of the file.
    pub const fn aligned(self, at: u64) -> u64 {
        at - at % self.width as u64
    }

    /// Whether the byte at `place` belongs to a unit that encodes this letter; returns where that unit begins. `bytes` begin with a unit.
    fn unit(self, bytes: &[u8], place: usize, letter: u8) -> Option<usize> {
        let begin = place - place % self.width;
        let low = if self.big { begin + self.width - 1 } else { begin };
        let unit = bytes.get(begin..begin + self.width)?;
        let plain = place == low && unit[low - begin] == letter;
        let alone = unit.iter().enumerate().all(|(at, byte)| begin + at == low || *byte == 0);
        (plain && alone).then_some(begin)
    }

    /// Finds the first occurrence of a letter in `bytes`, which begin with a unit: returns the position after it.
    pub fn after(self, bytes: &[u8], letter: u8) -> Option<usize> {
        memchr::memchr_iter(letter, bytes).find_map(|place| self.unit(bytes, place, letter)).map(|begin| begin + self.width)
    }

    /// Like [`after`](Self::after), for the last occurrence.
    pub fn after_last(self, bytes: &[u8], letter: u8) -> Option<usize> {
        memchr::memrchr_iter(letter, bytes).find_map(|place| self.unit(bytes, place, letter)).map(|begin| begin + self.width)
    }

    /// Like [`after`](Self::after), for all occurrences.
    pub fn all_after(self, bytes: &[u8], letter: u8) -> impl Iterator<Item = usize> {
        memchr::memchr_iter(letter, bytes).filter_map(move |place| self.unit(bytes, place, letter)).map(move |begin| begin + self.width)
    }

    /// How often a letter occurs in `bytes`, which begin with a unit.
    pub fn count(self, bytes: &[u8], letter: u8) -> usize {
        let all = memchr::memchr_iter(letter, bytes);
        if self.width == 1 { all.count() } else { all.filter(|place| self.unit(bytes, *place, letter).is_some()).count() }
    }
}

/// Decodes bytes. Invalid sequences become the replacement character; a byte order mark at the start is left out.
pub fn decoded(bytes: &[u8], encoding: Encoding) -> Cow<'_, str> {
    let bytes = match mark(bytes) {
        Some((marked, length)) if marked == encoding => &bytes[length..],
        _ => bytes,
    };
    if Units::of(encoding).width == 4 {
        let units = bytes.chunks(4).map(|unit| wide_letter(unit, encoding == Encoding::UTF_32BE));
        return Cow::Owned(units.collect());
    }
    foreign(encoding).decode_without_bom_handling(bytes).0
}

fn wide_letter(unit: &[u8], big: bool) -> char {
    let Ok(unit) = <[u8; 4]>::try_from(unit) else { return char::REPLACEMENT_CHARACTER };
    let number = if big { u32::from_be_bytes(unit) } else { u32::from_le_bytes(unit) };
    char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The encoding in the library's terms; UTF-8 for encodings that the library lacks.
fn foreign(encoding: Encoding) -> &'static encoding_rs::Encoding {
    encoding_rs::Encoding::for_label(encoding.as_str().as_bytes()).unwrap_or(encoding_rs::UTF_8)
}

/// A text encoded for searching in a file; `None` if it contains characters that the encoding cannot represent.
pub fn encoded(words: &str, encoding: Encoding) -> Option<Vec<u8>> {
    Some(match encoding {
        Encoding::UTF_16LE => words.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        Encoding::UTF_16BE => words.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        Encoding::UTF_32LE => words.chars().flat_map(|letter| u32::from(letter).to_le_bytes()).collect(),
        Encoding::UTF_32BE => words.chars().flat_map(|letter| u32::from(letter).to_be_bytes()).collect(),
        encoding => {
            let (bytes, _, lost) = foreign(encoding).encode(words);
            if lost {
                return None;
            }
            bytes.into_owned()
        }
    })
}

/// Decodes a text of any encoding to UTF-8, piece by piece. Memory: two blocks.
pub struct Utf8<R> {
    inner: R,
    how: How,
    read: Vec<u8>,
    made: Vec<u8>,
    given: usize,
    ended: bool,
}

enum How {
    Library(Box<Decoder>),
    /// Units of four bytes; the most significant byte comes first if true, otherwise last.
    Wide(bool),
}

impl<R: Read> Utf8<R> {
    pub fn new(inner: R, encoding: Encoding) -> Self {
        let how = match encoding {
            Encoding::UTF_32LE => How::Wide(false),
            Encoding::UTF_32BE => How::Wide(true),
            // The encoding's own mark is left out.
            encoding => How::Library(Box::new(foreign(encoding).new_decoder_with_bom_removal())),
        };
        Self { inner, how, read: Vec::new(), made: Vec::new(), given: 0, ended: false }
    }

    /// Reads a block and decodes it.
    fn go_on(&mut self) -> io::Result<()> {
        let held = self.read.len();
        self.read.resize(held + BLOCK, 0);
        let filled = loop {
            match self.inner.read(&mut self.read[held..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                filled => break filled,
            }
        };
        self.read.truncate(held + filled.as_ref().copied().unwrap_or_default());
        let filled = filled?;
        self.ended = filled == 0;
        self.given = 0;
        self.made.clear();
        match &mut self.how {
            How::Library(decoder) => {
                let room = decoder.max_utf8_buffer_length(self.read.len()).unwrap_or(4 * BLOCK);
                self.made.resize(room, 0);
                let (_, taken, made, _) = decoder.decode_to_utf8(&self.read, &mut self.made, self.ended);
                self.made.truncate(made);
                self.read.drain(..taken);
            }
            How::Wide(big) => {
                let whole = if self.ended { self.read.len() } else { self.read.len() - self.read.len() % 4 };
                let text: String =
                    self.read[..whole].chunks(4).map(|unit| wide_letter(unit, *big)).filter(|letter| *letter != '\u{feff}').collect();
                self.made = text.into_bytes();
                self.read.drain(..whole);
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Utf8<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.made.len() {
            if self.ended {
                return Ok(0);
            }
            self.go_on()?;
        }
        let most = buffer.len().min(self.made.len() - self.given);
        buffer[..most].copy_from_slice(&self.made[self.given..self.given + most]);
        self.given += most;
        Ok(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str = "name,value\nalpha,1\nbeta,2\n";

    fn written(text: &str, encoding: Encoding, marked: bool) -> Vec<u8> {
        let text = if marked { format!("\u{feff}{text}") } else { text.to_owned() };
        encoded(&text, encoding).expect("it has these letters")
    }

    fn name(found: Option<ReadAs>) -> Option<(&'static str, Because)> {
        found.map(|found| (found.encoding.as_str(), found.because))
    }

    #[test]
    fn marks_and_zeros_tell_wide_letters() {
        let wide = [Encoding::UTF_16LE, Encoding::UTF_16BE, Encoding::UTF_32LE, Encoding::UTF_32BE];
        for encoding in wide {
            for (marked, because) in [(true, Because::Marked), (false, Because::Guessed)] {
                let bytes = written(TEXT, encoding, marked);
                assert_eq!(sniff(&bytes, &[], None), Some(ReadAs::new(encoding, because)), "{marked}");
                assert_eq!(decoded(&bytes, encoding), TEXT);
            }
        }
        let marked = written(TEXT, Encoding::UTF_8, true);
        assert_eq!((name(sniff(&marked, &[], None)), decoded(&marked, Encoding::UTF_8).as_ref()), (Some(("UTF-8", Because::Marked)), TEXT));
    }

    #[test]
    fn legacy_encodings_are_guessed_and_a_choice_wins() {
        let cases = [
            ("windows-1252", "Die Größe der Öffnung beträgt 3 mm, für Ärzte überraschend.\n"),
            ("Shift_JIS", "これは日本語のログファイルです。エラーはありません。\n"),
            ("GBK", "这是一个中文日志文件,没有任何错误。测试完成。\n"),
            ("windows-1251", "Это русский текст журнала, ошибок нет, проверка завершена.\n"),
        ];
        for (encoding, text) in cases {
            let bytes = encoded(text, encoding.parse().unwrap()).unwrap();
            assert_eq!(name(sniff(&bytes, &[], None)), Some((encoding, Because::Guessed)), "{text}");
            assert_eq!(decoded(&bytes, encoding.parse().unwrap()), text);
            assert_eq!(name(sniff(b"plain\n", &bytes, None)), Some((encoding, Because::Guessed)), "later in the file");
        }
        assert_eq!(name(sniff("Größe\n".as_bytes(), &[], None)), Some(("UTF-8", Because::Fits)));
        assert_eq!(name(sniff(&"Größe\n".as_bytes()[..3], &[], None)), Some(("UTF-8", Because::Fits)), "half a letter");
        assert_eq!(name(sniff(b"x", &[], Some(Encoding::UTF_16BE))), Some(("UTF-16BE", Because::Chosen)));
    }

    #[test]
    fn zeros_in_a_text_leave_it_text_and_programs_are_none() {
        assert_eq!(name(sniff(b"before\nwith \0\0 nul\nafter\n", &[], None)), Some(("UTF-8", Because::Fits)));
        let mut hole = b"before\n".to_vec();
        hole.resize(30_000, 0);
        hole.extend(b"after\n");
        assert_eq!(name(sniff(&hole, &[], None)), Some(("UTF-8", Because::Fits)), "a hole that was never written");
        assert_eq!(name(sniff(&vec![0; 70_000], &[], None)), Some(("UTF-8", Because::Fits)), "only a hole");
        assert_eq!(sniff(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0\x01\0\0\0", &[], None), None);
        let noise: Vec<u8> = (0..4_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        assert_eq!(sniff(&noise, &[], None), None);
        assert_eq!(name(sniff(b"", &[], None)), Some(("UTF-8", Because::Fits)));
    }

    #[test]
    fn ends_of_lines_are_whole_units() {
        // U+0A0A, U+010A and U+0A00 contain the byte of a line break but are not line breaks.
        let text = "\u{a0a}\u{10a}\n\u{a00}x\n";
        for encoding in [Encoding::UTF_16LE, Encoding::UTF_16BE, Encoding::UTF_32LE, Encoding::UTF_32BE, Encoding::UTF_8] {
            let (bytes, units) = (written(text, encoding, false), Units::of(encoding));
            let first = written("\u{a0a}\u{10a}\n", encoding, false).len();
            assert_eq!((units.after(&bytes, b'\n'), units.after_last(&bytes, b'\n')), (Some(first), Some(bytes.len())), "{encoding}");
            assert_eq!(units.count(&bytes, b'\n'), 2, "{encoding}");
        }
    }

    proptest! {
        /// Decoding a text piece by piece gives the same result as decoding it whole.
        #[test]
        fn pieces_say_what_the_whole_says(text in "[a-z\u{e4}\u{a0a}\u{1f9ec}\n]{0,60}", which in 0..5_usize, size in 1..9_usize) {
            struct Slow<'a>(&'a [u8], usize);
            impl Read for Slow<'_> {
                fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                    let most = self.1.min(self.0.len()).min(buffer.len());
                    buffer[..most].copy_from_slice(&self.0[..most]);
                    self.0 = &self.0[most..];
                    Ok(most)
                }
            }
            let encoding = [Encoding::UTF_8, Encoding::UTF_16LE, Encoding::UTF_16BE, Encoding::UTF_32LE, Encoding::UTF_32BE][which];
            let bytes = written(&text, encoding, true);
            let mut read = String::new();
            Utf8::new(Slow(&bytes, size), encoding).read_to_string(&mut read).unwrap();
            prop_assert_eq!(&read, &text);
            prop_assert_eq!(decoded(&bytes, encoding), text);
        }
    }
}
