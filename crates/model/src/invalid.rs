//! What was wrong with a value that somebody gave Flowo.

/// A value that breaks a rule, together with the rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} is {value:?}; expected {expected}")]
pub struct Invalid {
    /// The field, in the sender's terms.
    pub what: &'static str,
    /// The offending value, shortened for display.
    pub value: String,
    /// What would have been right.
    pub expected: &'static str,
}

impl Invalid {
    /// Names the field and the rule; stores at most 80 characters of the value.
    pub fn new(what: &'static str, value: impl Into<String>, expected: &'static str) -> Self {
        let value: String = value.into();
        let value = if value.chars().count() > 80 { value.chars().take(79).chain(['…']).collect() } else { value };
        Self { what, value, expected }
    }
}
