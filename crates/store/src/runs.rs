//! Runs: reads pages of them, reads one of them, changes and deletes them.

pub mod edit;
mod filter;
pub mod find;
pub mod list;
mod row;

pub use edit::{delete, restore};
pub use find::{changed, detail, owned, rules, summary};
pub use list::{list, total};
pub use model::access::Audience;
