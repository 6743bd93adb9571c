//! A file as a log: its lines if it is text, compressed or not; otherwise its first bytes. Knows no paths.
//!
//! Compressed files are read in a separate process ([`crate::ask`]), from the start up to a limit, and again for every
//! request: no unpacked data is kept.

use crate::{
    at::ReadAt,
    bytes::hex,
    encoding::{self, SNIFFED, Units},
    find,
    log_lines::{self, Lines},
};
use flate2::read::MultiGzDecoder;
use model::{
    clock::Clock,
    encoding::Encoding,
    log::{FirstBytes, Hits, LogFound, LogPart, LogText, Look},
};
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::{self, Read, Seek as _, SeekFrom},
};

/// How many bytes of a file are unpacked.
const UNPACKED: usize = 128 << 20;
/// How many bytes are shown of a file that is not text.
const SHOWN: usize = 512;
/// How many bytes around a position are used to determine the encoding.
const AROUND: usize = 16 << 10;

/// A request about a compressed log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PackedAsk {
    Window(LogPart, Option<Encoding>),
    Find(Look),
    /// Where the line with this number begins, counted from 1.
    Line(u64),
}

/// A window of an uncompressed log.
///
/// # Errors
/// The errors of reading.
pub fn open(file: &File, size: u64, part: LogPart, chosen: Option<Encoding>) -> io::Result<LogFound> {
    Ok(match text(file, size, part, chosen)? {
        Some(text) => LogFound::Text(text),
        None => LogFound::Bytes(first_bytes(file)?),
    })
}

/// Whether a file is compressed in a format that Flowo can unpack.
///
/// # Errors
/// The errors of reading.
pub fn is_packed(file: &File) -> io::Result<bool> {
    Ok(Packing::of(file)?.is_some())
}

/// The answer to a request about a compressed log, as JSON.
///
/// # Errors
/// The errors of reading.
pub fn packed(file: &File, ask: PackedAsk, clock: &Clock) -> io::Result<String> {
    let Some(packing) = Packing::of(file)? else { return Err(io::Error::other("it is not packed any more")) };
    let (bytes, ends) = packing.unpack(file)?;
    let size = bytes.len() as u64;
    let answer = match ask {
        PackedAsk::Window(part, chosen) => {
            let found = match text(bytes.as_slice(), size, part, chosen)? {
                None => LogFound::Bytes(first_bytes(file)?),
                Some(text) => {
                    let units = Units::of(text.read.encoding);
                    let before = units.count(bytes.get(..text.from as usize).unwrap_or_default(), b'\n');
                    LogFound::Text(LogText { before: Some(before as u64), packed: true, note: Some(packing.says(ends)), ..text })
                }
            };
            serde_json::to_string(&found)
        }
        PackedAsk::Find(look) => serde_json::to_string::<Hits>(&find::find(bytes.as_slice(), size, &look, clock)?),
        PackedAsk::Line(number) => {
            let read = encoding::of(bytes.as_slice(), None)?;
            let units = Units::of(read.map_or(Encoding::UTF_8, |read| read.encoding));
            let nth = usize::try_from(number.saturating_sub(2)).unwrap_or(usize::MAX);
            let mut ends = units.all_after(&bytes, b'\n').filter(|next| *next < bytes.len());
            let found = if number < 2 { Some(0) } else { ends.nth(nth) };
            // Past the end, it is the last line.
            let last = || units.all_after(&bytes, b'\n').filter(|next| *next < bytes.len()).last().unwrap_or(0);
            serde_json::to_string(&Some(found.unwrap_or_else(last) as u64))
        }
    };
    Ok(answer?)
}

