//! Results of a run: the outputs its jobs declare, which of them are there, and a look into one.

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::state::{state, viewer};
use leptos::prelude::*;
use model::{
    JobKey, JobStatus, RunId,
    file::{FileFacts, NoFile},
};
use serde::{Deserialize, Serialize};
use server_fn::codec::Json;

/// What the view of the results is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultsAsk {
    pub rule: Option<String>,
    /// The number of the path that is looked into.
    pub file: Option<i64>,
    /// The job after which a rule's list goes on.
    pub after: Option<String>,
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

/// The results there are, and one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultsView {
    /// Of a rule: its jobs. Else the newest job of each rule, the last rules first.
    pub made: Vec<Made>,
    pub next: Option<String>,
    pub open: Option<OpenFile>,
}

/// A file that is looked into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenFile {
    pub file: i64,
    pub path: String,
    pub found: Result<(FileFacts, Preview), NoFile>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    /// All there is in it are numbers.
    pub numeric: bool,
}

/// What is shown of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Preview {
    /// As HTML with classes.
    Text {
        html: String,
        lines: u32,
        cut: bool,
    },
    Table {
        columns: Vec<Column>,
        rows: Vec<Vec<String>>,
        more: bool,
    },
    /// By its own bytes.
    Image,
    /// HTML that is shown in an origin of its own.
    Page,
    /// The first bytes of what is no text.
    Hex(String),
}

/// The results of a run, or of one rule.
#[server(prefix = "/_fn", endpoint = "results/list", input = Json)]
pub async fn read_results(id: RunId, ask: ResultsAsk) -> Result<ResultsView, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(AppError::told)?);
    server::view(&state, &viewer, id, ask).await.map_err(AppError::told)
}

#[cfg(feature = "ssr")]
mod server {
    use super::{Made, OpenFile, Output, ResultsAsk, ResultsView};
    use crate::{
        error::AppError,
        preview,
        state::{AppState, Part, Reach, Viewer},
    };
    use model::{
        JobKey, RunId,
        file::NoFile,
        job::{FileRole, JobRow},
        page::Cursor,
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

    pub async fn view(state: &AppState, viewer: &Viewer, id: RunId, ask: ResultsAsk) -> Result<ResultsView, AppError> {
        let mut conn = state.store.conn().await?;
        let run = viewer.run(&mut conn, id).await?;
        let reach = Reach::of(viewer, run.directory.as_deref());
        let (rows, next) = rows(state, &mut conn, id, ask.rule, ask.after).await?;
        let ids: Vec<JobKey> = rows.iter().map(|job| job.id).collect();
        let named = files::of_role(&mut conn, &ids, FileRole::Output).await?;
        let wanted = match ask.file {
            Some(file) => Some((file, files::known(&mut conn, id, file).await?.ok_or(AppError::NotFound)?)),
            None => None,
        };
        drop(conn); // Files may be slow.
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
        let facts = state.sources.facts(&reach, paths).await;
        for (output, facts) in made.iter_mut().flat_map(|made| &mut made.outputs).zip(facts) {
            output.facts = facts;
        }
        let open = match wanted {
            Some((file, path)) => Some(open(state, &reach, file, path).await),
            None => None,
        };
        Ok(ResultsView { made, next, open })
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

    async fn open(state: &AppState, reach: &Reach, file: i64, path: String) -> OpenFile {
        let found = async {
            let window = state.sources.window(reach, PathBuf::from(&path), Part::From(0, preview::READ)).await?;
            let (facts, name) = (window.facts, path.clone());
            let made = tokio::task::spawn_blocking(move || preview::of(&name, window)).await;
            Ok((facts, made.map_err(|_| NoFile::Other("showing it broke".to_owned()))?))
        };
        let found = found.await;
        OpenFile { file, path, found }
    }
}
