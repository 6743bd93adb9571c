//! The code behind a run: its Snakefile, its rules, its configuration.

use model::file::FileRef;
use serde::{Deserialize, Serialize};

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
    Html {
        /// Its beginning, with classes.
        html: String,
        lines: u32,
        /// Bytes of the text that are not here ...
        missing: u64,
        /// ... and the file that has them, if readers find it by a name.
        whole: Option<FileRef>,
    },
    /// Why there is none, in words.
    Absent(String),
}

/// Everything the code view shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeView {
    /// Files of the workflow; none while a rule is chosen.
    pub files: Vec<Source>,
    /// Configuration files that are not among them.
    pub more_files: u64,
    pub rules: Vec<Source>,
    /// Rules that are not among them: how many, and the names of the first ones.
    pub more_rules: u64,
    pub others: Vec<String>,
    /// The configuration as it was reported, as HTML.
    pub config: Option<String>,
}
