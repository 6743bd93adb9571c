//! Logs of a run: which there are, and windows of one of them. No log is read whole.

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::state::{state, viewer};
use leptos::prelude::*;
use model::{
    JobKey, JobStatus, RunId,
    file::{FileFacts, FileRef, NoFile},
    log::{Hits, LogLine},
};
use serde::{Deserialize, Serialize};
use server_fn::codec::Json;

/// What the view of the logs is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogsAsk {
    pub rule: Option<String>,
    pub file: Option<FileRef>,
    pub at: Option<u64>,
}

/// A log of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobLog {
    pub file: i64,
    pub path: String,
    pub job: JobKey,
    pub rule: Option<String>,
    pub status: JobStatus,
    /// Values of its wildcards, joined.
    pub label: String,
}

/// The logs there are, and one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogsView {
    /// Where the client writes about the run.
    pub run: Option<String>,
    /// Of failed jobs, of running ones, and of the newest.
    pub jobs: Vec<JobLog>,
    /// There are more jobs than these.
    pub more: bool,
    pub open: Option<OpenLog>,
}

/// A log with a window of it, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenLog {
    pub file: FileRef,
    pub path: String,
    pub window: Result<LogWindow, NoFile>,
}

/// Lines that follow each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogWindow {
    pub facts: FileFacts,
    pub lines: Vec<LogLine>,
    /// Where the first line begins, and where one goes on reading.
    pub from: u64,
    pub to: u64,
    /// Lines before the first one; `None` as long as nobody counted them.
    pub before: Option<u64>,
}

/// What became of a file that a page follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileNews {
    pub file: FileRef,
    pub facts: Result<FileFacts, NoFile>,
    /// What was added, if it is little; whoever lacks more reads it.
    pub lines: Option<LogWindow>,
}

/// Which lines of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogPart {
    End,
    /// Those that end before this byte, which begins a line.
    Before(u64),
    /// Those from this byte on.
    From(u64),
}

/// The logs of a run, or of one rule's jobs, with a window of one of them.
#[server(prefix = "/_fn", endpoint = "logs/list", input = Json)]
pub async fn read_logs(id: RunId, ask: LogsAsk) -> Result<LogsView, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(AppError::told)?);
    server::view(&state, &viewer, id, ask).await.map_err(AppError::told)
}

/// A window of one log.
#[server(prefix = "/_fn", endpoint = "logs/window", input = Json)]
pub async fn read_log(id: RunId, file: FileRef, part: LogPart) -> Result<OpenLog, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(AppError::told)?);
    server::open(&state, &viewer, id, file, part).await.map_err(AppError::told)
}

/// Lines of one log that contain `words`, from a byte on. Looks for a moment; who wants more asks again from
/// where it stopped.
#[server(prefix = "/_fn", endpoint = "logs/find", input = Json)]
pub async fn find_in_log(id: RunId, file: FileRef, words: String, from: u64) -> Result<Result<Hits, NoFile>, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(AppError::told)?);
    server::find(&state, &viewer, id, file, words, from).await.map_err(AppError::told)
}

/// Where the line of a number begins, which counts from 1; `None` as long as it is being counted: ask again.
#[server(prefix = "/_fn", endpoint = "logs/line", input = Json)]
pub async fn line_of_log(id: RunId, file: FileRef, number: u64) -> Result<Result<Option<u64>, NoFile>, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(AppError::told)?);
    server::line(&state, &viewer, id, file, number).await.map_err(AppError::told)
}

/// How many lines end before a byte; `None` as long as they are being counted: ask again.
#[server(prefix = "/_fn", endpoint = "logs/count", input = Json)]
pub async fn count_lines(id: RunId, file: FileRef, before: u64) -> Result<Result<Option<u64>, NoFile>, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(AppError::told)?);
    server::count(&state, &viewer, id, file, before).await.map_err(AppError::told)
}

#[cfg(feature = "ssr")]
pub mod server {
    use super::{JobLog, LogPart, LogWindow, LogsAsk, LogsView, OpenLog};
    use crate::{
        error::AppError,
        state::{AppState, Part, Reach, Sources, Viewer, Window},
    };
    use model::{
        Invalid, JobStatus, RunId,
        file::{FileRef, NoFile},
        job::{FileRole, JobRow},
        log::Hits,
        page::{Direction, JobColumn, JobSort},
    };
    use peek::log_lines::{Lines, Side, lines};
    use std::{collections::HashMap, path::PathBuf};
    use store::{
        Conn,
        jobs::{self, files},
        runs::find as run,
    };

    /// Bytes of a window.
    const WINDOW: u64 = 96 << 10;
    /// Jobs whose logs are listed, of each kind.
    const JOBS: u32 = 60;

    pub async fn view(state: &AppState, viewer: &Viewer, id: RunId, ask: LogsAsk) -> Result<LogsView, AppError> {
        let mut conn = state.store.conn().await?;
        viewer.sees(&mut conn, id).await?;
        let run = run::logfile(&mut conn, id).await?;
        let (jobs, more) = of_jobs(&mut conn, id, ask.rule.clone()).await?;
        drop(conn);
        let first = jobs.first().map(|log| FileRef::Known(log.file));
        let whole = run.is_some().then_some(FileRef::Log);
        let usual = if ask.rule.is_some() { first.or(whole) } else { whole.or(first) };
        let open = match ask.file.or(usual) {
            None => None,
            Some(file) => Some(open(state, viewer, id, file, ask.at.map_or(LogPart::End, LogPart::From)).await?),
        };
        Ok(LogsView { run, jobs, more, open })
    }

