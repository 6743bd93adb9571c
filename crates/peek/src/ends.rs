//! Determines whether a file is truncated, from what its format requires at the end. Reads a few bytes at both ends, no content.

use crate::fill;
use model::preview::Ends;
use std::{fs::File, io};

/// The empty block that ends a file of blocks (SAM specification, 4.1.2).
const LAST_BLOCK: [u8; 28] =
    [0x1f, 0x8b, 0x08, 0x04, 0, 0, 0, 0, 0, 0xff, 0x06, 0, 0x42, 0x43, 0x02, 0, 0x1b, 0, 0x03, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/// The signature of the record that ends an archive, and the most bytes that the record can have.
const ARCHIVE_END: [u8; 4] = *b"PK\x05\x06";
const ARCHIVE_REST: u64 = 22 + 0xffff;

/// How a file ends after this read error.
pub fn of_error(error: &io::Error) -> Ends {
    if error.kind() == io::ErrorKind::UnexpectedEof { Ends::Early } else { Ends::Broken }
}

/// Whether a file of blocks, as `bgzip` writes them, lacks the last block.
pub fn lacks_block(file: &File, size: u64) -> bool {
    let blocks = |begin: [u8; 14]| begin[..4] == LAST_BLOCK[..4] && begin[12..] == *b"BC";
    begin(file).is_some_and(blocks) && end::<{ LAST_BLOCK.len() }>(file, size) != Some(LAST_BLOCK)
}

/// How a file of unknown content ends: early, if its format requires an end that it does not have.
pub fn of_bytes(file: &File, size: u64) -> Ends {
    let early = match begin(file) {
        Some([b'P', b'A', b'R', b'1', ..]) => end(file, size) != Some(*b"PAR1"),
        Some([b'P', b'K', 3, 4, ..]) => {
            let from = size.saturating_sub(ARCHIVE_REST);
            let tail = crate::read(file, from, ARCHIVE_REST as usize).unwrap_or_default();
            memchr::memmem::find(&tail, &ARCHIVE_END).is_none()
        }
        _ => lacks_block(file, size),
    };
    if early { Ends::Early } else { Ends::Whole }
}

fn begin(file: &File) -> Option<[u8; 14]> {
    let mut bytes = [0; 14];
    (fill(file, 0, &mut bytes).ok()? == bytes.len()).then_some(bytes)
}

fn end<const LENGTH: usize>(file: &File, size: u64) -> Option<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    let read = fill(file, size.checked_sub(LENGTH as u64)?, &mut bytes).ok()?;
    (read == LENGTH).then_some(bytes)
}
