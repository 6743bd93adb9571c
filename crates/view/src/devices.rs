//! Programs that wait for approval: what a person sees of a program before approving it.

use serde::{Deserialize, Serialize};

/// How many days a token is valid unless the approver chooses otherwise; a program may ask for fewer.
pub const MOST_DAYS: i32 = 90;

/// A program that waits, and what may be granted to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingDevice {
    /// The code that the program shows.
    pub user_code: String,
    /// Its network address as the server saw it.
    pub asked_from: Option<String>,
    /// How many days it asks for; `None`: for ever.
    pub asked_days: Option<i32>,
    /// The approver is an admin, and may grant admin scope.
    pub may_admin: bool,
}
