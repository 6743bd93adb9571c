//! A file to be previewed: its name without the compression's extension, and its unpacked bytes. Knows no formats.

use crate::{
    at::ReadAt as _,
    encoding::{SNIFFED, Units, Utf8, decoded, sniff},
    ends,
};
use flate2::read::MultiGzDecoder;
use model::{encoding::Encoding, preview::Ends};
use std::{
    fs::File,
    io::{self, Read, Seek as _, SeekFrom},
};

/// How many bytes of an unpacked stream are read at most; a compressed file can expand to more than fits in memory.
const UNPACKED: u64 = 1 << 30;

/// How the bytes of a file are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    None,
    /// Including block gzip, as `bgzip` writes it.
    Gzip,
    Zstd,
    /// Not compressed, but in an encoding other than UTF-8: also read from its start only.
    Letters,
}

/// Extensions of files that are not text, or that declare their encoding themselves.
const NO_LETTERS: [&str; 18] =
    ["avif", "bam", "bmp", "gif", "htm", "html", "ico", "ipynb", "jpeg", "jpg", "parquet", "pdf", "png", "pq", "svg", "tar", "webp", "zip"];

/// A file, with what its name says about it.
pub struct Source<'a> {
    file: &'a File,
    pub size: u64,
    pub packing: Packing,
    /// Its character encoding, if that is not UTF-8.
    pub encoding: Option<Encoding>,
    /// In lower case.
    ending: String,
}

