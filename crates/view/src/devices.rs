//! Programs that wait for approval: what a person sees of a program before approving it.

use serde::{Deserialize, Serialize};

/// How many days a token is valid unless the approver chooses otherwise; a program may ask for fewer.
pub const MOST_DAYS: i32 = 90;
/// Lifetimes offered for a token, in days; 0 means no expiry.
const DAYS: [i32; 6] = [1, 7, 30, 90, 365, 0];

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

/// The lifetimes to choose from, including the requested one; shortest first, no expiry last.
pub fn offered(asked: Option<i32>) -> Vec<i32> {
    let mut days: Vec<i32> = DAYS.into_iter().chain(asked.filter(|asked| *asked > 0)).collect();
    days.sort_unstable_by_key(|days| if *days == 0 { i32::MAX } else { *days });
    days.dedup();
    days
}

/// A lifetime in words.
pub fn lasting(days: i32) -> String {
    match days {
        0 => "Does not expire".to_owned(),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_is_offered_in_its_place() {
        assert_eq!(offered(Some(14)), [1, 7, 14, 30, 90, 365, 0]);
        assert_eq!(offered(Some(90)), DAYS);
        assert_eq!(offered(None), DAYS);
        assert_eq!(offered(Some(3650)), [1, 7, 30, 90, 365, 3650, 0]);
    }
}
