//! Results of a run: the outputs its jobs declare, which of them are there, its directory, and a look into one file.

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::state::{state, viewer};
use leptos::prelude::*;
use model::{
    JobKey, JobStatus, RunId,
    file::{FileFacts, FileRef, NoFile},
    preview::{Benchmark, Entry, Preview},
};
use serde::{Deserialize, Serialize};
use server_fn::codec::Json;

/// What the view of the results is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultsAsk {
    pub rule: Option<String>,
    /// The file that is looked into.
    pub file: Option<FileRef>,
    /// The job after which a rule's list goes on.
    pub after: Option<String>,
    /// The directory that is open, beneath that of the run and without it; none lists outputs by rule.
    pub tree: Option<String>,
}

/// An output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    pub file: i64,
    pub path: String,
    pub facts: Result<FileFacts, NoFile>,
}

/// The outputs of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    pub job: JobKey,
    pub rule: String,
    /// Values of its wildcards, joined.
    pub label: String,
    pub status: JobStatus,
    pub outputs: Vec<Output>,
}

/// A directory on the way to the open one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// Its way from the directory of the run; empty for that.
    pub way: String,
    /// What lies in it, and whether there is more.
    pub entries: Result<(Vec<Entry>, bool), NoFile>,
}

/// What a job took, by its benchmark file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Took {
    pub job: JobKey,
    /// Values of its wildcards, joined.
    pub label: String,
    pub benchmark: Benchmark,
}

/// The results there are, and one of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ResultsView {
    /// Of a rule: its jobs. Else the newest job of each rule, the last rules first.
    pub made: Vec<Made>,
    pub next: Option<String>,
    /// From the directory of the run to the open one; empty unless directories were asked for.
    pub levels: Vec<Level>,
    /// What the jobs of a rule took, as far as they have benchmark files.
    pub took: Vec<Took>,
    /// Files may be shown at all.
    pub shown: bool,
    pub open: Option<OpenFile>,
}

/// A file that is looked into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenFile {
    pub file: FileRef,
    pub path: String,
    /// A job that makes it, and its rule.
    pub made_by: Option<(JobKey, String)>,
    /// Jobs that use it, as far as they are counted.
    pub used_by: u32,
    pub found: Result<(FileFacts, Preview), NoFile>,
}

/// The results of a run, or of one rule.
#[server(prefix = "/_fn", endpoint = "results/list", input = Json)]
pub async fn read_results(id: RunId, ask: ResultsAsk) -> Result<ResultsView, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(AppError::told)?);
    server::view(&state, &viewer, id, ask).await.map_err(AppError::told)
}

/// Another window of a file, from where the one before it said.
#[server(prefix = "/_fn", endpoint = "results/look", input = Json)]
pub async fn look_into(id: RunId, file: FileRef, at: u64) -> Result<Result<(FileFacts, Preview), NoFile>, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(AppError::told)?);
    server::look(&state, &viewer, id, file, at).await.map_err(AppError::told)
}

#[cfg(feature = "ssr")]
mod server {
    use super::{Level, Made, OpenFile, Output, ResultsAsk, ResultsView, Took};
    use crate::{
        api::benchmarks,
        error::AppError,
        preview,
        state::{AppState, Reach, Viewer},
    };
    use model::{
        JobKey, RunId,
        file::{FileFacts, FileRef, NoFile},
        job::{FileRole, JobRow},
        page::Cursor,
        preview::Preview,
    };
    use std::path::PathBuf;
    use store::{
        Conn,
        jobs::{self, files},
    };

    /// Jobs of a rule that are listed at once, rules without one, and outputs of one job.
    const JOBS: u32 = 25;
    const RULES: usize = 60;
    const OUTPUTS: usize = 12;

    /// Directories one within the other that are listed.
    const DEEP: usize = 24;

    pub async fn view(state: &AppState, viewer: &Viewer, id: RunId, ask: ResultsAsk) -> Result<ResultsView, AppError> {
        let mut conn = state.store.conn().await?;
        let run = viewer.run(&mut conn, id).await?;
        let reach = Reach::of(viewer, run.directory.as_deref());
        let wanted = match ask.file {
            Some(file) => Some(named(&mut conn, id, file).await?),
            None => None,
        };
        let mut view = ResultsView { shown: state.sources.any(&reach) && reach.directory.is_some(), ..ResultsView::default() };
        if let Some(tree) = ask.tree {
            drop(conn); // Files may be slow.
            view.levels = levels(state, &reach, &tree).await;
        } else {
            let one_rule = ask.rule.is_some();
            (view.made, view.next) = made(state, &mut conn, &reach, id, ask.rule, ask.after).await?;
            let files = if one_rule { measured(&mut conn, &view.made).await? } else { Vec::new() };
            drop(conn);
            view.took = took(state, &reach, &view.made, files).await;
        }
        view.open = match wanted {
            Some(open) => Some(opened(state, reach, open).await),
            None => None,
        };
        Ok(view)
    }

    pub async fn look(
        state: &AppState,
        viewer: &Viewer,
        id: RunId,
        file: FileRef,
        at: u64,
    ) -> Result<Result<(FileFacts, Preview), NoFile>, AppError> {
        let mut conn = state.store.conn().await?;
        let run = viewer.run(&mut conn, id).await?;
        let path = files::path_of(&mut conn, id, &file).await?.ok_or(AppError::NotFound)?;
        drop(conn);
        let reach = Reach::of(viewer, run.directory.as_deref()).to(&file);
        Ok(found(state, &reach, path, at).await)
    }

