//! Logs of a run: the list of them, and windows of one log. No log is read whole.

use crate::{ReadError, Reader, files::Reach, note_read, results::of_rule};
use model::{
    Invalid, JobStatus, RunId,
    access::Viewer,
    encoding::{Because, Encoding, ReadAs},
    file::{FileRef, NoFile},
    job::{FileRole, JobRow},
    log::{Hits, Level, LogFound, LogPart, Look, Wanted},
    page::{Direction, JobColumn, JobSort},
};
use std::{collections::HashMap, path::Path};
use store::{
    Conn,
    jobs::{self, files},
    runs::find as run,
};
use view::logs::{JobLog, LOGS, LogWindow, LogsAsk, LogsView, OpenLog};

/// How many jobs of each kind are listed with their logs.
const JOBS: u32 = 60;

pub async fn view(reader: &Reader, viewer: &Viewer, id: RunId, ask: LogsAsk) -> Result<LogsView, ReadError> {
    let mut conn = reader.store.conn().await?;
    let run = crate::run(&mut conn, viewer, id).await?.run;
    let logfile = run::logfile(&mut conn, id).await?;
    let (rows, rest, missing) = if let Some(rule) = ask.rule.clone() {
        let (rows, rest) = of_rule(&mut conn, id, rule, ask.after, JOBS).await?;
        (rows, rest, 0)
    } else {
        let rows = most_wanted(&mut conn, id).await?;
        let missing = u64::try_from(run.jobs.seen()).unwrap_or(0).saturating_sub(rows.len() as u64);
        (rows, None, missing)
    };
    let jobs = logs_of(&mut conn, rows).await?;
    drop(conn);
    let first = jobs.first().map(|log| FileRef::Known(log.file));
    let whole = logfile.is_some().then_some(FileRef::Log);
    let usual = if ask.rule.is_some() { first.or(whole) } else { whole.or(first) };
    let open = match ask.file.or(usual) {
        None => None,
        Some(file) => Some(open(reader, viewer, id, file, ask.at.map_or(LogPart::End, LogPart::From), ask.encoding).await?),
    };
    Ok(LogsView { run: logfile, jobs, missing, rest, open })
}

/// Failed jobs, running jobs, and the newest jobs.
async fn most_wanted(conn: &mut Conn, id: RunId) -> Result<Vec<JobRow>, ReadError> {
    let sort = JobSort { column: JobColumn::Reported, direction: Direction::Desc };
    let mut rows: Vec<JobRow> = Vec::new();
    for statuses in [&[JobStatus::Failed][..], &[JobStatus::Running], &[]] {
        let query = jobs::Query { statuses: statuses.to_vec(), sort: sort.clone(), limit: JOBS, ..jobs::Query::default() };
        rows.extend(jobs::list(conn, id, &query).await?.items);
    }
    let mut seen = std::collections::HashSet::new();
    rows.retain(|job| seen.insert(job.id));
    Ok(rows)
}

/// The logs of some jobs, those of failed jobs first.
async fn logs_of(conn: &mut Conn, mut rows: Vec<JobRow>) -> Result<Vec<JobLog>, ReadError> {
    let rank = |job: &JobRow| match job.status {
        JobStatus::Failed => 0,
        JobStatus::Lost => 1,
        JobStatus::Running => 2,
        _ => 3,
    };
    rows.sort_by_key(|job| (rank(job), std::cmp::Reverse(job.id)));
    let ids: Vec<_> = rows.iter().map(|job| job.id).collect();
    let named = files::window_of_role(conn, &ids, FileRole::Log, 0, LOGS).await?;
    let last: HashMap<_, _> = named.iter().map(|(job, path, _)| (*job, path.id)).collect();
    let rows: HashMap<_, _> = rows.into_iter().map(|job| (job.id, job)).collect();
    let logs = named.into_iter().filter_map(|(job, path, more)| {
        let row = rows.get(&job)?;
        let more = if last.get(&job) == Some(&path.id) { more } else { 0 };
        let label: Vec<&str> = row.wildcards.values().map(String::as_str).collect();
        Some(JobLog { file: path.id, path: path.path, job, rule: row.rule.clone(), status: row.status, label: label.join(" "), more })
    });
    Ok(logs.collect())
}

