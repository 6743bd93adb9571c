//! Who is looking, and what that person may see and do.

use super::{Audience, Credential, FileReader, Grant};
use crate::UserId;

/// Somebody who is signed in, by session or token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    pub id: UserId,
    pub name: String,
    /// What the account and its means of authentication permit.
    pub grant: Grant,
    /// Whose runs the viewer sees.
    pub audience: Audience,
    /// The identity used for reading files.
    pub reader: FileReader,
    /// The session or token that was used; `None` at an entrance that asks for nothing.
    pub credential: Option<Credential>,
}
