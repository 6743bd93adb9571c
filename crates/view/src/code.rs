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
        /// The beginning of the text, with CSS classes.
        html: String,
        lines: u32,
        /// How many bytes of the text are left out ...
        missing: u64,
        /// ... and the file that contains them, if a URL can name it.
        whole: Option<FileRef>,
    },
    /// Why there is no text, in words.
    Absent(String),
}

/// Everything that the code view shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeView {
    /// Files of the workflow; empty while a rule is chosen.
    pub files: Vec<Source>,
    /// How many more configuration files there are.
    pub more_files: u64,
    pub rules: Vec<Source>,
    /// How many more rules there are, and the names of the first of them.
    pub more_rules: u64,
    pub others: Vec<String>,
    /// The configuration as it was reported, as HTML.
    pub config: Option<String>,
}