/// Lines of a text; `None` if it is not text.
fn text(text: &(impl ReadAt + ?Sized), size: u64, part: LogPart, chosen: Option<Encoding>) -> io::Result<Option<LogText>> {
    let head = text.part(0, SNIFFED.min(usize::try_from(size).unwrap_or(SNIFFED)))?;
    // The text may be plain ASCII for a long stretch; the part that is read gives more evidence.
    let place = match part {
        LogPart::End => size.saturating_sub(AROUND as u64),
        LogPart::Before(at) => at.saturating_sub(AROUND as u64),
        LogPart::From(at) => at,
    };
    let more = if place < head.len() as u64 { Vec::new() } else { text.part(place, AROUND)? };
    let Some(read) = encoding::sniff(&head, &more, chosen) else { return Ok(None) };
    let Lines { lines, from, to, open } = log_lines::window(text, size, part, read.encoding)?;
    Ok(Some(LogText { lines, from, to, open, size, before: None, read, packed: false, note: None }))
}

fn first_bytes(file: &File) -> io::Result<FirstBytes> {
    let bytes = file.part(0, SHOWN)?;
    Ok(FirstBytes { kind: infer::get(&bytes).map(|kind| kind.mime_type().to_owned()), head: hex(&bytes) })
}

/// The compression format of a file.
#[derive(Clone, Copy, Debug)]
enum Packing {
    Gzip,
    Zstd,
}

/// How the unpacked data ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    Whole,
    /// At the limit; there is more data.
    Bound,
    /// Where unpacking failed.
    Broken,
}

