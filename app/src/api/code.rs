//! The code behind a run: its Snakefile, its rules, its configuration; highlighted by the server.

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::state::{state, viewer};
use leptos::prelude::*;
use model::RunId;
use serde::{Deserialize, Serialize};
use server_fn::codec::Json;

/// A text with its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// A rule, or a path as the client wrote it.
    pub name: String,
    pub language: Option<String>,
    pub body: SourceBody,
}

/// The text itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SourceBody {
    /// As HTML with classes; cut at a bound.
    Html { html: String, lines: u32, cut: bool },
    /// Why there is none, in words.
    Absent(String),
}

/// Everything the code view shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeView {
    /// Files of the workflow; none while a rule is chosen.
    pub files: Vec<Source>,
    pub rules: Vec<Source>,
    /// The run has more rules than are shown.
    pub more: bool,
    /// The configuration as it was reported, as HTML.
    pub config: Option<String>,
}

/// The code of a run, or of one of its rules.
#[server(prefix = "/_fn", endpoint = "runs/code", input = Json)]
pub async fn read_code(id: RunId, rule: Option<String>) -> Result<CodeView, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(AppError::told)?);
    let mut conn = state.store.conn().await?;
    let found = server::found(&mut conn, &viewer, id, rule.as_deref()).await.map_err(AppError::told)?;
    drop(conn); // Files and highlighting take their time.
    server::shown(&state, found).await.map_err(AppError::told)
}

#[cfg(feature = "ssr")]
mod server {
    use super::{CodeView, Source, SourceBody};
    use crate::{
        error::AppError,
        highlight,
        state::{AppState, Reach, Viewer},
    };
    use model::{RunId, event::RuleCode};
    use serde_json::Value;
    use store::{
        Conn,
        runs::{self, find},
    };

    /// Rules shown at once, and bytes of one text.
    const RULES: usize = 200;
    const LONGEST: usize = 200_000;
    /// Configuration files that are read.
    const CONFIGS: usize = 20;

    /// What is to be shown: texts by language, and paths to be read.
    pub struct Found {
        rules: Vec<RuleCode>,
        more: bool,
        reach: Reach,
        files: Vec<String>,
        config: Option<Value>,
    }

    pub async fn found(conn: &mut Conn, viewer: &Viewer, id: RunId, rule: Option<&str>) -> Result<Found, AppError> {
        let run = runs::summary(conn, viewer.audience, id).await?.ok_or(AppError::NotFound)?;
        let all = find::codes(conn, id).await?;
        let more = rule.is_none() && all.len() > RULES;
        let rules = all.into_iter().filter(|code| rule.is_none_or(|rule| rule == code.name)).take(RULES).collect();
        let reach = Reach::of(viewer, run.directory.as_deref());
        if rule.is_some() {
            return Ok(Found { rules, more, reach, files: Vec::new(), config: None });
        }
        let facts = find::facts(conn, &[id]).await?.pop();
        let config = find::extras(conn, id).await?.config.filter(|config| !config.is_null());
        let files = facts.into_iter().flat_map(|facts| facts.snakefile.into_iter().chain(facts.config_files.into_iter().take(CONFIGS)));
        Ok(Found { rules, more, reach, files: files.collect(), config })
    }

    pub async fn shown(state: &AppState, found: Found) -> Result<CodeView, AppError> {
        let mut texts = Vec::new();
        let files = if state.sources.any(&found.reach) { found.files } else { Vec::new() };
        for name in files {
            let text = state.sources.read(&found.reach, name.clone().into(), LONGEST).await;
            texts.push((name, text));
        }
        let (rules, more, config) = (found.rules, found.more, found.config);
        let made = tokio::task::spawn_blocking(move || {
            let files = texts.into_iter().map(|(name, text)| {
                let language = highlight::language_of(&name).to_owned();
                let body = match text {
                    Ok((text, cut)) => body(&text, &language, cut),
                    Err(why) => SourceBody::Absent(why.to_string()),
                };
                Source { name, language: Some(language), body }
            });
            let files = files.collect();
            let rules = rules.into_iter().map(|RuleCode { name, code, language }| {
                let body = match code {
                    Some(code) => {
                        let end = (0..=LONGEST.min(code.len())).rev().find(|end| code.is_char_boundary(*end)).unwrap_or(0);
                        body(&code[..end], language.as_deref().unwrap_or("bash"), end < code.len())
                    }
                    None => SourceBody::Absent("This rule runs nothing of its own, or its client did not report what.".into()),
                };
                Source { name, language, body }
            });
            let rules = rules.collect();
            let config = config.and_then(|config| serde_json::to_string_pretty(&config).ok()).map(|text| highlight::html(&text, "json"));
            CodeView { files, rules, more, config }
        });
        made.await.map_err(|_| AppError::internal("the highlighting broke"))
    }

    fn body(text: &str, language: &str, cut: bool) -> SourceBody {
        let text = text.trim_end();
        SourceBody::Html { html: highlight::html(text, language), lines: text.lines().count() as u32, cut }
    }
}
