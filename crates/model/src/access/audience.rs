//! Which runs somebody sees: the reader's [`Audience`] against the run's [`Belonging`]. Says nothing of files.

use crate::{Invalid, UserId};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Whose runs a reader may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Audience {
    /// Everybody's: for admins.
    All,
    /// The reader's own, and everybody's that are for everyone: for viewers.
    Shared(UserId),
    /// A member's own.
    User(UserId),
}

impl Audience {
    /// Whether the reader sees a run. `sees_run` in `init-db/06-audience.sql` means the same.
    pub fn sees(self, run: &Belonging) -> bool {
        match self {
            Self::All => true,
            Self::Shared(reader) => run.shared == SharedWith::Everyone || run.owner() == Some(reader),
            Self::User(reader) => run.owner() == Some(reader),
        }
    }

    /// The runs among these that the reader may change, if the reader may change any: seeing a shared run is not enough.
    #[must_use]
    pub const fn to_change(self) -> Self {
        match self {
            Self::Shared(reader) => Self::User(reader),
            Self::All | Self::User(_) => self,
        }
    }
}

/// Whom a run is for, besides its owner and admins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SharedWith {
    /// Whoever sees other people's runs.
    #[default]
    #[serde(rename = "everyone")]
    Everyone,
    /// The owner's team. Nobody has a team yet.
    #[serde(rename = "owner and team")]
    OwnerAndTeam,
}

impl SharedWith {
    pub const ALL: [Self; 2] = [Self::Everyone, Self::OwnerAndTeam];

    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Everyone => "everyone",
            Self::OwnerAndTeam => "owner and team",
        }
    }
}

impl FromStr for SharedWith {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|shared| shared.as_str() == text);
        found.ok_or_else(|| Invalid::new("audience", text, "everyone or owner and team"))
    }
}

impl TryFrom<String> for SharedWith {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

/// Whose a run is, and whom it is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Belonging {
    /// The account that reported the run, and so named its files; a row written by hand may have none.
    pub reported_by: Option<UserId>,
    /// Who was made the owner, if not the account that reported it.
    pub given_to: Option<UserId>,
    pub shared: SharedWith,
}

impl Belonging {
    /// The owner; `None` if nobody is.
    pub fn owner(&self) -> Option<UserId> {
        self.given_to.or(self.reported_by)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: UserId = UserId(1);
    const BEN: UserId = UserId(2);

    #[test]
    fn a_run_is_seen_by_its_owner_and_by_those_it_is_for() {
        use Audience as A;
        use SharedWith::{Everyone, OwnerAndTeam};
        // Who reported it, who was made its owner, whom it is for; and which of five readers see it.
        for (reported_by, given_to, shared, seen) in [
            (Some(ANA), None, Everyone, [true, true, true, true, false]),
            (Some(ANA), None, OwnerAndTeam, [true, true, false, true, false]),
            (Some(ANA), Some(BEN), Everyone, [true, true, true, false, true]),
            (Some(ANA), Some(BEN), OwnerAndTeam, [true, false, true, false, true]),
            (None, None, Everyone, [true, true, true, false, false]),
            (None, None, OwnerAndTeam, [true, false, false, false, false]),
        ] {
            let run = Belonging { reported_by, given_to, shared };
            let readers = [A::All, A::Shared(ANA), A::Shared(BEN), A::User(ANA), A::User(BEN)];
            assert_eq!(readers.map(|reader| reader.sees(&run)), seen, "{run:?}");
        }
    }

    #[test]
    fn a_shared_run_is_not_changed_by_whoever_sees_it() {
        assert_eq!(Audience::Shared(ANA).to_change(), Audience::User(ANA));
        for audience in [Audience::All, Audience::User(ANA)] {
            assert_eq!(audience.to_change(), audience);
        }
    }

    #[test]
    fn audiences_are_read_as_they_are_written() {
        for shared in SharedWith::ALL {
            assert_eq!(shared.as_str().parse(), Ok(shared));
            assert_eq!(serde_json::to_value(shared).unwrap(), shared.as_str());
        }
        assert!("team".parse::<SharedWith>().is_err());
    }
}
