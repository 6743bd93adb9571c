//! What is shown of a file: its content in a form that a page can draw. No files, no HTML but what was cleaned.

mod folder;

pub use folder::{Entry, EntryKind, Folder};

use crate::encoding::Encoding;
use serde::{Deserialize, Serialize};

/// What is asked of whoever looks into a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// The file's name: what it ends in says what it is.
    pub name: String,
    /// Where to begin, as [`Table::next`] said; 0 is the start.
    pub at: u64,
    /// How the reader wants its letters read; `None` leaves it to the file.
    #[serde(default)]
    pub encoding: Option<Encoding>,
    /// Where links of the file lead that name its neighbours; `None` drops them.
    #[serde(default)]
    pub near: Option<Near>,
}

/// How a file's neighbours are addressed.
///
/// An address is one of the two beginnings, and the way to the neighbour as a part of a query.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Near {
    /// The directory of the file, from the directory of its run on; empty for that.
    pub folder: String,
    /// The beginning of the address of a page.
    pub page: String,
    /// The beginning of the address of the bytes.
    pub bytes: String,
}

/// What a file holds, as it was read.
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

/// A file as a page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shown {
    Still(Still),
    Table(Table),
    Sequences(Sequences),
    Image,
    Pdf,
    Page,
}

/// HTML that is drawn once and then left alone.
///
/// A page puts it in whole and never walks through it: whatever is in it, it cannot
/// disagree with what the page expects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Still {
    pub form: Form,
    pub html: String,
}

/// What a still view is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    Text,
    Rich,
    Tree,
    Notebook,
    Bytes,
    Folder,
}

impl Form {
    /// The class that its style is for.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Text | Self::Bytes => "scroller",
            Self::Rich => "scroller rich",
            Self::Tree => "scroller values",
            Self::Notebook => "scroller notebook",
            Self::Folder => "scroller folder",
        }
    }
}

/// How what was read of a file ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ends {
    /// With the file.
    #[default]
    Whole,
    /// Before the file does; the rest is not read here.
    More,
    /// With the file, which lacks its end: it was cut off, or is still being written.
    Early,
    /// Where the file is damaged.
    Broken,
}

impl Ends {
    pub const fn is_whole(self) -> bool {
        matches!(self, Self::Whole)
    }

    /// What a reader is told, if there is anything to tell.
    pub const fn says(self) -> Option<&'static str> {
        match self {
            Self::Whole => None,
            Self::More => Some("The file goes on. Download it for the rest."),
            Self::Early => Some("This file ends too early: it was cut off, or is still being written."),
            Self::Broken => Some("This file is damaged; nothing can be read beyond this place."),
        }
    }
}

/// Text of a language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    pub code: Code,
    pub lines: u32,
    pub ends: Ends,
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
    /// Lines of that besides, which follow.
    #[serde(default)]
    pub more_about: u64,
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<String>>,
    /// Columns the file has besides.
    #[serde(default)]
    pub more_columns: u32,
    /// Where the next rows are to be had; what it counts is the format's own.
    pub next: Option<u64>,
    /// How the rows end where there are none to be had next.
    #[serde(default)]
    pub ends: Ends,
    /// Rows in all, if the file tells.
    pub total: Option<u64>,
    /// Sequences that follow the rows in the same file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequences: Option<Sequences>,
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

/// A column of a table, with what can be said of the rows that were read with it.
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

/// Values that may hold others, of JSON or YAML: each before those it holds.
///
/// A list, not a tree of structures: a file may nest deeper than what reads it may recurse.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    pub nodes: Vec<Node>,
    pub ends: Ends,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// In how many others it lies. At most one more than that of the node before it.
    pub deep: u32,
    /// Of a member of a map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub value: Value,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Value {
    Null,
    Flag(bool),
    Number(String),
    /// With the number of letters that are left out at its end.
    Text(String, u64),
    /// With the number of its members, shown or not.
    List(u64),
    Map(u64),
    /// So many more members of what holds it.
    More(u64),
    /// A value that lies too deep to be drawn, as text, with the number of letters that are left out.
    Deeper(String, u64),
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
    /// How they end where there are none to be had next.
    pub ends: Ends,
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
    /// Whether it lacks its end, as far as that can be told.
    #[serde(default)]
    pub ends: Ends,
}

/// What a job took, by its benchmark file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Benchmark {
    /// How often it was run for this.
    pub times: u32,
    /// It was run more often; that is not read.
    #[serde(default)]
    pub more: bool,
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
