//! Files that a run's jobs name: rule by rule, one rule's, by words, and one path with its jobs.

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::state::{state, viewer};
use leptos::prelude::*;
use model::{
    RunId,
    job::{JobFile, JobRow, PathDetail, PathRow, RuleFiles},
};
use serde::{Deserialize, Serialize};
use server_fn::codec::Json;

/// What the files view is asked for; a path before words, words before a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilesAsk {
    pub path: Option<String>,
    pub find: Option<String>,
    pub rule: Option<String>,
    /// The job after which a rule's list goes on.
    pub after: Option<String>,
}

/// What the files view shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FilesView {
    /// Each rule by a few files of one of its jobs.
    Map(Vec<RuleFiles>),
    /// Jobs of a rule with their files, and the cursor of the next ones.
    Rule {
        jobs: Vec<(JobRow, Vec<JobFile>)>,
        next: Option<String>,
    },
    Found(Vec<PathRow>),
    Path(PathDetail),
}

/// Files of a run.
#[server(prefix = "/_fn", endpoint = "runs/files", input = Json)]
pub async fn read_files(id: RunId, ask: FilesAsk) -> Result<FilesView, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(AppError::told)?);
    let mut conn = state.store.conn().await?;
    viewer.sees(&mut conn, id).await.map_err(AppError::told)?;
    let order = state.graphs.order(id).await?;
    server::view(&mut conn, id, ask, &order).await.map_err(AppError::told)
}

#[cfg(feature = "ssr")]
mod server {
    use super::{FilesAsk, FilesView};
    use crate::error::AppError;
    use model::{Invalid, JobKey, RunId};
    use std::collections::HashMap;
    use store::{Conn, jobs::files};

    /// Words that are searched for (bytes).
    const LONGEST: usize = 500;

    pub async fn view(conn: &mut Conn, id: RunId, ask: FilesAsk, order: &HashMap<String, usize>) -> Result<FilesView, AppError> {
        if let Some(path) = ask.path {
            return files::path(conn, id, &path).await?.map(FilesView::Path).ok_or(AppError::NotFound);
        }
        if let Some(words) = ask.find.filter(|words| !words.trim().is_empty()) {
            if words.len() > LONGEST {
                return Err(Invalid::new("find", format!("{} bytes", words.len()), "at most 500 bytes").into());
            }
            return Ok(FilesView::Found(files::find(conn, id, words.trim()).await?));
        }
        let Some(rule) = ask.rule else {
            let mut rules = files::by_rule(conn, id).await?;
            rules.sort_by_key(|files| order.get(&files.rule).copied().unwrap_or(usize::MAX));
            return Ok(FilesView::Map(rules));
        };
        let after = ask.after.map(|after| after.parse::<JobKey>().map_err(|_| Invalid::new("after", after, "a job's key"))).transpose()?;
        let (jobs, more) = files::of_rule(conn, id, &rule, after).await?;
        let next = if more { jobs.last().map(|(job, _)| job.id.to_string()) } else { None };
        Ok(FilesView::Rule { jobs, next })
    }
}
