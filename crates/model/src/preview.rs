//! What is shown of a file: its content in a form that a page can draw. No files, no HTML but what was cleaned.

use crate::Millis;
use serde::{Deserialize, Serialize};

/// What is asked of whoever looks into a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// The file's name: what it ends in says what it is.
    pub name: String,
    /// Where to begin, as [`Table::next`] said; 0 is the start.
    pub at: u64,
}

/// A file as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Preview {
    Text(Text),
    Table(Table),
    /// Clean HTML of what was marked up.
    Rich(String),
    Tree(Tree),
    Notebook(Vec<Cell>),
    Sequences(Sequences),
    /// By its own bytes.
    Image,
    /// By its own bytes, with what the browser has for it.
    Pdf,
    /// HTML that is shown in an origin of its own.
    Page,
    Bytes(Bytes),
}

/// Text of a language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    pub code: Code,
    pub lines: u32,
    /// There is more of it.
    pub cut: bool,
}

/// Words of a language. Shown as they are, or as `html` once somebody coloured them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    pub text: String,
    /// Its name or the ending of its files; empty is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub language: String,
    /// The text, escaped, with its words in classes; empty as long as nobody did that.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub html: String,
}

/// Rows that follow each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// What the file says before its rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<String>>,
    /// Columns the file has besides.
    #[serde(default)]
    pub more_columns: u32,
    /// Where the next rows are to be had; what it counts is the format's own.
    pub next: Option<u64>,
    /// There are more rows, but none can be read from the middle of this file.
    #[serde(default)]
    pub cut: bool,
    /// Rows in all, if the file tells.
    pub total: Option<u64>,
}

/// What is in a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    #[default]
    Text,
    Whole,
    Number,
    YesNo,
}

impl Kind {
    pub const fn label(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Whole => "integer",
            Self::Number => "number",
            Self::YesNo => "yes or no",
        }
    }

    /// Shown right-aligned and sorted by size.
    pub const fn is_number(self) -> bool {
        matches!(self, Self::Whole | Self::Number)
    }
}

/// A column of a table, with what can be said of the rows that were read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
    /// Cells without a value.
    #[serde(default)]
    pub missing: u32,
    /// Different values.
    #[serde(default)]
    pub distinct: u32,
    /// Of numbers: the least and the most, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<(String, String)>,
    /// Of numbers: how they lie between these, in equal steps; each 0 to 100, the fullest 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shape: Vec<u8>,
}

/// A value that may hold others: of JSON or YAML.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tree {
    Null,
    Flag(bool),
    Number(String),
    Text(String),
    List(Vec<Tree>),
    Map(Vec<(String, Tree)>),
    /// What stands here is not shown: so many more members, or too deep.
    More(u32),
}

/// A cell of a notebook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cell {
    /// Clean HTML.
    Rich(String),
    Code {
        /// How often something was run before it.
        count: Option<u32>,
        code: Code,
        outputs: Vec<Output>,
    },
}

/// What a cell put out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Output {
    Text(String),
    Error(String),
    /// Clean HTML.
    Rich(String),
    /// As a `data:` address of a picture.
    Picture(String),
    /// Something that is not shown, and why.
    Other(String),
}

/// Sequences of letters: FASTA, or FASTQ with qualities.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequences {
    pub records: Vec<Sequence>,
    /// Letters are of proteins.
    pub protein: bool,
    /// Where the next records are to be had (bytes).
    pub next: Option<u64>,
    /// There are more, but none can be read from the middle of this file.
    pub cut: bool,
}

/// One of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequence {
    pub name: String,
    pub about: String,
    /// Letters as far as they were read.
    pub length: u64,
    /// It is longer than that.
    pub cut: bool,
    /// The first of them.
    pub letters: String,
    /// Of nucleotides: G and C among those read, in thousandths.
    pub gc: Option<u16>,
    /// Mean Phred score, in tenths.
    pub quality: Option<u16>,
}

/// What is nothing of all that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bytes {
    /// What it is by its first bytes, as a media type.
    pub kind: Option<String>,
    /// SHA-256 in hexadecimal; `None` for what is too large to be read for it.
    pub hash: Option<String>,
    /// The first ones: where, their numbers, their letters.
    pub head: String,
}

/// What a job took, by its benchmark file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Benchmark {
    /// How often it was run for this.
    pub times: u32,
    /// On the clock, as all that follows the mean of these times.
    pub seconds: f64,
    pub cpu_seconds: Option<f64>,
    /// The most that was resident at any time (bytes).
    pub memory: Option<u64>,
    /// From and to disk (bytes).
    pub read: Option<u64>,
    pub written: Option<u64>,
    /// Processors in use, in percent of one.
    pub load: Option<f64>,
}

/// What lies in a directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub name: String,
    pub kind: EntryKind,
    /// Bytes, of a file.
    pub size: u64,
    pub modified_at: Millis,
}

/// What an entry of a directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    Directory,
    File,
    /// It leads elsewhere.
    Link,
    /// A pipe, a socket or a device.
    Special,
}
