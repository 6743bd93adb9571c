//! The character encoding of a file, and how Flowo determined it. Decodes nothing.

use crate::Invalid;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr};

/// A character encoding, by the name that browsers give it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Encoding(&'static str);

impl Encoding {
    pub const UTF_8: Self = Self("UTF-8");
    pub const UTF_16LE: Self = Self("UTF-16LE");
    pub const UTF_16BE: Self = Self("UTF-16BE");
    pub const UTF_32LE: Self = Self("UTF-32LE");
    pub const UTF_32BE: Self = Self("UTF-32BE");

    /// All encodings that a reader may choose, the usual ones first.
    pub const ALL: [Self; 38] = [
        Self::UTF_8,
        Self("windows-1252"),
        Self::UTF_16LE,
        Self::UTF_16BE,
        Self::UTF_32LE,
        Self::UTF_32BE,
        Self("macintosh"),
        Self("ISO-8859-2"),
        Self("ISO-8859-3"),
        Self("ISO-8859-4"),
        Self("ISO-8859-5"),
        Self("ISO-8859-6"),
        Self("ISO-8859-7"),
        Self("ISO-8859-8"),
        Self("ISO-8859-10"),
        Self("ISO-8859-13"),
        Self("ISO-8859-14"),
        Self("ISO-8859-15"),
        Self("windows-874"),
        Self("windows-1250"),
        Self("windows-1251"),
        Self("windows-1253"),
        Self("windows-1254"),
        Self("windows-1255"),
        Self("windows-1256"),
        Self("windows-1257"),
        Self("windows-1258"),
        Self("KOI8-R"),
        Self("KOI8-U"),
        Self("IBM866"),
        Self("x-mac-cyrillic"),
        Self("GBK"),
        Self("gb18030"),
        Self("Big5"),
        Self("Shift_JIS"),
        Self("EUC-JP"),
        Self("ISO-2022-JP"),
        Self("EUC-KR"),
    ];

    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// Whether each character takes at least two or four bytes.
    pub fn is_wide(self) -> bool {
        self.0.starts_with("UTF-16") || self.0.starts_with("UTF-32")
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl FromStr for Encoding {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|encoding| encoding.0.eq_ignore_ascii_case(text));
        found.ok_or_else(|| Invalid::new("encoding", text.chars().take(40).collect::<String>(), "a name such as UTF-8 or windows-1252"))
    }
}

impl Serialize for Encoding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl<'de> Deserialize<'de> for Encoding {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Why Flowo reads a text in an encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// All bytes that were examined are valid in it.
    Fits,
    /// The file begins with the encoding's byte order mark.
    Marked,
    /// The encoding was guessed from the text.
    Guessed,
    /// The reader chose it.
    Chosen,
}

/// The encoding in which a text is read, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadAs {
    pub encoding: Encoding,
    pub because: Because,
}

impl ReadAs {
    pub const fn new(encoding: Encoding, because: Because) -> Self {
        Self { encoding, because }
    }

    /// How a page shows it: `windows-1252 (guessed)`.
    pub fn says(self) -> String {
        let name = self.encoding.as_str();
        match self.because {
            Because::Fits | Because::Chosen => name.to_owned(),
            Because::Marked => format!("{name} (marked)"),
            Because::Guessed => format!("{name} (guessed)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_is_found_by_its_name_in_any_case() {
        for encoding in Encoding::ALL {
            assert_eq!(encoding.as_str().to_ascii_uppercase().parse(), Ok(encoding));
            let json = serde_json::to_string(&encoding).unwrap();
            assert_eq!(serde_json::from_str::<Encoding>(&json).unwrap(), encoding);
        }
        assert!("latin-42".parse::<Encoding>().is_err());
        assert_eq!(ReadAs::new(Encoding::UTF_16LE, Because::Marked).says(), "UTF-16LE (marked)");
    }
}
