//! Keyset paging: how a list is ordered, and the position from which the next page continues.

use crate::Invalid;
use serde::{Deserialize, Serialize};
use std::{fmt, fmt::Write as _, str::FromStr};

/// A page of rows and the position where the next page begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// `None` on the last page.
    pub next: Option<Cursor>,
}

/// How many rows match: exact up to a limit, beyond it "at least".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    pub count: i64,
    pub is_exact: bool,
}

/// The column by which runs are ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunColumn {
    #[default]
    Started,
    Name,
    Status,
    User,
    Source,
    Duration,
    Progress,
    Directory,
}

impl RunColumn {
    pub const ALL: [Self; 8] =
        [Self::Started, Self::Name, Self::Status, Self::User, Self::Source, Self::Duration, Self::Progress, Self::Directory];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Name => "name",
            Self::Status => "status",
            Self::User => "user",
            Self::Source => "source",
            Self::Duration => "duration",
            Self::Progress => "progress",
            Self::Directory => "directory",
        }
    }

    /// The direction that people expect at the first click.
    pub const fn first_direction(self) -> Direction {
        match self {
            Self::Started | Self::Duration => Direction::Desc,
            _ => Direction::Asc,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    Asc,
    Desc,
}

impl Direction {
    /// The value of a column head's `aria-sort`.
    pub const fn aria(self) -> &'static str {
        match self {
            Self::Asc => "ascending",
            Self::Desc => "descending",
        }
    }

    /// What a URL adds to the column's name: nothing if the direction is the expected one.
    fn suffix(self, expected: Self) -> &'static str {
        match self {
            _ if self == expected => "",
            Self::Asc => ":asc",
            Self::Desc => ":desc",
        }
    }

    pub const fn reversed(self) -> Self {
        match self {
            Self::Asc => Self::Desc,
            Self::Desc => Self::Asc,
        }
    }
}

/// An order of runs; written `column` or `column:asc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSort {
    pub column: RunColumn,
    pub direction: Direction,
}

impl Default for RunSort {
    fn default() -> Self {
        Self { column: RunColumn::Started, direction: Direction::Desc }
    }
}

impl fmt::Display for RunSort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.column.as_str())?;
        f.write_str(self.direction.suffix(self.column.first_direction()))
    }
}

impl FromStr for RunSort {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (name, direction) = text.split_once(':').map_or((text, None), |(name, d)| (name, Some(d)));
        let wrong = || Invalid::new("sort", text, "a column such as started or name, with :asc or :desc");
        let column = RunColumn::ALL.into_iter().find(|column| column.as_str() == name).ok_or_else(wrong)?;
        let direction = match direction {
            None => column.first_direction(),
            Some("asc") => Direction::Asc,
            Some("desc") => Direction::Desc,
            Some(_) => return Err(wrong()),
        };
        Ok(Self { column, direction })
    }
}

/// The column by which jobs are ordered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum JobColumn {
    /// When the job was first reported.
    #[default]
    Reported,
    /// The client's number.
    Job,
    Status,
    Rule,
    Started,
    /// Only of jobs that have ended.
    Duration,
    Threads,
    Attempt,
    /// The value of a wildcard.
    Wildcard(String),
}

impl JobColumn {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "reported" => Self::Reported,
            "job" => Self::Job,
            "status" => Self::Status,
            "rule" => Self::Rule,
            "started" => Self::Started,
            "duration" => Self::Duration,
            "threads" => Self::Threads,
            "attempt" => Self::Attempt,
            _ => Self::Wildcard(word.strip_prefix("w.").filter(|name| !name.is_empty() && name.len() <= 200)?.to_owned()),
        })
    }

    /// The direction that people expect at the first click.
    pub const fn first_direction(&self) -> Direction {
        match self {
            Self::Reported | Self::Started | Self::Duration | Self::Threads | Self::Attempt => Direction::Desc,
            Self::Job | Self::Status | Self::Rule | Self::Wildcard(_) => Direction::Asc,
        }
    }
}

impl fmt::Display for JobColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reported => "reported",
            Self::Job => "job",
            Self::Status => "status",
            Self::Rule => "rule",
            Self::Started => "started",
            Self::Duration => "duration",
            Self::Threads => "threads",
            Self::Attempt => "attempt",
            Self::Wildcard(name) => return write!(f, "w.{name}"),
        })
    }
}

