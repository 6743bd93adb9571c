//! The change log of a run as people read it: what changed, when, the old and the new value, and who changed it. No SQL.

use crate::{JobKey, Millis, cut};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The kind of row that was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    Run,
    Job,
    Entry,
}

impl Subject {
    pub const ALL: [Self; 3] = [Self::Run, Self::Job, Self::Entry];

    /// The table that holds such rows.
    pub const fn table(self) -> &'static str {
        match self {
            Self::Run => "workflow_runs",
            Self::Job => "job_executions",
            Self::Entry => "log_entries",
        }
    }

    /// The word in URLs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Job => "jobs",
            Self::Entry => "log",
        }
    }

    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|subject| subject.word() == word)
    }

    pub fn of_table(table: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|subject| subject.table() == table)
    }
}

/// What was done to the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Operation {
    Insert,
    Update,
    Delete,
}

impl Operation {
    /// The word in the change log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }
}

impl std::str::FromStr for Operation {
    type Err = crate::Invalid;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let all = [Self::Insert, Self::Update, Self::Delete];
        let found = all.into_iter().find(|operation| operation.as_str().eq_ignore_ascii_case(word));
        found.ok_or_else(|| crate::Invalid::new("operation", word, "INSERT, UPDATE or DELETE"))
    }
}

/// One field: its name, its old and its new value, as [`shown`] formats them. Both absent: it changed, but is too large to be kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    pub name: String,
    pub old: Option<String>,
    pub new: Option<String>,
}

/// One line of the change log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub id: i64,
    pub at: Millis,
    pub subject: Subject,
    pub operation: Operation,
    /// The job that was changed, if it still exists.
    pub job: Option<JobKey>,
    /// The job's rule, and its wildcards in readable form.
    pub rule: Option<String>,
    pub label: String,
    pub fields: Vec<Field>,
    /// A value is longer than its field shows.
    pub cut: bool,
    /// Who or what made the change; absent in lines written before Flowo recorded this.
    pub actor: Option<String>,
}

/// How a missing value is shown.
pub const NONE: &str = "–";

/// A value as it is shown in a line: at most `most` letters of it, and how many more there are.
pub fn shown(value: &Value, most: usize) -> String {
    cut::letters(&whole(value), most)
}

/// A value as people read it.
///
/// Database times become readable, texts lose their quotes, lists are joined.
pub fn whole(value: &Value) -> String {
    match value {
        Value::Null => NONE.to_owned(),
        Value::String(text) if text.is_empty() => "“”".to_owned(),
        Value::String(text) => plain_time(text).unwrap_or_else(|| text.clone()),
        Value::Bool(is) => if *is { "yes" } else { "no" }.to_owned(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(whole).collect::<Vec<_>>().join(", "),
        Value::Object(pairs) => pairs.iter().map(|(key, value)| format!("{key}={}", whole(value))).collect::<Vec<_>>().join(" "),
        Value::Number(number) => number.to_string(),
    }
}

/// `2026-11-21T08:00:00.5+00:00` as `2026-11-21 08:00:00.5 UTC`; `None` for anything that is no time of the database.
fn plain_time(text: &str) -> Option<String> {
    let (date, rest) = text.split_once('T')?;
    let (time, zone) = rest.split_at_checked(rest.find(['+', '-'])?)?;
    let digits = |text: &str, marks: &[char]| text.chars().all(|letter| letter.is_ascii_digit() || marks.contains(&letter));
    let is_time = date.len() == 10 && digits(date, &['-']) && time.len() >= 8 && digits(time, &[':', '.']) && digits(&zone[1..], &[':']);
    is_time.then(|| format!("{date} {time} {}", if zone == "+00:00" { "UTC" } else { zone }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_read_without_their_notation() {
        for (value, expected) in [
            (json!(null), "–"),
            (json!(""), "“”"),
            (json!("running"), "running"),
            (json!(["rna", "2026"]), "rna, 2026"),
            (json!([]), "none"),
            (json!({ "sample": "A", "unit": 1 }), "sample=A unit=1"),
            (json!(true), "yes"),
            (json!(2.5), "2.5"),
            (json!("2026-11-21T08:00:00"), "2026-11-21T08:00… (3 more letters)"),
            (json!("Tea+1"), "Tea+1"),
            (json!("äöüß and much, much more"), "äöüß and much, m… (8 more letters)"),
            (json!(["äöüß and much and more", "more"]), "äöüß and much an… (12 more letters)"),
        ] {
            assert_eq!(shown(&value, 16), expected);
        }
        assert_eq!(shown(&json!("2026-11-21T08:00:00.5+00:00"), 80), "2026-11-21 08:00:00.5 UTC");
        assert_eq!(shown(&json!("2026-11-21T08:00:00+08:00"), 80), "2026-11-21 08:00:00 +08:00");
    }

    #[test]
    fn words_and_tables_lead_back() {
        for subject in Subject::ALL {
            assert_eq!((Subject::of_word(subject.word()), Subject::of_table(subject.table())), (Some(subject), Some(subject)));
        }
        assert_eq!("update".parse(), Ok(Operation::Update));
        assert!("TRUNCATE".parse::<Operation>().is_err());
    }
}
