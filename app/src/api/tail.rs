//! The last lines of logs.

#[cfg(feature = "ssr")]
pub mod server {
    use crate::state::{AppState, Reach};
    use view::logs::{LINES, LogTail};

    /// The end of a log that the run named; `None` for readers who may not see files.
    pub async fn tail(state: &AppState, reach: &Reach, path: String) -> Option<LogTail> {
        if !state.sources.any(reach) {
            return None;
        }
        let (text, more) = match state.sources.tail(reach, path.clone().into(), LINES).await {
            Ok((text, more)) => (Ok(text), more),
            Err(why) => (Err(why.to_string()), false),
        };
        Some(LogTail { path, text, more })
    }
}
