//! Who looks, and what that person may see and do.

use super::{Audience, Credential, Grant, Reader};
use crate::UserId;

/// Somebody who is signed in, by session or token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    pub id: UserId,
    pub name: String,
    /// What the account and the means by which it came in permit.
    pub grant: Grant,
    /// Whose runs are seen.
    pub audience: Audience,
    /// As whom files are read.
    pub reader: Reader,
    /// What was shown; `None` at a door that asks for nothing.
    pub credential: Option<Credential>,
}
