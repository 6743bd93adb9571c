//! The filter language of the runs page. A filter is parsed once and means the same in SQL and in memory.
//!
//! `failed rna status:failed,lost user:ana -tag:demo after:7d duration:>1h "two words"`.
//! A run must match all words; commas separate alternatives; `-` negates.
//! Matching ignores ASCII case. The keys are a table (`keys.rs`).

mod keys;
mod parse;

pub use keys::{EXAMPLE, KEYS, Key, Takes};

use crate::{
    Invalid, Millis, RunStatus,
    as_of::{EARLIEST, LATEST},
    run::RunSummary,
};
use serde::{Deserialize, Serialize};
use std::{fmt, sync::LazyLock};

/// A parsed filter, with the words that were not understood.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunFilter {
    pub clauses: Vec<Clause>,
    pub mistakes: Vec<Mistake>,
}

/// One word of a filter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clause {
    pub not: bool,
    pub term: Term,
    /// The word as it was written, for chips and URLs.
    pub text: String,
}

/// A word that was not understood, and what would have been understood instead. It filters nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mistake {
    pub text: String,
    pub expected: String,
    /// The word itself is not wrong, but the text before it already fills the limit.
    #[serde(default)]
    pub is_rest: bool,
}

/// What a clause asks for. Texts are already folded to lower case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Term {
    /// Anywhere in name, directory, user or tags.
    Text(String),
    Name(String),
    Directory(String),
    Status(Vec<RunStatus>),
    User(Vec<String>),
    Tag(Vec<String>),
    Source(Vec<String>),
    /// Has a job of one of these rules.
    Rule(Vec<String>),
    After(Moment),
    Before(Moment),
    Duration(Compare, Millis),
    Is(Trait),
}

/// A point in time, or a distance back from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Moment {
    At(Millis),
    Ago(Millis),
}

impl Moment {
    /// The moment as a time; never one that the database cannot hold.
    pub fn millis(self, now: Millis) -> Millis {
        let at = match self {
            Self::At(at) => at,
            Self::Ago(back) => now.saturating_sub(back),
        };
        at.clamp(EARLIEST, LATEST)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Compare {
    Over,
    Under,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trait {
    DryRun,
    /// Not the first attempt.
    Retry,
}

/// Lower case for ASCII, the same as `fold()` in the database.
pub fn fold(text: &str) -> String {
    text.to_ascii_lowercase()
}

/// What a filter may consist of, for API clients.
static ALLOWED: LazyLock<String> = LazyLock::new(|| format!("{} or plain words", keys::listed()));

impl RunFilter {
    /// Parses leniently: a word that is not understood becomes a [`Mistake`] and filters nothing.
    pub fn parse(text: &str) -> Self {
        parse::filter(text)
    }

    /// Parses strictly, for API clients.
    ///
    /// # Errors
    /// The first mistake, with what is allowed in its place.
    pub fn parse_strict(text: &str) -> Result<Self, Invalid> {
        let filter = Self::parse(text);
        match filter.mistakes.first() {
            None => Ok(filter),
            Some(mistake) if mistake.is_rest => Err(Invalid::new("q", mistake.text.clone(), parse::MOST)),
            Some(mistake) => Err(Invalid::new("q", mistake.text.clone(), &ALLOWED)),
        }
    }

    pub const fn is_empty(&self) -> bool {
        self.clauses.is_empty() && self.mistakes.is_empty()
    }

    /// Whether a run passes; `None` when that depends on rules that the caller does not know.
    ///
    /// `rules` are the names of the run's rules, or `None` if unknown. Means the same as the
    /// query in `store::runs::list`; a property test checks that both agree.
    pub fn matches(&self, run: &RunSummary, rules: Option<&[String]>, now: Millis) -> Option<bool> {
        let mut known = true;
        for clause in &self.clauses {
            match clause.term.holds(run, rules, now) {
                Some(holds) if holds == clause.not => return Some(false),
                Some(_) => {}
                None => known = false,
            }
        }
        known.then_some(true)
    }

    /// The filter's text without one clause.
    pub fn without(&self, index: usize) -> String {
        let words = self.clauses.iter().enumerate().filter(|(at, _)| *at != index).map(|(_, clause)| clause.text.as_str());
        join(words.chain(self.mistakes.iter().map(|mistake| mistake.text.as_str())))
    }

    /// The filter's text with its status clauses replaced by one; `None` removes them.
    pub fn with_status(&self, status: Option<RunStatus>) -> String {
        let others = self.clauses.iter().filter(|clause| !matches!(clause.term, Term::Status(_))).map(|clause| clause.text.as_str());
        let status = status.map(|status| format!("status:{status}"));
        join(status.as_deref().into_iter().chain(others))
    }

    /// The status asked for, if the filter asks for exactly one.
    pub fn only_status(&self) -> Option<RunStatus> {
        let mut found = None;
        for clause in &self.clauses {
            if let Term::Status(list) = &clause.term {
                match (list.as_slice(), clause.not, found) {
                    ([status], false, None) => found = Some(*status),
                    _ => return None,
                }
            }
        }
        found
    }
}

fn join<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<Vec<_>>().join(" ")
}

impl fmt::Display for RunFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.without(usize::MAX))
    }
}

impl Term {
    fn holds(&self, run: &RunSummary, rules: Option<&[String]>, now: Millis) -> Option<bool> {
        let within = |text: &str, part: &str| fold(text).contains(part);
        let one_of = |list: &[String], text: &str| list.contains(&fold(text));
        Some(match self {
            Self::Text(part) => within(&search_text(run), part),
            Self::Name(part) => within(&run.name, part),
            Self::Directory(part) => run.directory.as_deref().is_some_and(|directory| within(directory, part)),
            Self::Status(list) => list.contains(&run.status),
            Self::User(list) => one_of(list, &run.user),
            Self::Source(list) => one_of(list, &run.source),
            Self::Tag(list) => run.tags.iter().any(|tag| one_of(list, tag)),
            Self::Rule(list) => rules?.iter().any(|rule| one_of(list, rule)),
            Self::After(moment) => run.started_at.is_some_and(|at| at >= moment.millis(now)),
            Self::Before(moment) => run.started_at.is_some_and(|at| at < moment.millis(now)),
            Self::Duration(compare, limit) => run.duration(now).is_some_and(|took| match compare {
                Compare::Over => took > *limit,
                Compare::Under => took < *limit,
            }),
            Self::Is(Trait::DryRun) => run.dry_run,
            Self::Is(Trait::Retry) => run.attempt > 1,
        })
    }
}

/// The text in which free text is searched; the column `search` holds the same text, folded.
fn search_text(run: &RunSummary) -> String {
    let tags = run.tags.join("\n");
    let parts = [Some(run.name.as_str()), run.directory.as_deref(), Some(run.user.as_str()), Some(tags.as_str())];
    parts.into_iter().flatten().collect::<Vec<_>>().join("\n")
}
