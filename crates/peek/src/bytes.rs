//! A file of unknown format: its type by its first bytes, its hash, and a dump of those bytes.

use crate::source::Source;
use model::preview::Bytes;
use sha2::{Digest as _, Sha256};
use std::{
    fmt::Write as _,
    io::{self, Read as _},
};

/// How many bytes are shown, and up to which size a file is hashed.
const SHOWN: usize = 512;
pub const HASHED: u64 = 64 << 20;

pub fn bytes(source: &Source<'_>) -> io::Result<Bytes> {
    let mut first = Vec::new();
    source.raw()?.take(SHOWN as u64).read_to_end(&mut first)?;
    let kind = infer::get(&first).map(|kind| kind.mime_type().to_owned());
    let hash = if source.size <= HASHED {
        let mut hash = Sha256::new();
        io::copy(&mut source.raw()?.take(HASHED), &mut hash)?;
        let mut text = String::new();
        for byte in hash.finalize() {
            let _ = write!(text, "{byte:02x}");
        }
        Some(text)
    } else {
        None
    };
    Ok(Bytes { kind, hash, head: hex(&first), ends: source.ends() })
}

/// A hex dump with sixteen bytes per line: offset, byte values, letters.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (at, line) in bytes.chunks(16).enumerate() {
        let _ = write!(text, "{:08x} ", at * 16);
        for n in 0..16 {
            let _ = match line.get(n) {
                Some(byte) => write!(text, " {byte:02x}"),
                None => write!(text, "   "),
            };
        }
        text.push_str("  ");
        text.extend(line.iter().map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' }));
        text.push('\n');
    }
    text
}
