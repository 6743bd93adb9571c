//! Reads results: outputs of jobs by rule and of one job, directories, and the preview of a file.

use crate::{ReadError, Reader, benchmarks, files::Reach, note_read, previews, work};
use model::{
    Invalid, JobKey, RunId,
    access::Viewer,
    encoding::Encoding,
    file::{FileFacts, FileRef, NoFile},
    job::{FileRole, JobRow},
    page::Cursor,
    preview::{Ask, Folder, Shown},
    text,
};
use std::{
    path::{Path, PathBuf},
    str::FromStr,
};
use store::{
    Conn,
    jobs::{self, files},
};
use view::results::{DEEP, Level, Made, OpenFile, Output, Rest, ResultsAsk, ResultsView, Took};

/// How many jobs of a rule are listed at once; and, if no rule is chosen, how many rules.
const JOBS: u32 = 25;
const RULES: usize = 60;
/// How many outputs of a job are listed among other jobs, and how many when the job itself is requested.
const OUTPUTS: u32 = 12;
const ALL_OUTPUTS: u32 = 200;

pub async fn view(reader: &Reader, viewer: &Viewer, id: RunId, ask: ResultsAsk) -> Result<ResultsView, ReadError> {
    let mut conn = reader.store.conn().await?;
    let reach = crate::run(&mut conn, viewer, id).await?.reach;
    let wanted = match ask.file {
        Some(file) => Some(named(&mut conn, id, file).await?),
        None => None,
    };
    let mut view = ResultsView { shown: reader.files.shows(&reach) && reach.directory.is_some(), ..ResultsView::default() };
    if let Some(tree) = ask.tree {
        drop(conn); // Files may be slow.
        view.levels = levels(reader, &reach, &tree, ask.after).await;
    } else if let Some(job) = ask.job {
        let skip = place(ask.after, "a number of outputs")?.unwrap_or(0);
        let rows = jobs::named(&mut conn, id, &[job]).await?;
        let rows = rows.into_iter().map(|row| (row, 0)).collect();
        view.made = made(reader, &mut conn, &reach, rows, (skip, ALL_OUTPUTS)).await?;
        drop(conn);
    } else {
        let rule = ask.rule.clone();
        let (rows, rest) = match ask.rule {
            Some(rule) => {
                let (rows, rest) = of_rule(&mut conn, id, rule, ask.after, JOBS).await?;
                (rows.into_iter().map(|job| (job, 0)).collect(), rest)
            }
            None => of_each_rule(reader, &mut conn, id, place(ask.after, "a number of rules")?.unwrap_or(0)).await?,
        };
        view.rest = rest;
        view.made = made(reader, &mut conn, &reach, rows, (0, OUTPUTS)).await?;
        let mut measures = Vec::new();
        if let Some(rule) = rule {
            view.jobs = jobs::count(&mut conn, id, Some(&rule)).await?;
            measures = measured(&mut conn, &view.made).await?;
        }
        drop(conn);
        view.took = took(reader, &reach, &view.made, measures).await;
    }
    view.open = match wanted {
        Some(open) => {
            note_read(reader, viewer.id, id, &reach, &open.path).await;
            Some(opened(reader, reach, id, open, ask.encoding).await)
        }
        None => None,
    };
    Ok(view)
}

/// The window of a file that begins at `at`: 0, or where an earlier window says that the file goes on.
pub async fn preview(
    reader: &Reader,
    viewer: &Viewer,
    id: RunId,
    file: FileRef,
    at: u64,
    encoding: Option<Encoding>,
) -> Result<Result<(FileFacts, Shown), NoFile>, ReadError> {
    let mut conn = reader.store.conn().await?;
    let reach = crate::run(&mut conn, viewer, id).await?.reach.to(&file);
    let path = files::path_of(&mut conn, id, &file).await?.ok_or(ReadError::NotFound)?;
    drop(conn);
    Ok(found(reader, &reach, id, path, at, encoding).await)
}

/// The benchmark files of jobs.
async fn measured(conn: &mut Conn, made: &[Made]) -> Result<Vec<(JobKey, String)>, ReadError> {
    let ids: Vec<JobKey> = made.iter().map(|made| made.job).collect();
    let named = files::of_role(conn, &ids, FileRole::Benchmark).await?;
    Ok(named.into_iter().map(|(job, path)| (job, path.path)).collect())
}

