//! What jobs took by their benchmark files. Server only.

use crate::state::{AppState, Part, Reach};
use model::preview::Benchmark;
use std::path::PathBuf;

/// Bytes of a benchmark file that are read.
const READ: usize = 1 << 20;

/// Of each file what it says, in their order; `None` where there is none that can be read.
pub async fn read(state: &AppState, reach: &Reach, paths: Vec<String>) -> Vec<Option<Benchmark>> {
    use futures::StreamExt as _;
    let all = paths.into_iter().map(|path| {
        let window = state.sources.window(reach, PathBuf::from(path), Part::From(0, READ));
        async move {
            let window = window.await.ok()?;
            let whole = window.facts.size <= window.bytes.len() as u64;
            if whole { peek::benchmark::benchmark(&window.bytes) } else { peek::benchmark::beginning(&window.bytes) }
        }
    });
    futures::stream::iter(all).buffered(8).collect().await
}