impl<'a> Source<'a> {
    pub fn new(file: &'a File, name: &str) -> io::Result<Self> {
        let name = name.rsplit('/').next().unwrap_or(name).to_lowercase();
        let mut first = Vec::new();
        rewound(file, 0)?.take(4).read_to_end(&mut first)?;
        let packed = match first.as_slice() {
            [0x1f, 0x8b, ..] => Packing::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd] => Packing::Zstd,
            _ => Packing::None,
        };
        let endings: &[(&str, &str)] = match packed {
            Packing::None | Packing::Letters => &[],
            Packing::Gzip => &[(".tgz", ".tar"), (".gz", ""), (".bgz", ""), (".bgzf", "")],
            Packing::Zstd => &[(".tzst", ".tar"), (".zst", ""), (".zstd", "")],
        };
        let unpacked = endings.iter().find_map(|(ending, now)| Some(format!("{}{now}", name.strip_suffix(ending)?)));
        let packing = if unpacked.is_some() { packed } else { Packing::None };
        let name = unpacked.unwrap_or(name);
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_owned();
        Ok(Self { file, size: file.metadata()?.len(), packing, encoding: None, ending })
    }

    /// The same file with its text converted to UTF-8, whatever its encoding is.
    ///
    /// # Errors
    /// The errors of reading.
    pub fn read_as(mut self, chosen: Option<Encoding>) -> io::Result<Self> {
        if !self.has_no_letters() {
            let (head, _) = self.head(SNIFFED)?;
            self.encoding = sniff(&head, &[], chosen).map(|read| read.encoding).filter(|encoding| *encoding != Encoding::UTF_8);
            if self.encoding.is_some() && self.packing == Packing::None {
                self.packing = Packing::Letters;
            }
        }
        Ok(self)
    }

    /// Whether its name says that it is not text, or that it declares its encoding itself.
    pub fn has_no_letters(&self) -> bool {
        NO_LETTERS.contains(&self.ending())
    }

    pub fn ending(&self) -> &str {
        &self.ending
    }

    /// The file without unpacking, from its start.
    pub fn raw(&self) -> io::Result<&'a File> {
        rewound(self.file, 0)
    }

    /// Its unpacked bytes, from the start.
    pub fn stream(&self) -> io::Result<Box<dyn Read + 'a>> {
        let raw = self.raw()?;
        let bytes: Box<dyn Read + 'a> = match self.packing {
            Packing::None | Packing::Letters => Box::new(raw),
            Packing::Gzip => Box::new(MultiGzDecoder::new(raw).take(UNPACKED)),
            Packing::Zstd => Box::new(zstd::stream::read::Decoder::new(raw)?.take(UNPACKED)),
        };
        Ok(match self.encoding {
            Some(encoding) => Box::new(Utf8::new(bytes, encoding)),
            None => bytes,
        })
    }

    /// The first bytes, unpacked, and how they end.
    ///
    /// # Errors
    /// The errors of reading. A damaged compressed file gives the bytes before the damage.
    pub fn head(&self, most: usize) -> io::Result<(Vec<u8>, Ends)> {
        let mut bytes = Vec::new();
        let read = self.stream()?.take(most as u64 + 1).read_to_end(&mut bytes);
        let whole = bytes.len() <= most;
        bytes.truncate(most);
        let ends = match read {
            _ if !whole => Ends::More,
            Ok(_) if self.packing == Packing::Gzip && self.lacks_end() => Ends::Early,
            Ok(_) => Ends::Whole,
            Err(error) if self.packing != Packing::None => ends::of_error(&error),
            Err(error) => return Err(error),
        };
        Ok((bytes, ends))
    }

    /// Bytes of an uncompressed file from a position on, converted to UTF-8, and how they end.
    ///
    /// # Errors
    /// The errors of reading.
    pub fn letters(&self, at: u64, most: usize) -> io::Result<(Vec<u8>, Ends)> {
        let encoding = self.encoding.unwrap_or(Encoding::UTF_8);
        let at = Units::of(encoding).aligned(at.min(self.size));
        let bytes = self.file.part(at, most)?;
        let ends = if at + (bytes.len() as u64) < self.size { Ends::More } else { Ends::Whole };
        Ok((decoded(&bytes, encoding).into_owned().into_bytes(), ends))
    }

    /// The position in the file of the line that begins at `place` of `text`, which was decoded from position `at` on;
    /// `None` if that is not a later position.
    ///
    /// # Errors
    /// The errors of reading.
    pub fn place(&self, at: u64, text: &[u8], place: usize) -> io::Result<Option<u64>> {
        // A row may end within a line break of two characters.
        let place = if text.get(place) == Some(&b'\n') { place + 1 } else { place };
        let lines = memchr::memchr_iter(b'\n', &text[..place.min(text.len())]).count();
        let Some(nth) = lines.checked_sub(1) else { return Ok(None) };
        let units = Units::of(self.encoding.unwrap_or(Encoding::UTF_8));
        let at = units.aligned(at);
        // A character takes at most four bytes.
        let bytes = self.file.part(at, 4 * text.len())?;
        Ok(units.all_after(&bytes, b'\n').nth(nth).map(|next| at + next as u64))
    }

    /// Bytes from a position on, and how they end. Of a compressed file only the start is available.
    ///
    /// # Errors
    /// As [`Self::head`].
    pub fn window(&self, at: u64, most: usize) -> io::Result<(Vec<u8>, Ends)> {
        if self.packing != Packing::None {
            return if at == 0 { self.head(most) } else { Ok((Vec::new(), Ends::Whole)) };
        }
        let mut bytes = Vec::new();
        if at >= self.size {
            return Ok((bytes, Ends::Whole));
        }
        rewound(self.file, at)?.take(most as u64).read_to_end(&mut bytes)?;
        let more = at.saturating_add(bytes.len() as u64) < self.size;
        Ok((bytes, if more { Ends::More } else { Ends::Whole }))
    }

    /// Whether a file of blocks lacks the last block: it was truncated between two blocks.
    pub fn lacks_end(&self) -> bool {
        ends::lacks_block(self.file, self.size)
    }

    /// How a file ends that can only be shown as bytes.
    pub fn ends(&self) -> Ends {
        ends::of_bytes(self.file, self.size)
    }
}

fn rewound(mut file: &File, at: u64) -> io::Result<&File> {
    file.seek(SeekFrom::Start(at))?;
    Ok(file)
}
