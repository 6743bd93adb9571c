//! A file to be looked into: its name without what packs it, and its bytes unpacked. Knows no formats.

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

/// Bytes of an unpacked stream that are worth waiting for; a packed file can promise more than there is memory.
const UNPACKED: u64 = 1 << 30;

/// How the bytes of a file are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    None,
    /// Also of blocks, as `bgzip` writes them.
    Gzip,
    Zstd,
    /// Not packed, but its letters are other ones than UTF-8: read from its start only, too.
    Letters,
}

/// Endings of what is no text, or tells its encoding by itself.
const NO_LETTERS: [&str; 18] =
    ["avif", "bam", "bmp", "gif", "htm", "html", "ico", "ipynb", "jpeg", "jpg", "parquet", "pdf", "png", "pq", "svg", "tar", "webp", "zip"];

/// A file, and what its name says.
pub struct Source<'a> {
    file: &'a File,
    pub size: u64,
    pub packing: Packing,
    /// How its letters are written, if that is not UTF-8.
    pub encoding: Option<Encoding>,
    /// In small letters.
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

    /// The same with its letters as UTF-8, whatever they are.
    ///
    /// # Errors
    /// Those of reading.
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

    /// Whether it is no text by its name, or tells its encoding by itself.
    pub fn has_no_letters(&self) -> bool {
        NO_LETTERS.contains(&self.ending())
    }

    pub fn ending(&self) -> &str {
        &self.ending
    }

    /// The file as it is, from its start.
    pub fn raw(&self) -> io::Result<&'a File> {
        rewound(self.file, 0)
    }

    /// Its bytes unpacked, from the start.
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
    /// Those of reading. A packed file that is damaged gives what stands before the damage.
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

    /// Bytes from one on as UTF-8, of a file that is not packed, and how they end.
    ///
    /// # Errors
    /// Those of reading.
    pub fn letters(&self, at: u64, most: usize) -> io::Result<(Vec<u8>, Ends)> {
        let encoding = self.encoding.unwrap_or(Encoding::UTF_8);
        let at = Units::of(encoding).aligned(at.min(self.size));
        let bytes = self.file.part(at, most)?;
        let ends = if at + (bytes.len() as u64) < self.size { Ends::More } else { Ends::Whole };
        Ok((decoded(&bytes, encoding).into_owned().into_bytes(), ends))
    }

    /// Where in the file the line begins that begins at `place` of `text`, its letters from `at` on; `None` if that is
    /// no later place.
    ///
    /// # Errors
    /// Those of reading.
    pub fn place(&self, at: u64, text: &[u8], place: usize) -> io::Result<Option<u64>> {
        // A row may end within an end of line of two letters.
        let place = if text.get(place) == Some(&b'\n') { place + 1 } else { place };
        let lines = memchr::memchr_iter(b'\n', &text[..place.min(text.len())]).count();
        let Some(nth) = lines.checked_sub(1) else { return Ok(None) };
        let units = Units::of(self.encoding.unwrap_or(Encoding::UTF_8));
        let at = units.aligned(at);
        // A letter takes four bytes at most.
        let bytes = self.file.part(at, 4 * text.len())?;
        Ok(units.all_after(&bytes, b'\n').nth(nth).map(|next| at + next as u64))
    }

    /// Bytes from one on, and how they end. Of a packed file there is only the start.
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

    /// Whether a file of blocks has no last block: it was cut between two of them.
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