/// The path of a log, and the reach for reading it.
async fn known(reader: &Reader, viewer: &Viewer, id: RunId, file: &FileRef) -> Result<(Reach, String), ReadError> {
    let mut conn = reader.store.conn().await?;
    let reach = crate::run(&mut conn, viewer, id).await?.reach;
    let path = files::path_of(&mut conn, id, file).await?;
    Ok((reach.to(file), path.ok_or(ReadError::NotFound)?))
}

pub async fn open(
    reader: &Reader,
    viewer: &Viewer,
    id: RunId,
    file: FileRef,
    part: LogPart,
    encoding: Option<Encoding>,
) -> Result<OpenLog, ReadError> {
    let (reach, path) = known(reader, viewer, id, &file).await?;
    note_read(reader, viewer.id, id, &reach, &path).await;
    let (mut bytes, mut over) = (None, false);
    let window = match reader.files.log(&reach, Path::new(&path), part, encoding).await {
        Ok((facts, LogFound::Text(mut text))) => {
            if text.before.is_none() && may_count(text.read) {
                text.before = reader.files.count(&reach, Path::new(&path), text.from).await.unwrap_or(None);
            }
            if text.size == 0 {
                over = is_over(reader, viewer, id, &file, &path).await?;
            }
            Ok(LogWindow { facts, text })
        }
        Ok((facts, LogFound::Bytes(found))) => {
            bytes = Some((facts, found));
            Err(NoFile::NotText)
        }
        Err(why) => Err(why),
    };
    Ok(OpenLog { file, path, window, bytes, over })
}

/// Lines are counted with the character width that Flowo detected in the file, not with one that a reader chose.
fn may_count(read: ReadAs) -> bool {
    read.because != Because::Chosen || !read.encoding.is_wide()
}

/// Whether the run has ended, or every job that writes this log.
async fn is_over(reader: &Reader, viewer: &Viewer, id: RunId, file: &FileRef, path: &str) -> Result<bool, ReadError> {
    let mut conn = reader.store.conn().await?;
    let run = crate::run(&mut conn, viewer, id).await?.run;
    if run.status.is_end() || *file == FileRef::Log {
        return Ok(run.status.is_end());
    }
    let (uses, unlisted) = files::path(&mut conn, id, path).await?.map(|detail| (detail.jobs, detail.unlisted)).unwrap_or_default();
    let mut writers = uses.iter().filter(|job| job.role == FileRole::Log).peekable();
    Ok(writers.peek().is_some() && unlisted.of(FileRole::Log) == 0 && writers.all(|job| job.status.is_end()))
}

pub async fn line(
    reader: &Reader,
    viewer: &Viewer,
    id: RunId,
    file: FileRef,
    number: u64,
) -> Result<Result<Option<u64>, NoFile>, ReadError> {
    let (reach, path) = known(reader, viewer, id, &file).await?;
    Ok(reader.files.line(&reach, Path::new(&path), number).await)
}

pub async fn count(
    reader: &Reader,
    viewer: &Viewer,
    id: RunId,
    file: FileRef,
    before: u64,
) -> Result<Result<Option<u64>, NoFile>, ReadError> {
    let (reach, path) = known(reader, viewer, id, &file).await?;
    Ok(reader.files.count(&reach, Path::new(&path), before).await)
}

/// How long a search text may be (bytes).
const LONGEST: usize = 200;

/// The search that the parameters describe, if they are valid.
pub fn looked_for(words: Option<String>, level: Option<Level>, from: u64, encoding: Option<Encoding>) -> Result<Look, ReadError> {
    let wanted = match (words, level) {
        (Some(words), _) if words.is_empty() || words.len() > LONGEST || words.contains('\n') => {
            return Err(Invalid::new("words", words.chars().take(40).collect::<String>(), "1 to 200 bytes of one line").into());
        }
        (Some(words), _) => Wanted::Words(words),
        (None, Some(level)) => Wanted::Level(level),
        (None, None) => return Err(Invalid::new("words", "", "1 to 200 bytes of one line, or a level").into()),
    };
    Ok(Look { wanted, from, encoding })
}

pub async fn find(reader: &Reader, viewer: &Viewer, id: RunId, file: FileRef, look: Look) -> Result<Result<Hits, NoFile>, ReadError> {
    let (reach, path) = known(reader, viewer, id, &file).await?;
    Ok(reader.files.find(&reach, Path::new(&path), look).await)
}