async fn took(reader: &Reader, reach: &Reach, made: &[Made], files: Vec<(JobKey, String)>) -> Vec<Took> {
    let (jobs, paths): (Vec<JobKey>, Vec<String>) = files.into_iter().unzip();
    let found = benchmarks::read(reader, reach, paths).await;
    let all = jobs.into_iter().zip(found).filter_map(|(job, benchmark)| {
        let label = made.iter().find(|made| made.job == job)?.label.clone();
        Some(Took { job, label, benchmark: benchmark? })
    });
    all.collect()
}

/// What the run says about a file.
async fn named(conn: &mut Conn, id: RunId, file: FileRef) -> Result<OpenFile, ReadError> {
    let path = files::path_of(conn, id, &file).await?.ok_or(ReadError::NotFound)?;
    let (jobs, unlisted) = files::path(conn, id, &path).await?.map(|detail| (detail.jobs, detail.unlisted)).unwrap_or_default();
    let made_by = jobs.iter().find(|job| job.role == FileRole::Output).map(|job| (job.job, job.rule.clone()));
    let used_by = jobs.iter().filter(|job| job.role == FileRole::Input).count() as u64 + unlisted.of(FileRole::Input);
    Ok(OpenFile { file, path, made_by, used_by, found: Err(NoFile::Missing), read: None })
}

/// The same, with the content of the file.
async fn opened(reader: &Reader, reach: Reach, id: RunId, open: OpenFile, encoding: Option<Encoding>) -> OpenFile {
    let reach = reach.to(&open.file);
    let found = found(reader, &reach, id, open.path.clone(), 0, encoding).await;
    let read = match &found {
        Ok(_) => reader.files.read_as(&reach, Path::new(&open.path), encoding).await.unwrap_or(None),
        Err(_) => None,
    };
    OpenFile { found, read, ..open }
}

/// What is shown of a path: the content of a file, or the entries of a directory of the run.
async fn found(
    reader: &Reader,
    reach: &Reach,
    id: RunId,
    path: String,
    at: u64,
    encoding: Option<Encoding>,
) -> Result<(FileFacts, Shown), NoFile> {
    let way = previews::beneath(&path, reach.directory.as_deref());
    let ask = Ask { at, encoding, near: way.as_deref().map(|way| previews::near(id, way)), ..Ask::default() };
    match (reader.files.preview(reach, Path::new(&path), ask).await, way) {
        (Ok((facts, preview)), _) => {
            // A panic in the preview ends only this view, not the page.
            let shown = work::shared(reader.store.clock(), "showing a file", move |leash| Ok(previews::shown(preview, leash))).await;
            Ok((facts, shown.map_err(|error| if matches!(error, ReadError::Busy) { NoFile::Busy } else { NoFile::Broken })?))
        }
        (Err(NoFile::Directory), Some(way)) => {
            let folder = reader.files.list(reach, Path::new(&way), None).await?;
            let modified_at = folder.entries.iter().map(|entry| entry.modified_at).max().unwrap_or_default();
            Ok((FileFacts { size: 0, modified_at }, previews::folder(id, &way, &folder)))
        }
        (Err(why), _) => Err(why),
    }
}

/// The directory of the run, and the directories on the path to the open one. The last one is listed from a given entry
/// on, the others so that the next one is among their entries.
async fn levels(reader: &Reader, reach: &Reach, tree: &str, after: Option<String>) -> Vec<Level> {
    let parts: Vec<&str> = tree.split('/').filter(|part| !matches!(*part, "" | "." | "..")).take(DEEP).collect();
    let list = async |way: &str, from: Option<String>| reader.files.list(reach, Path::new(way), from).await;
    let mut levels: Vec<Level> = Vec::new();
    for at in 0..=parts.len() {
        let way = parts[..at].join("/");
        let next = parts.get(at);
        let mut from = if next.is_none() { after.clone() } else { None };
        let mut folder = list(&way, from.clone()).await;
        let is_there = |folder: &Folder, name: &str| folder.entries.iter().any(|entry| entry.name == name);
        if let (Some(next), Ok(found)) = (next, &folder)
            && !is_there(found, next)
            && found.next.is_some()
        {
            from = Some(format!("{next}/"));
            folder = list(&way, from.clone()).await;
        }
        let stop = folder.is_err();
        levels.push(Level { way, from, folder });
        if stop {
            break;
        }
    }
    levels
}

