//! A file to be looked into: its name without what packs it, and its bytes unpacked. Knows no formats.

use flate2::read::MultiGzDecoder;
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
}

/// A file, and what its name says.
pub struct Source<'a> {
    file: &'a File,
    pub size: u64,
    pub packing: Packing,
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
            Packing::None => &[],
            Packing::Gzip => &[(".tgz", ".tar"), (".gz", ""), (".bgz", ""), (".bgzf", "")],
            Packing::Zstd => &[(".tzst", ".tar"), (".zst", ""), (".zstd", "")],
        };
        let unpacked = endings.iter().find_map(|(ending, now)| Some(format!("{}{now}", name.strip_suffix(ending)?)));
        let packing = if unpacked.is_some() { packed } else { Packing::None };
        let name = unpacked.unwrap_or(name);
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_owned();
        Ok(Self { file, size: file.metadata()?.len(), packing, ending })
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
        Ok(match self.packing {
            Packing::None => Box::new(raw),
            Packing::Gzip => Box::new(MultiGzDecoder::new(raw).take(UNPACKED)),
            Packing::Zstd => Box::new(zstd::stream::read::Decoder::new(raw)?.take(UNPACKED)),
        })
    }

    /// The first bytes, unpacked, and whether there are more.
    pub fn head(&self, most: usize) -> io::Result<(Vec<u8>, bool)> {
        let mut bytes = Vec::new();
        let read = self.stream()?.take(most as u64 + 1).read_to_end(&mut bytes);
        let whole = bytes.len() <= most;
        bytes.truncate(most);
        match read {
            Ok(_) => Ok((bytes, !whole)),
            // A packed file that is being written, or is broken: what there is of it.
            Err(_) if self.packing != Packing::None => Ok((bytes, true)),
            Err(error) => Err(error),
        }
    }

    /// Bytes from one on, and whether there are more. Of a packed file there is only the start.
    pub fn window(&self, at: u64, most: usize) -> io::Result<(Vec<u8>, bool)> {
        if self.packing != Packing::None {
            return if at == 0 { self.head(most) } else { Ok((Vec::new(), false)) };
        }
        let mut bytes = Vec::new();
        if at >= self.size {
            return Ok((bytes, false));
        }
        rewound(self.file, at)?.take(most as u64).read_to_end(&mut bytes)?;
        let more = at.saturating_add(bytes.len() as u64) < self.size;
        Ok((bytes, more))
    }
}

fn rewound(mut file: &File, at: u64) -> io::Result<&File> {
    file.seek(SeekFrom::Start(at))?;
    Ok(file)
}