    /// The benchmark files of jobs.
    async fn measured(conn: &mut Conn, made: &[Made]) -> Result<Vec<(JobKey, String)>, AppError> {
        let ids: Vec<JobKey> = made.iter().map(|made| made.job).collect();
        let named = files::of_role(conn, &ids, FileRole::Benchmark).await?;
        Ok(named.into_iter().map(|(job, path)| (job, path.path)).collect())
    }

    async fn took(state: &AppState, reach: &Reach, made: &[Made], files: Vec<(JobKey, String)>) -> Vec<Took> {
        let (jobs, paths): (Vec<JobKey>, Vec<String>) = files.into_iter().unzip();
        let found = benchmarks::read(state, reach, paths).await;
        let all = jobs.into_iter().zip(found).filter_map(|(job, benchmark)| {
            let label = made.iter().find(|made| made.job == job)?.label.clone();
            Some(Took { job, label, benchmark: benchmark? })
        });
        all.collect()
    }

    /// What the run says of a file.
    async fn named(conn: &mut Conn, id: RunId, file: FileRef) -> Result<OpenFile, AppError> {
        let path = files::path_of(conn, id, &file).await?.ok_or(AppError::NotFound)?;
        let jobs = files::path(conn, id, &path).await?.map(|detail| detail.jobs).unwrap_or_default();
        let made_by = jobs.iter().find(|job| job.role == FileRole::Output).map(|job| (job.job, job.rule.clone()));
        let used_by = jobs.iter().filter(|job| job.role == FileRole::Input).count() as u32;
        Ok(OpenFile { file, path, made_by, used_by, found: Err(NoFile::Missing) })
    }

    /// The same with what is in it.
    async fn opened(state: &AppState, reach: Reach, open: OpenFile) -> OpenFile {
        let reach = reach.to(&open.file);
        let found = found(state, &reach, open.path.clone(), 0).await;
        OpenFile { found, ..open }
    }

    async fn found(state: &AppState, reach: &Reach, path: String, at: u64) -> Result<(FileFacts, Preview), NoFile> {
        let (facts, preview) = state.sources.preview(reach, PathBuf::from(path), at).await?;
        let dressed = tokio::task::spawn_blocking(move || preview::dressed(preview)).await;
        Ok((facts, dressed.map_err(|_| NoFile::Other("showing it broke".to_owned()))?))
    }

    /// The directory of the run, and those on the way to one beneath it.
    async fn levels(state: &AppState, reach: &Reach, tree: &str) -> Vec<Level> {
        let mut way = String::new();
        let mut ways = vec![String::new()];
        for part in tree.split('/').filter(|part| !matches!(*part, "" | "." | "..")).take(DEEP) {
            if !way.is_empty() {
                way.push('/');
            }
            way.push_str(part);
            ways.push(way.clone());
        }
        let mut levels = Vec::new();
        for way in ways {
            let entries = state.sources.list(reach, PathBuf::from(&way)).await;
            let stop = entries.is_err();
            levels.push(Level { way, entries });
            if stop {
                break;
            }
        }
        levels
    }

    /// Outputs of jobs, with what the file system says of them.
    async fn made(
        state: &AppState,
        conn: &mut Conn,
        reach: &Reach,
        id: RunId,
        rule: Option<String>,
        after: Option<String>,
    ) -> Result<(Vec<Made>, Option<String>), AppError> {
        let (rows, next) = rows(state, conn, id, rule, after).await?;
        let ids: Vec<JobKey> = rows.iter().map(|job| job.id).collect();
        let named = files::of_role(conn, &ids, FileRole::Output).await?;
        let mut made: Vec<Made> = rows
            .into_iter()
            .map(|job| {
                let label: Vec<&str> = job.wildcards.values().map(String::as_str).collect();
                Made { job: job.id, label: label.join(" "), rule: job.rule.unwrap_or_default(), status: job.status, outputs: Vec::new() }
            })
            .collect();
        for (job, path) in named {
            if let Some(made) = made.iter_mut().find(|made| made.job == job)
                && made.outputs.len() < OUTPUTS
            {
                made.outputs.push(Output { file: path.id, path: path.path, facts: Err(NoFile::Missing) });
            }
        }
        made.retain(|made| !made.outputs.is_empty());
        let paths = made.iter().flat_map(|made| &made.outputs).map(|output| PathBuf::from(&output.path)).collect();
        let facts = state.sources.facts(reach, paths).await;
        for (output, facts) in made.iter_mut().flat_map(|made| &mut made.outputs).zip(facts) {
            output.facts = facts;
        }
        Ok((made, next))
    }

    /// Jobs of a rule from one on; or the newest job of each rule, the last rules first.
    async fn rows(
        state: &AppState,
        conn: &mut Conn,
        id: RunId,
        rule: Option<String>,
        after: Option<String>,
    ) -> Result<(Vec<JobRow>, Option<String>), AppError> {
        if rule.is_some() {
            let after = after.map(|after| after.parse::<Cursor>()).transpose()?;
            let page = jobs::list(conn, id, &jobs::Query { rule, limit: JOBS, after, ..jobs::Query::default() }).await?;
            return Ok((page.items, page.next.map(|next| next.to_string())));
        }
        let order = state.graphs.order(id).await?;
        let mut rules: Vec<String> =
            store::runs::rules(conn, id).await?.into_iter().filter(|rule| rule.jobs.seen() > 0).map(|rule| rule.name).collect();
        rules.sort_by_key(|rule| std::cmp::Reverse(order.get(rule).copied().unwrap_or_default()));
        let mut rows = Vec::new();
        for rule in rules.into_iter().take(RULES) {
            let page = jobs::list(conn, id, &jobs::Query { rule: Some(rule), limit: 1, ..jobs::Query::default() }).await?;
            rows.extend(page.items);
        }
        Ok((rows, None))
    }
}
