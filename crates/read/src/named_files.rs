//! Files that a run's jobs name: by rule, of one rule, by search, and one path with its jobs.

use crate::{ReadError, Reader, results::place};
use model::{Invalid, JobKey, RunId, access::Viewer, job::FileRole};
use std::collections::HashMap;
use store::{
    Conn,
    jobs::{self, files},
};
use view::files::{AllFiles, FilesAsk, FilesView};

/// How long a search text may be (bytes).
const LONGEST: usize = 500;

/// Files of a run.
///
/// # Errors
/// The viewer may not see the run, `ask` is invalid, or the database does not respond.
pub async fn view(reader: &Reader, viewer: &Viewer, id: RunId, ask: FilesAsk) -> Result<FilesView, ReadError> {
    let mut conn = reader.store.conn().await?;
    crate::check(&mut conn, viewer, id).await?;
    let order = reader.rule_graphs.order(id).await?;
    named(&mut conn, id, ask, &order).await
}

async fn named(conn: &mut Conn, id: RunId, ask: FilesAsk, order: &HashMap<String, usize>) -> Result<FilesView, ReadError> {
    let FilesAsk { path, find, rule, job, role, after } = ask;
    let role = role.as_deref().and_then(FileRole::of);
    let is_later = after.is_some();
    if let Some(path) = path {
        let found = files::window_of_path(conn, id, &path, role, place(after, "a job's key")?).await?;
        return found.map(|path| FilesView::Path { path, role, is_later }).ok_or(ReadError::NotFound);
    }
    if let Some(words) = find.filter(|words| !words.trim().is_empty()) {
        if words.len() > LONGEST {
            return Err(Invalid::new("find", format!("{} bytes", words.len()), "at most 500 bytes").into());
        }
        let (paths, more) = files::find(conn, id, words.trim(), place(after, "the number of a path")?).await?;
        return Ok(FilesView::Found { paths, more, is_later });
    }
    if let Some(job) = job {
        return all(conn, id, job, role, place(after, "a number of files")?.unwrap_or(0)).await.map(|all| FilesView::Job(Box::new(all)));
    }
    let Some(rule) = rule else {
        let mut rules = files::by_rule(conn, id).await?;
        rules.sort_by_key(|files| order.get(&files.rule).copied().unwrap_or(usize::MAX));
        return Ok(FilesView::Map(rules));
    };
    let (jobs, later) = files::of_rule(conn, id, &rule, place::<JobKey>(after, "a job's key")?).await?;
    let next = jobs.last().map(|last| last.job.id.to_string()).zip(later);
    Ok(FilesView::Rule { jobs, next })
}

/// The files of a job in one role; without a role, in the first role in which the job has files.
async fn all(conn: &mut Conn, id: RunId, job: JobKey, role: Option<FileRole>, skip: u32) -> Result<AllFiles, ReadError> {
    let row = jobs::named(conn, id, &[job]).await?.pop().ok_or(ReadError::NotFound)?;
    let of = jobs::extras(conn, &[job]).await?.pop().ok_or(ReadError::NotFound)?;
    let counts = FileRole::ALL.map(|role| {
        let count = match role {
            FileRole::Input => of.input,
            FileRole::Output => of.output,
            FileRole::Log => of.log,
            FileRole::Benchmark => of.benchmark,
        };
        (role, u64::try_from(count).unwrap_or(0))
    });
    let counts: Vec<_> = counts.into_iter().filter(|(_, count)| *count > 0).collect();
    let role = role.or_else(|| counts.first().map(|(role, _)| *role)).unwrap_or(FileRole::Input);
    let (files, more) = jobs::files_of(conn, job, role, skip).await?;
    Ok(AllFiles { job: row, counts, role, files, skip, more })
}
