//! Programs that wait to be let in: what a person sees of one before approving it.

use serde::{Deserialize, Serialize};

/// Days for which a token is good unless the approver says otherwise; a program may ask for fewer.
pub const MOST_DAYS: i32 = 90;

/// A program that waits, and what may be given to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingDevice {
    /// The code that the program shows.
    pub user_code: String,
    /// Its address as the server saw it.
    pub asked_from: Option<String>,
    /// Days it asks for; `None`: without end.
    pub asked_days: Option<i32>,
    /// The approver is an admin, and may let it be one.
    pub may_admin: bool,
}
