//! Which session or token somebody used to prove who they are. Never holds the secret itself.

use crate::Invalid;
use std::{fmt, str::FromStr};

/// How somebody proves who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Proof {
    /// A browser that is signed in.
    Session,
    /// A token, or an entrance that needs none.
    Token,
}

/// One session or token, by its number. It identifies the credential and proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Credential {
    Session(i64),
    Token(i64),
}

impl Credential {
    pub const fn proof(self) -> Proof {
        match self {
            Self::Session(_) => Proof::Session,
            Self::Token(_) => Proof::Token,
        }
    }
}

impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(id) => write!(f, "s{id}"),
            Self::Token(id) => write!(f, "t{id}"),
        }
    }
}

impl FromStr for Credential {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str| text.parse().ok();
        let session = text.strip_prefix('s').and_then(number).map(Self::Session);
        let token = || text.strip_prefix('t').and_then(number).map(Self::Token);
        session.or_else(token).ok_or_else(|| Invalid::new("credential", text, "`s` or `t` and a number"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_read_as_they_are_written() {
        for credential in [Credential::Session(42), Credential::Token(7)] {
            assert_eq!(credential.to_string().parse(), Ok(credential));
        }
        for text in ["", "s", "7", "x7", "s7x", "st7"] {
            assert!(text.parse::<Credential>().is_err(), "{text:?}");
        }
    }
}
