//! What is shown of a file: its content in a form that a page can draw. No files, and no HTML except sanitized HTML.

mod folder;

pub use folder::{Entry, EntryKind, Folder};

use crate::encoding::Encoding;
use serde::{Deserialize, Serialize};

/// A request for a preview of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// The file's name. Its extension determines the file type.
    pub name: String,
    /// Where to begin, as given by [`Table::next`]; 0 is the start.
    pub at: u64,
    /// The encoding that the reader chose; `None` leaves the choice to Flowo.
    #[serde(default)]
    pub encoding: Option<Encoding>,
    /// Where links to neighbouring files lead; `None` drops such links.
    #[serde(default)]
    pub near: Option<Near>,
}

/// How a file's neighbours are addressed.
///
/// A URL is one of the two prefixes followed by the neighbour's path as a part of a query.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Near {
    /// The directory of the file, relative to its run's directory; empty for that directory itself.
    pub folder: String,
    /// The prefix of the URL of a page.
    pub page: String,
    /// The prefix of the URL of the bytes.
    pub bytes: String,
}

/// The content of a file, as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Preview {
    Text(Text),
    Table(Table),
    /// Sanitized HTML made from markup.
    Rich(String),
    Tree(Tree),
    Notebook(Vec<Cell>),
    Sequences(Sequences),
    /// Shown from the file's own bytes.
    Image,
    /// Shown from the file's own bytes, by the browser's viewer.
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
/// A page inserts it whole and hydration never walks through it, so its content cannot disagree with what hydration expects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Still {
    pub form: Form,
    pub html: String,
}

/// The kind of content in a still view.
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
    /// The CSS class that its style applies to.
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

/// How the part of a file that was read ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ends {
    /// At the end of the file.
    #[default]
    Whole,
    /// Before the end of the file; the rest is not read here.
    More,
    /// At the end of the file, but the file itself is incomplete: it was truncated, or is still being written.
    Early,
    /// Where the file is damaged.
    Broken,
}

impl Ends {
    pub const fn is_whole(self) -> bool {
        matches!(self, Self::Whole)
    }

    /// What the reader is told about it, if anything.
    pub const fn says(self) -> Option<&'static str> {
        match self {
            Self::Whole => None,
            Self::More => Some("There is more in this file. Download it for the rest."),
            Self::Early => Some("This file ends too early: it was cut off, or is still being written."),
            Self::Broken => Some("This file is damaged; nothing can be read beyond this place."),
        }
    }
}

/// Text in some language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    pub code: Code,
    pub lines: u32,
    pub ends: Ends,
}

/// Source code in some language. Shown as plain text, or as `html` once it is highlighted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    pub text: String,
    /// The language's name or file extension; empty if there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub language: String,
    /// The escaped text with CSS classes around its words; empty until it is highlighted.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub html: String,
}

/// Consecutive rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// What the file says before its rows, such as a header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// How many more such lines follow.
    #[serde(default)]
    pub more_about: u64,
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<String>>,
    /// How many more columns the file has.
    #[serde(default)]
    pub more_columns: u32,
    /// Where the next rows begin; the unit depends on the format.
    pub next: Option<u64>,
    /// How the rows end if `next` is `None`.
    #[serde(default)]
    pub ends: Ends,
    /// The total number of rows, if the file contains it.
    pub total: Option<u64>,
    /// Sequences that follow the rows in the same file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequences: Option<Sequences>,
}

/// The kind of values in a column.
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

    /// Whether its values are right-aligned and sorted by size.
    pub const fn is_number(self) -> bool {
        matches!(self, Self::Whole | Self::Number)
    }
}

/// A column of a table, with statistics of the rows that were read with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
    /// How many cells have no value.
    #[serde(default)]
    pub missing: u32,
    /// How many different values there are.
    #[serde(default)]
    pub distinct: u32,
    /// For numbers: the least and the greatest, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<(String, String)>,
    /// For numbers: a histogram between these in equal steps; each entry is 0 to 100, and the fullest is 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shape: Vec<u8>,
}

/// Nested values of JSON or YAML; each value comes before those that it contains.
///
/// A flat list rather than a tree of structures, because a file may nest deeper than a parser may recurse.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    pub nodes: Vec<Node>,
    pub ends: Ends,
}

/// One value of a tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// How many values contain this one. At most one more than for the node before it.
    pub deep: u32,
    /// The name, for a member of a map.
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
    /// With the number of letters that are left out at the end.
    Text(String, u64),
    /// With the number of members, shown or not.
    List(u64),
    Map(u64),
    /// How many more members the containing value has.
    More(u64),
    /// A value nested too deeply to be drawn, as text, with the number of letters that are left out.
    Deeper(String, u64),
}

/// A cell of a notebook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cell {
    /// Sanitized HTML.
    Rich(String),
    Code {
        /// The execution count of the notebook when the cell ran.
        count: Option<u32>,
        code: Code,
        outputs: Vec<Output>,
    },
}

/// One output of a cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Output {
    Text(String),
    Error(String),
    /// Sanitized HTML.
    Rich(String),
    /// An image as a `data:` URL.
    Picture(String),
    /// Something that is not shown, and why.
    Other(String),
}

/// Biological sequences: FASTA, or FASTQ with qualities.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequences {
    pub records: Vec<Sequence>,
    /// The letters stand for amino acids.
    pub protein: bool,
    /// Where the next records begin (bytes).
    pub next: Option<u64>,
    /// How the records end if `next` is `None`.
    pub ends: Ends,
}

/// One sequence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequence {
    pub name: String,
    pub about: String,
    /// Letters that were read.
    pub length: u64,
    /// The sequence is longer than that.
    pub cut: bool,
    /// The first letters.
    pub letters: String,
    /// For nucleotides: the share of G and C among those read, in thousandths.
    pub gc: Option<u16>,
    /// Mean Phred score, in tenths.
    pub quality: Option<u16>,
}

/// A file of no other kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bytes {
    /// What the file is, judged by its first bytes, as a media type.
    pub kind: Option<String>,
    /// SHA-256 in hexadecimal; `None` if the file is too large to be read for this.
    pub hash: Option<String>,
    /// A hex dump of the first bytes: offsets, byte values and letters.
    pub head: String,
    /// Whether the file is incomplete, as far as can be determined.
    #[serde(default)]
    pub ends: Ends,
}

/// What resources a job used, from its benchmark file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Benchmark {
    /// How often the job was run for the benchmark.
    pub times: u32,
    /// The job was run more often; those runs are not read.
    #[serde(default)]
    pub more: bool,
    /// Wall-clock time. This and all following fields are means over the runs.
    pub seconds: f64,
    pub cpu_seconds: Option<f64>,
    /// The peak resident memory (bytes).
    pub memory: Option<u64>,
    /// Bytes read from and written to disk.
    pub read: Option<u64>,
    pub written: Option<u64>,
    /// CPU load in percent of one processor.
    pub load: Option<f64>,
}