impl Packing {
    fn of(file: &File) -> io::Result<Option<Self>> {
        Ok(match file.part(0, 4)?.as_slice() {
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd] => Some(Self::Zstd),
            _ => None,
        })
    }

    fn unpack(self, mut file: &File) -> io::Result<(Vec<u8>, Ends)> {
        file.seek(SeekFrom::Start(0))?;
        let stream: Box<dyn Read + '_> = match self {
            Self::Gzip => Box::new(MultiGzDecoder::new(io::BufReader::new(file))),
            Self::Zstd => Box::new(zstd::stream::read::Decoder::new(file)?),
        };
        let mut bytes = Vec::new();
        let read = stream.take(UNPACKED as u64 + 1).read_to_end(&mut bytes);
        let ends = match read {
            Ok(_) if bytes.len() > UNPACKED => Ends::Bound,
            Ok(_) => Ends::Whole,
            Err(_) => Ends::Broken,
        };
        bytes.truncate(UNPACKED);
        Ok((bytes, ends))
    }

    fn says(self, ends: Ends) -> String {
        let how = match self {
            Self::Gzip => "Unpacked with gzip.",
            Self::Zstd => "Unpacked with Zstandard.",
        };
        match ends {
            Ends::Whole => how.to_owned(),
            Ends::Bound => format!("{how} These are lines of its first {} MiB; download it for the rest.", UNPACKED >> 20),
            Ends::Broken => format!("{how} The file is incomplete or damaged; this is the readable part."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{
        clock::MockClock,
        encoding::Because,
        log::{Level, LogLine, Wanted},
    };
    use std::io::Write as _;

    fn filled(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    }

    fn asked<T: serde::de::DeserializeOwned>(file: &File, ask: PackedAsk) -> T {
        let question = serde_json::json!({ "log": ask }).to_string();
        serde_json::from_str(&crate::ask(file, &question, &MockClock::new(0).clock()).unwrap()).unwrap()
    }

    fn texts(found: &LogFound) -> Vec<String> {
        let LogFound::Text(text) = found else { panic!("no text: {found:?}") };
        text.lines.iter().map(LogLine::plain).collect()
    }

    #[test]
    fn packed_logs_are_read_as_others_are() {
        let log = b"line 1\nERROR line 2\nline 3\n";
        for bytes in [gzip(log), zstd::encode_all(log.as_slice(), 1).unwrap()] {
            let file = filled(&bytes);
            assert!(is_packed(&file).unwrap());
            let found: LogFound = asked(&file, PackedAsk::Window(LogPart::End, None));
            assert_eq!(texts(&found), ["line 1", "ERROR line 2", "line 3"]);
            let LogFound::Text(text) = found else { panic!("a text") };
            assert_eq!((text.before, text.size, text.packed), (Some(0), log.len() as u64, true));
            let later: LogFound = asked(&file, PackedAsk::Window(LogPart::From(20), None));
            let LogFound::Text(later) = later else { panic!("a text") };
            assert_eq!((later.before, later.from), (Some(2), 20));
            let hits: Hits = asked(&file, PackedAsk::Find(Look { wanted: Wanted::Level(Level::Error), from: 0, encoding: None }));
            assert_eq!(hits.hits.iter().map(|hit| hit.at).collect::<Vec<_>>(), [7]);
            for (number, at) in [(0, 0), (1, 0), (2, 7), (3, 20), (99, 20)] {
                assert_eq!(asked::<Option<u64>>(&file, PackedAsk::Line(number)), Some(at), "{number}");
            }
        }
    }

    #[test]
    fn a_packed_log_that_ends_too_early_shows_what_there_is_and_says_so() {
        let log = "one\ntwo\nthree\n".repeat(5_000);
        let whole = gzip(log.as_bytes());
        let found: LogFound = asked(&filled(&whole[..whole.len() / 2]), PackedAsk::Window(LogPart::From(0), None));
        assert_eq!(texts(&found)[..2], ["one", "two"]);
        let LogFound::Text(text) = found else { panic!("a text") };
        assert!(text.note.as_deref().is_some_and(|note| note.contains("incomplete")), "{text:?}");
    }

    #[test]
    fn a_bomb_is_read_to_its_bound() {
        let mut packed = zstd::Encoder::new(Vec::new(), 1).unwrap();
        for _ in 0..(UNPACKED >> 20) + 2 {
            packed.write_all(&b"a line of a bomb \n".repeat((1 << 20) / 18)).unwrap();
        }
        packed.write_all(&vec![b'\n'; 4 << 20]).unwrap();
        let found: LogFound = asked(&filled(&packed.finish().unwrap()), PackedAsk::Window(LogPart::End, None));
        let LogFound::Text(text) = found else { panic!("a text") };
        assert_eq!(text.size, UNPACKED as u64);
        assert!(text.note.is_some_and(|note| note.contains("first 128 MiB")));
    }

    #[test]
    fn what_is_no_text_shows_its_first_bytes_until_a_reader_chooses() {
        let program = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0\x01\0\0\0\n";
        let file = filled(program);
        let LogFound::Bytes(found) = open(&file, program.len() as u64, LogPart::End, None).unwrap() else { panic!("bytes") };
        assert!(found.head.starts_with("00000000  7f 45 4c 46 "), "{found:?}");
        assert!(matches!(open(&file, program.len() as u64, LogPart::End, Some(Encoding::UTF_8)).unwrap(), LogFound::Text(_)));
        let found: LogFound = asked(&filled(&gzip(program)), PackedAsk::Window(LogPart::End, None));
        assert!(matches!(found, LogFound::Bytes(_)), "also when compressed");
        let log = b"before\nwith \0\0 nul\nafter\n";
        let found = open(&filled(log), log.len() as u64, LogPart::End, None).unwrap();
        assert_eq!(texts(&found), ["before", "with \u{2400}\u{2400} nul", "after"]);
    }

    #[test]
    fn letters_that_come_late_in_a_log_are_read_in_their_encoding() {
        let mut log = b"plain\n".repeat(40_000);
        log.extend(encoding::encoded("Gr\u{f6}\u{df}e der \u{d6}ffnung f\u{fc}r \u{c4}rzte\n", "windows-1252".parse().unwrap()).unwrap());
        let found = open(&filled(&log), log.len() as u64, LogPart::End, None).unwrap();
        assert_eq!(texts(&found).last().unwrap(), "Gr\u{f6}\u{df}e der \u{d6}ffnung f\u{fc}r \u{c4}rzte");
        let LogFound::Text(text) = found else { panic!("a text") };
        assert_eq!(text.read.because, Because::Guessed);
    }
}
