//! The code behind a run: its Snakefile, its rules, its configuration; highlighted.

use crate::{
    ReadError, Reader,
    files::Reach,
    highlight,
    work::{self, Leash},
};
use model::{RunId, access::Viewer, event::RuleCode, file::FileRef};
use serde_json::Value;
use std::path::{Component, Path};
use store::{Conn, runs::find};
use view::code::{CodeView, Source, SourceBody};

/// How many rules are shown at once, and how many bytes of one text.
const RULES: u32 = 200;
const LONGEST: usize = 200_000;
/// How many configuration files are read.
const CONFIGS: usize = 20;

/// The code of a run, or of one of its rules.
///
/// # Errors
/// The reader may not see the run, the database does not respond, or highlighting takes too long.
pub async fn view(reader: &Reader, viewer: &Viewer, id: RunId, rule: Option<&str>) -> Result<CodeView, ReadError> {
    let mut conn = reader.store.conn().await?;
    let found = found(&mut conn, viewer, id, rule).await?;
    drop(conn); // Files and highlighting take time.
    shown(reader, found).await
}

/// What will be shown: texts by language, and paths of files to read.
struct Found {
    rules: Vec<RuleCode>,
    more_rules: u64,
    others: Vec<String>,
    reach: Reach,
    files: Vec<String>,
    more_files: u64,
    config: Option<Value>,
}

async fn found(conn: &mut Conn, viewer: &Viewer, id: RunId, rule: Option<&str>) -> Result<Found, ReadError> {
    let reach = crate::run(conn, viewer, id).await?.reach;
    if let Some(rule) = rule {
        let rules = find::codes_of(conn, id, &[rule.to_owned()]).await?;
        return Ok(Found { rules, more_rules: 0, others: Vec::new(), reach, files: Vec::new(), more_files: 0, config: None });
    }
    let rules = find::codes(conn, id, RULES).await?;
    let (others, more_rules) = find::names_after(conn, id, RULES).await?;
    let facts = find::facts(conn, &[id]).await?.pop();
    let config = find::extras(conn, id).await?.config.filter(|config| !config.is_null());
    let (snakefile, configs) = facts.map(|facts| (facts.snakefile, facts.config_files)).unwrap_or_default();
    let more_files = configs.len().saturating_sub(CONFIGS) as u64;
    let files = snakefile.into_iter().chain(configs.into_iter().take(CONFIGS)).collect();
    Ok(Found { rules, more_rules, others, reach, files, more_files, config })
}

async fn shown(reader: &Reader, found: Found) -> Result<CodeView, ReadError> {
    let Found { rules, more_rules, others, reach, files, more_files, config } = found;
    let mut texts = Vec::new();
    for name in files {
        let text = reader.files.start(&reach, Path::new(&name), LONGEST).await;
        texts.push((name, text));
    }
    let made = work::shared(reader.store.clock(), "the highlighting", move |leash| {
        let files = texts.into_iter().map(|(name, text)| {
            let language = highlight::language_of(&name).to_owned();
            let body = match text {
                Ok((text, missing)) => body(&text, &language, missing, way(&reach, &name), leash),
                Err(why) => SourceBody::Absent(why.to_string()),
            };
            Source { name, language: Some(language), body }
        });
        let files = files.collect();
        let rules = rules.into_iter().map(|RuleCode { name, code, language }| {
            let body = match code {
                Some(code) => {
                    let end = code.floor_char_boundary(LONGEST);
                    body(&code[..end], language.as_deref().unwrap_or("bash"), (code.len() - end) as u64, None, leash)
                }
                None => SourceBody::Absent("This rule runs no code of its own, or its client did not report it.".into()),
            };
            Source { name, language, body }
        });
        let rules = rules.collect();
        let config = config.and_then(|config| serde_json::to_string_pretty(&config).ok()).map(|text| highlight::html(&text, "json", leash));
        Ok(CodeView { files, more_files, rules, more_rules, others, config })
    });
    made.await
}

fn body(text: &str, language: &str, missing: u64, whole: Option<FileRef>, leash: &Leash) -> SourceBody {
    let text = text.trim_end();
    let whole = whole.filter(|_| missing > 0);
    SourceBody::Html { html: highlight::html(text, language, leash), lines: text.lines().count() as u32, missing, whole }
}

/// The file's reference if it lies below the run's directory; other files have no name that a URL can contain.
fn way(reach: &Reach, name: &str) -> Option<FileRef> {
    let name = Path::new(name);
    let way = if name.is_absolute() { name.strip_prefix(reach.directory.as_deref()?).ok()? } else { name };
    let plain = way.components().all(|part| matches!(part, Component::Normal(_)));
    way.to_str().filter(|way| plain && !way.is_empty()).map(|way| FileRef::Under(way.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::access::FileReach;

    #[test]
    fn a_file_beneath_the_run_is_found_by_its_way() {
        let reach = Reach { directory: Some("/lab/run".into()), extent: FileReach::Machine, account: "ana".into(), beneath: false };
        for (name, way_there) in [
            ("/lab/run/workflow/Snakefile", Some("workflow/Snakefile")),
            ("Snakefile", Some("Snakefile")),
            ("../Snakefile", None),
            ("/lab/Snakefile", None),
            ("/lab/run", None),
        ] {
            assert_eq!(way(&reach, name), way_there.map(|way| FileRef::Under(way.into())), "{name}");
        }
    }
}