    /// Logs of failed jobs, of running ones, and of the newest.
    async fn of_jobs(conn: &mut Conn, id: RunId, rule: Option<String>) -> Result<(Vec<JobLog>, bool), AppError> {
        let sort = JobSort { column: JobColumn::Reported, direction: Direction::Desc };
        let query =
            |rule, statuses| jobs::Query { rule, statuses, find: None, sort: sort.clone(), all_attempts: false, limit: JOBS, after: None };
        let mut rows: Vec<JobRow> = Vec::new();
        let mut more = false;
        // One of a rule's jobs by state has no index: the newest of the rule must do.
        let states: &[&[JobStatus]] = if rule.is_some() { &[&[]] } else { &[&[JobStatus::Failed], &[JobStatus::Running], &[]] };
        for statuses in states {
            let page = jobs::list(conn, id, &query(rule.clone(), statuses.to_vec())).await?;
            more |= page.next.is_some();
            rows.extend(page.items);
        }
        let mut seen = std::collections::HashSet::new();
        rows.retain(|job| seen.insert(job.id));
        let rank = |job: &JobRow| match job.status {
            JobStatus::Failed => 0,
            JobStatus::Lost => 1,
            JobStatus::Running => 2,
            _ => 3,
        };
        rows.sort_by_key(|job| (rank(job), std::cmp::Reverse(job.id)));
        let ids: Vec<_> = rows.iter().map(|job| job.id).collect();
        let named = files::of_role(conn, &ids, FileRole::Log).await?;
        let rows: HashMap<_, _> = rows.into_iter().map(|job| (job.id, job)).collect();
        let logs = named.into_iter().filter_map(|(job, path)| {
            let row = rows.get(&job)?;
            let label: Vec<&str> = row.wildcards.values().map(String::as_str).collect();
            Some(JobLog { file: path.id, path: path.path, job, rule: row.rule.clone(), status: row.status, label: label.join(" ") })
        });
        Ok((logs.collect(), more))
    }

    /// The path of a log, and what may be read of it.
    async fn known(state: &AppState, viewer: &Viewer, id: RunId, file: &FileRef) -> Result<(Reach, String), AppError> {
        let mut conn = state.store.conn().await?;
        let run = viewer.run(&mut conn, id).await?;
        let path = files::path_of(&mut conn, id, file).await?;
        Ok((Reach::of(viewer, run.directory.as_deref()).to(file), path.ok_or(AppError::NotFound)?))
    }

    pub async fn open(state: &AppState, viewer: &Viewer, id: RunId, file: FileRef, part: LogPart) -> Result<OpenLog, AppError> {
        let (reach, path) = known(state, viewer, id, &file).await?;
        let mut window = window(&*state.sources, &reach, &path, part).await;
        if let Ok(window) = &mut window {
            window.before = state.sources.count(&reach, PathBuf::from(&path), window.from).await.unwrap_or(None);
        }
        Ok(OpenLog { file, path, window })
    }

    pub async fn line(
        state: &AppState,
        viewer: &Viewer,
        id: RunId,
        file: FileRef,
        number: u64,
    ) -> Result<Result<Option<u64>, NoFile>, AppError> {
        let (reach, path) = known(state, viewer, id, &file).await?;
        Ok(state.sources.line(&reach, PathBuf::from(path), number).await)
    }

    pub async fn count(
        state: &AppState,
        viewer: &Viewer,
        id: RunId,
        file: FileRef,
        before: u64,
    ) -> Result<Result<Option<u64>, NoFile>, AppError> {
        let (reach, path) = known(state, viewer, id, &file).await?;
        Ok(state.sources.count(&reach, PathBuf::from(path), before).await)
    }

    /// Words that are searched for (bytes).
    const LONGEST: usize = 200;

    pub async fn find(
        state: &AppState,
        viewer: &Viewer,
        id: RunId,
        file: FileRef,
        words: String,
        from: u64,
    ) -> Result<Result<Hits, NoFile>, AppError> {
        if words.is_empty() || words.len() > LONGEST || words.contains('\n') {
            return Err(Invalid::new("words", words.chars().take(40).collect::<String>(), "1 to 200 bytes of one line").into());
        }
        let (reach, path) = known(state, viewer, id, &file).await?;
        Ok(state.sources.find(&reach, PathBuf::from(path), words, from).await)
    }

    /// Lines of a log; their numbers are another question.
    pub async fn window(sources: &dyn Sources, reach: &Reach, path: &str, part: LogPart) -> Result<LogWindow, NoFile> {
        let look = |part| sources.window(reach, PathBuf::from(path), part);
        // One byte more than the lines: it tells whether they begin with one.
        let (found, side, ended) = match part {
            LogPart::End => {
                let found = look(Part::End(WINDOW as usize + 1)).await?;
                (found, Side::Last, true)
            }
            LogPart::Before(to) => {
                let from = to.saturating_sub(WINDOW + 1);
                (look(Part::From(from, (to - from) as usize)).await?, Side::Last, true)
            }
            LogPart::From(from) => {
                let found = look(Part::From(from.saturating_sub(1), WINDOW as usize + 1)).await?;
                let ended = found.from + found.bytes.len() as u64 >= found.facts.size;
                (found, Side::First, ended)
            }
        };
        let Window { facts, from, bytes } = found;
        if let LogPart::Before(at) | LogPart::From(at) = part
            && at > facts.size
        {
            return Err(NoFile::Shrunk);
        }
        if bytes.contains(&0) {
            return Err(NoFile::NotText);
        }
        let made = tokio::task::spawn_blocking(move || match bytes.split_first() {
            Some((before, rest)) if from > 0 => lines(rest, from + 1, *before == b'\n', ended, side),
            _ => lines(&bytes, from, true, ended, side),
        });
        let Lines { lines, from, to } = made.await.map_err(|_| NoFile::Other("showing it broke".to_owned()))?;
        Ok(LogWindow { facts, lines, from, to, before: None })
    }
}
