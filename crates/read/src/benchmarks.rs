//! What resources jobs used, from their benchmark files.

use crate::{
    Reader,
    files::{ByteRange, Reach},
};
use futures::StreamExt as _;
use model::preview::Benchmark;
use std::path::Path;

/// How many bytes of a benchmark file are read.
const READ: usize = 1 << 20;

/// The content of each file, in the order of `paths`; `None` for a file that is missing or unreadable.
pub async fn read(reader: &Reader, reach: &Reach, paths: Vec<String>) -> Vec<Option<Benchmark>> {
    let all = paths.into_iter().map(|path| async move {
        let slice = reader.files.slice(reach, Path::new(&path), ByteRange::From(0, READ)).await.ok()?;
        let whole = slice.facts.size <= slice.bytes.len() as u64;
        if whole { peek::benchmark::benchmark(&slice.bytes) } else { peek::benchmark::beginning(&slice.bytes) }
    });
    futures::stream::iter(all).buffered(8).collect().await
}
