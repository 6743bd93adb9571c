//! Runs: reading pages of them, one of them, changing and deleting them.

pub mod edit;
mod filter;
pub mod find;
pub mod list;
mod row;

pub use edit::{delete, restore};
pub use find::{changed, detail, rules, summary};
pub use list::{list, total};

use model::UserId;

/// Whose runs a reader may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Audience {
    /// Viewers, admins and the owner of the machine.
    All,
    /// A member: own runs.
    User(UserId),
}
