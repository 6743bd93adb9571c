//! What jobs took by their benchmark files.

use crate::{
    Reader,
    files::{ByteRange, Reach},
};
use futures::StreamExt as _;
use model::preview::Benchmark;
use std::path::Path;

/// Bytes of a benchmark file that are read.
const READ: usize = 1 << 20;

/// Of each file what it says, in their order; `None` where there is none that can be read.
pub async fn read(reader: &Reader, reach: &Reach, paths: Vec<String>) -> Vec<Option<Benchmark>> {
    let all = paths.into_iter().map(|path| async move {
        let slice = reader.files.slice(reach, Path::new(&path), ByteRange::From(0, READ)).await.ok()?;
        let whole = slice.facts.size <= slice.bytes.len() as u64;
        if whole { peek::benchmark::benchmark(&slice.bytes) } else { peek::benchmark::beginning(&slice.bytes) }
    });
    futures::stream::iter(all).buffered(8).collect().await
}
