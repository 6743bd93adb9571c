//! The last lines of logs.

use serde::{Deserialize, Serialize};

/// The end of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogTail {
    /// As the client wrote it.
    pub path: String,
    /// The last lines, or in words why there are none.
    pub text: Result<String, String>,
    /// There are more lines before these.
    pub more: bool,
}

#[cfg(feature = "ssr")]
pub mod server {
    use super::LogTail;
    use crate::state::{AppState, Reach, Viewer};

    /// Lines shown.
    const LINES: usize = 20;

    /// The end of a log of a run in `directory`; `None` for readers who may not see files.
    pub async fn tail(state: &AppState, viewer: &Viewer, directory: Option<&str>, path: String) -> Option<LogTail> {
        let reach = Reach::of(viewer, directory);
        if !state.sources.any(&reach) {
            return None;
        }
        let (text, more) = match state.sources.tail(&reach, path.clone().into(), LINES).await {
            Ok((text, more)) => (Ok(text), more),
            Err(why) => (Err(why.to_string()), false),
        };
        Some(LogTail { path, text, more })
    }
}
