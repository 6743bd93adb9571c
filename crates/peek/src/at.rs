//! Bytes that can be read from any position: those of a file, or unpacked ones.

use std::{fs::File, io};

/// A source from which windows are read.
pub trait ReadAt {
    /// Fills a buffer with bytes from a position on. Returns how many there were: fewer than the buffer holds only at the end.
    ///
    /// # Errors
    /// The errors of reading.
    fn fill(&self, from: u64, bytes: &mut [u8]) -> io::Result<usize>;

    /// At most `most` bytes from a position on.
    ///
    /// # Errors
    /// The errors of reading.
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