/// The position at which a list continues, parsed.
pub fn place<T: FromStr>(after: Option<String>, expected: &'static str) -> Result<Option<T>, ReadError> {
    let read = |after: String| after.parse().map_err(|_| Invalid::new("after", after, expected).into());
    after.map(read).transpose()
}

/// The outputs of jobs, at most `most` of each job after the first `skip`, with what the file system reports about
/// them. Each job comes with the number of other jobs that it represents.
async fn made(
    reader: &Reader,
    conn: &mut Conn,
    reach: &Reach,
    rows: Vec<(JobRow, u64)>,
    (skip, most): (u32, u32),
) -> Result<Vec<Made>, ReadError> {
    let ids: Vec<JobKey> = rows.iter().map(|(job, _)| job.id).collect();
    let named = files::window_of_role(conn, &ids, FileRole::Output, skip, most).await?;
    let mut made: Vec<Made> = rows
        .into_iter()
        .map(|(job, more_jobs)| {
            let label: Vec<&str> = job.wildcards.values().map(String::as_str).collect();
            Made {
                job: job.id,
                label: label.join(" "),
                rule: job.rule.unwrap_or_default(),
                status: job.status,
                outputs: Vec::new(),
                skipped: skip,
                missing: 0,
                more_jobs,
            }
        })
        .collect();
    for (job, path, missing) in named {
        if let Some(made) = made.iter_mut().find(|made| made.job == job) {
            made.outputs.push(Output { file: path.id, path: path.path, facts: Err(NoFile::Missing) });
            made.missing = missing;
        }
    }
    made.retain(|made| !made.outputs.is_empty() || made.more_jobs > 0);
    let paths = made.iter().flat_map(|made| &made.outputs).map(|output| PathBuf::from(&output.path)).collect();
    let facts = reader.files.facts_of(reach, paths).await;
    for (output, facts) in made.iter_mut().flat_map(|made| &mut made.outputs).zip(facts) {
        output.facts = facts;
    }
    Ok(made)
}

/// Jobs, each with the number of other jobs that it represents, and what follows them.
type Rows = (Vec<(JobRow, u64)>, Option<Rest>);

/// Jobs of a rule after a given one, at most `limit`; and what follows them.
pub async fn of_rule(
    conn: &mut Conn,
    id: RunId,
    rule: String,
    after: Option<String>,
    limit: u32,
) -> Result<(Vec<JobRow>, Option<Rest>), ReadError> {
    let after = after.map(|after| after.parse::<Cursor>()).transpose()?;
    let query = jobs::Query { rule: Some(rule.clone()), limit, after, ..jobs::Query::default() };
    let page = jobs::list(conn, id, &query).await?;
    let rest = match (page.next, page.items.last()) {
        (Some(next), Some(last)) => {
            let left = jobs::earlier(conn, id, &rule, last.id).await?;
            Some(Rest { after: next.to_string(), says: text::counted(left, "earlier job", "earlier jobs") })
        }
        _ => None,
    };
    Ok((page.items, rest))
}

/// The newest job of each rule, the last rules first, after the first `skip` rules.
async fn of_each_rule(reader: &Reader, conn: &mut Conn, id: RunId, skip: u32) -> Result<Rows, ReadError> {
    let order = reader.rule_graphs.order(id).await?;
    let mut rules: Vec<(String, u64)> = store::runs::rules(conn, id)
        .await?
        .into_iter()
        .filter_map(|rule| Some((rule.name, u64::try_from(rule.jobs.seen()).ok().filter(|jobs| *jobs > 0)?)))
        .collect();
    rules.sort_by_key(|(rule, _)| std::cmp::Reverse(order.get(rule).copied().unwrap_or_default()));
    let listed = skip as usize + RULES;
    let left = rules.len().saturating_sub(listed);
    let rest = (left > 0).then(|| Rest { after: listed.to_string(), says: text::more(left as u64, "rule") });
    let mut rows = Vec::new();
    for (rule, count) in rules.into_iter().skip(skip as usize).take(RULES) {
        let page = jobs::list(conn, id, &jobs::Query { rule: Some(rule), limit: 1, ..jobs::Query::default() }).await?;
        rows.extend(page.items.into_iter().map(|job| (job, count - 1)));
    }
    Ok((rows, rest))
}
