//! Bytes that can be read from any place: those of a file, or some that were unpacked.

use std::{fs::File, io};

/// What windows are read from.
pub trait ReadAt {
    /// Bytes from one on into a buffer; how many there were, which is all of the buffer but at the end.
    ///
    /// # Errors
    /// Those of reading.
    fn fill(&self, from: u64, bytes: &mut [u8]) -> io::Result<usize>;

    /// At most `most` bytes from one on.
    ///
    /// # Errors
    /// Those of reading.
    fn part(&self, from: u64, most: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; most];
        let filled = self.fill(from, &mut bytes)?;
        bytes.truncate(filled);
        Ok(bytes)
    }
}

impl ReadAt for File {
    fn fill(&self, from: u64, bytes: &mut [u8]) -> io::Result<usize> {
        crate::fill(self, from, bytes)
    }
}

impl ReadAt for [u8] {
    fn fill(&self, from: u64, bytes: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(from).ok().and_then(|from| self.get(from..)).unwrap_or_default();
        let filled = rest.len().min(bytes.len());
        bytes[..filled].copy_from_slice(&rest[..filled]);
        Ok(filled)
    }
}
