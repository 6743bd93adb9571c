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
    use crate::state::{AppState, Viewer};
    use std::path::Path;
    use store::runs::Audience;

    /// Lines that are shown.
    const LINES: usize = 20;

    /// The end of a log of a run in `directory`; `None` for readers who may not see files.
    pub async fn tail(state: &AppState, viewer: &Viewer, directory: Option<&str>, path: String) -> Option<LogTail> {
        // Read with the rights of whoever started Flowo, so for nobody else.
        if viewer.audience != Audience::All {
            return None;
        }
        let whole = Path::new(directory.unwrap_or_default()).join(&path);
        let (text, more) = match state.sources.tail(whole, LINES).await {
            Ok((text, more)) => (Ok(text), more),
            Err(why) => (Err(why), false),
        };
        Some(LogTail { path, text, more })
    }
}