/// An order of jobs; written `column` or `column:asc`, a wildcard as `w.name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobSort {
    pub column: JobColumn,
    pub direction: Direction,
}

impl Default for JobSort {
    fn default() -> Self {
        Self { column: JobColumn::Reported, direction: Direction::Desc }
    }
}

impl JobSort {
    /// The order after a click on a column.
    pub fn click(&self, column: JobColumn) -> Self {
        let direction = if self.column == column { self.direction.reversed() } else { column.first_direction() };
        Self { column, direction }
    }
}

impl fmt::Display for JobSort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.column)?;
        f.write_str(self.direction.suffix(self.column.first_direction()))
    }
}

impl FromStr for JobSort {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (name, direction) = match (text.strip_suffix(":asc"), text.strip_suffix(":desc")) {
            (Some(name), _) => (name, Some(Direction::Asc)),
            (_, Some(name)) => (name, Some(Direction::Desc)),
            _ => (text, None),
        };
        let column =
            JobColumn::of(name).ok_or_else(|| Invalid::new("sort", text, "a column such as started or w.sample, with :asc or :desc"))?;
        let direction = direction.unwrap_or(column.first_direction());
        Ok(Self { column, direction })
    }
}

/// A position in an ordered list: the last row's sort value and id. Opaque to clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Cursor {
    /// The sort value as text; `None` where the column is empty.
    pub value: Option<String>,
    /// The row's id as text.
    pub id: String,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)?;
        if let Some(value) = &self.value {
            f.write_char('~')?;
            for byte in value.bytes() {
                match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => f.write_char(char::from(byte))?,
                    _ => write!(f, ".{byte:02x}")?,
                }
            }
        }
        Ok(())
    }
}

impl FromStr for Cursor {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong = || Invalid::new("after", text, "a cursor from an earlier page");
        let (id, value) = text.split_once('~').map_or((text, None), |(id, value)| (id, Some(value)));
        if id.is_empty() || text.len() > 16_384 {
            return Err(wrong());
        }
        let Some(value) = value else { return Ok(Self { value: None, id: id.into() }) };
        let mut bytes = Vec::with_capacity(value.len());
        let mut rest = value.as_bytes();
        while let Some((&first, tail)) = rest.split_first() {
            if first == b'.' {
                let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok()).ok_or_else(wrong)?;
                bytes.push(u8::from_str_radix(hex, 16).map_err(|_| wrong())?);
                rest = &tail[2..];
            } else {
                bytes.push(first);
                rest = tail;
            }
        }
        let value = String::from_utf8(bytes).ok().filter(|value| !value.contains('\0')).ok_or_else(wrong)?;
        Ok(Self { value: Some(value), id: id.into() })
    }
}

impl From<Cursor> for String {
    fn from(cursor: Cursor) -> Self {
        cursor.to_string()
    }
}

impl TryFrom<String> for Cursor {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cursor_survives_the_url(value in proptest::option::of("[^\0]*"), id in "[0-9a-f-]{1,36}") {
            let cursor = Cursor { value, id };
            let text = cursor.to_string();
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(&b)));
            prop_assert_eq!(text.parse::<Cursor>(), Ok(cursor));
        }

        #[test]
        fn no_text_breaks_the_cursor_parser(text in ".*") {
            let _ = text.parse::<Cursor>();
        }
    }

    #[test]
    fn sorts_are_written_short() {
        for text in ["started", "started:asc", "name", "name:desc", "duration"] {
            assert_eq!(text.parse::<RunSort>().unwrap().to_string(), text);
        }
        for text in ["started", "started:asc", "w.sample", "w.a:b:desc", "reported:asc", "status:desc"] {
            assert_eq!(text.parse::<JobSort>().unwrap().to_string(), text);
        }
        assert!("w.".parse::<JobSort>().is_err() && "size".parse::<JobSort>().is_err());
        assert_eq!("started:desc".parse::<RunSort>().unwrap().to_string(), "started");
        assert!("size".parse::<RunSort>().is_err());
    }
}
