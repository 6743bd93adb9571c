//! How far somebody may see into the files of one run. Decides only; opens nothing and knows no paths.
//!
//! Seeing a run is one right; reading files of the server's machine is another. The second never follows from the
//! first, because paths come from clients, and a client may name any file.
//!
//! - The *owner* is the account of the operating-system user who started Flowo. In a session, on runs of that account,
//!   the owner reads whatever that user may read anyway: [`FileReach::Machine`].
//! - Everybody else reads below the roots that an admin gave to the account of the *reader*: [`FileReach::Roots`]. It
//!   does not matter whose run it is: whatever paths the run names, the reader sees only those below the reader's own roots.
//! - A token never has the owner's reach. Tokens are stored in files and environments, and the run's paths may have
//!   come from a client that used the same token.
//! - No role widens the reach. Admins and viewers see all runs, but only files below their own roots.

use super::Proof;
use crate::UserId;

/// Somebody who wants to read files of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileReader {
    pub account: UserId,
    pub proof: Proof,
    /// This is the account of the operating-system user who started Flowo.
    pub is_owner: bool,
}

/// How far a reader sees into the files of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileReach {
    /// Whatever the operating-system user who started Flowo may read.
    Machine,
    /// What lies below the roots of the reader's account, if it has any.
    Roots,
}

/// How far `reader` sees into the files of a run that belongs to `run_of`. A run of nobody counts as somebody else's.
pub fn file_reach(reader: &FileReader, run_of: Option<UserId>) -> FileReach {
    match reader {
        FileReader { account, proof: Proof::Session, is_owner: true } if run_of == Some(*account) => FileReach::Machine,
        FileReader { .. } => FileReach::Roots,
    }
}

/// The name of an account as a part of a root; `None` if the name could lead to a directory other than the account's own.
pub fn name_in_root(account: &str) -> Option<&str> {
    let is_plain = !account.is_empty() && account != "." && account != ".." && !account.contains(['/', '\\', '\0', '{', '}']);
    is_plain.then_some(account)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: UserId = UserId(1);
    const ANA: UserId = UserId(2);

    #[test]
    fn only_the_owner_in_a_session_on_an_own_run_has_the_machine() {
        for (account, is_owner) in [(OWNER, true), (ANA, false)] {
            for proof in [Proof::Session, Proof::Token] {
                for run_of in [Some(OWNER), Some(ANA), None] {
                    let machine = is_owner && proof == Proof::Session && run_of == Some(OWNER);
                    let reach = if machine { FileReach::Machine } else { FileReach::Roots };

                    assert_eq!(file_reach(&FileReader { account, proof, is_owner }, run_of), reach, "{account} by {proof:?} on {run_of:?}");
                }
            }
        }
    }

    #[test]
    fn a_name_that_is_a_way_is_no_part_of_a_root() {
        for name in ["ana", "ana.b", "Ana Müller", "..ana", "-", "~"] {
            assert_eq!(name_in_root(name), Some(name));
        }
        for name in ["", ".", "..", "/", "ana/", "../ben", "a/b", "a\\b", "a\0", "{user}"] {
            assert_eq!(name_in_root(name), None, "{name:?}");
        }
    }
}
