//! The messages exactly as the plugin sends them. Unknown fields are ignored here; the stored raw report contains them.

use crate::weight::{MOST_BYTES, Weight};
use serde::{Deserialize, Deserializer, de::DeserializeOwned, de::Error as _};
use serde_json::{Value, value::RawValue};
use std::collections::{BTreeMap, HashSet};

/// One report: an event, its record, and the state that the plugin carries from answer to answer.
///
/// The record is not parsed until its type is known.
#[derive(Clone, Debug, Deserialize)]
pub struct Envelope<'a> {
    pub event: String,
    #[serde(borrow)]
    pub record: &'a RawValue,
    pub context: Context,
}

/// The plugin's state. Older versions send less.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Context {
    pub current_workflow_id: Option<String>,
    pub dryrun: bool,
    pub logfile: Option<String>,
    pub flowo_project_name: Option<String>,
    #[serde(deserialize_with = "tags")]
    pub flowo_tags: Vec<String>,
    pub flowo_catalog_slug: Option<String>,
    pub workdir: Option<String>,
    pub configfiles: Option<Vec<String>>,
    /// Only version 2.2.0 sends this field, and only that version sends heartbeats.
    pub config_digest: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct WorkflowStarted {
    pub workflow_id: String,
    #[serde(default)]
    pub snakefile: Option<String>,
    #[serde(default)]
    pub rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
pub struct Rule {
    pub name: String,
    #[serde(default)]
    pub code: Option<String>,
    #[serde(default)]
    pub language: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct RuleGraph {
    #[serde(deserialize_with = "bounded")]
    pub rulegraph: Value,
}

#[derive(Debug, Deserialize)]
pub struct RunInfo {
    pub stats: BTreeMap<String, i64>,
}

#[derive(Debug, Deserialize)]
pub struct JobStarted {
    pub job_ids: Vec<i64>,
}

#[derive(Debug, Deserialize)]
pub struct JobInfo {
    pub job_id: i64,
    #[serde(default)]
    pub rule_name: Option<String>,
    #[serde(default)]
    pub threads: Option<i64>,
    #[serde(default)]
    pub input: Option<Vec<String>>,
    #[serde(default)]
    pub output: Option<Vec<String>>,
    #[serde(default)]
    pub log: Option<Vec<String>>,
    #[serde(default)]
    pub benchmark: Option<Vec<String>>,
    #[serde(default)]
    pub rule_msg: Option<String>,
    #[serde(default, deserialize_with = "bounded")]
    pub wildcards: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    pub reason: Option<String>,
    #[serde(default)]
    pub shellcmd: Option<String>,
    /// "highest" for prioritized jobs; no version sends such a record, but a later one may.
    #[serde(default, deserialize_with = "number")]
    pub priority: Option<i64>,
    #[serde(default, deserialize_with = "bounded")]
    pub resources: Option<BTreeMap<String, Value>>,
}

/// The record of both `job_finished` and `job_error`.
#[derive(Debug, Deserialize)]
pub struct JobEnded {
    pub job_id: i64,
}

/// In all versions seen, every field but the class name is null.
#[derive(Debug, Deserialize)]
pub struct Error {
    #[serde(default)]
    pub exception: Option<String>,
    #[serde(default)]
    pub location: Option<String>,
    #[serde(default)]
    pub rule: Option<String>,
    #[serde(default)]
    pub traceback: Option<String>,
}

/// A list, a text with commas, or nothing; empty tags do not count.
fn tags<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Tags {
        List(Vec<String>),
        Text(String),
        Nothing(()),
    }
    let words = match bounded(deserializer)? {
        Tags::List(list) => list,
        Tags::Text(text) => text.split(',').map(str::to_owned).collect(),
        Tags::Nothing(()) => Vec::new(),
    };
    // All of them: the fold keeps the first, and needs their number to say how many are missing.
    let mut seen = HashSet::new();
    let trimmed = words.iter().map(|word| word.trim());
    Ok(trimmed.filter(|word| !word.is_empty() && seen.insert(*word)).map(str::to_owned).collect())
}

/// A value of any form, unless it would take too much memory.
fn bounded<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<T, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    if Weight::of(raw.get()).as_values() > MOST_BYTES {
        return Err(D::Error::custom("too many values"));
    }
    serde_json::from_str(raw.get()).map_err(D::Error::custom)
}

/// A number; `None` for a value of any other form.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(Box::<RawValue>::deserialize(deserializer)?.get().parse().ok())
}
