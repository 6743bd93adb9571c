//! Errors between Flowo and PostgreSQL, classified by what the caller can do about them.

use model::Invalid;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database does not respond; trying again later may help.
    #[error("database not reachable while {doing}")]
    Unavailable {
        doing: &'static str,
        #[source]
        source: sqlx::Error,
    },
    /// A row violated a constraint of the schema.
    #[error("{constraint} refused a row while {doing}")]
    Conflict {
        doing: &'static str,
        constraint: String,
        #[source]
        source: sqlx::Error,
    },
    /// A stored value that no version of Flowo writes.
    #[error("row {id} of {table} holds an unusable {column}")]
    Corrupt {
        table: &'static str,
        column: &'static str,
        id: String,
        #[source]
        source: Invalid,
    },
    /// An error in the statement or in its data.
    #[error("query failed while {doing}")]
    Query {
        doing: &'static str,
        #[source]
        source: sqlx::Error,
    },
    /// The server is too old, or not the one that Flowo needs.
    #[error("{0}")]
    Unfit(String),
}

impl StoreError {
    /// The database did not answer in time: it hangs, or something that it waits for does.
    pub const fn too_slow(doing: &'static str) -> Self {
        Self::Unavailable { doing, source: sqlx::Error::PoolTimedOut }
    }

    /// The data was not at fault; the database was not available.
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

/// Adds to a driver's error what was being done.
pub trait Doing<T> {
    fn doing(self, doing: &'static str) -> Result<T, StoreError>;
}

impl<T> Doing<T> for Result<T, sqlx::Error> {
    fn doing(self, doing: &'static str) -> Result<T, StoreError> {
        self.map_err(|source| classify(source, doing))
    }
}

fn classify(source: sqlx::Error, doing: &'static str) -> StoreError {
    use sqlx::Error as E;
    match &source {
        E::Io(_) | E::Tls(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed | E::Protocol(_) => {
            StoreError::Unavailable { doing, source }
        }
        E::Database(error) => {
            let code = error.code().unwrap_or_default();
            // 08: connection; 53: resources (disk full, too many connections); 57: shutdown; 58: system; 40:
            // serialisation failure or deadlock, which a retry resolves; 25006: read only.
            if ["08", "53", "57", "58", "40"].iter().any(|class| code.starts_with(class)) || code == "25006" {
                return StoreError::Unavailable { doing, source };
            }
            if ["22021", "22P05"].contains(&code.as_ref()) {
                return StoreError::Unfit("A text has the character U+0000, which cannot be stored or looked for.".into());
            }
            if code.starts_with("23") {
                let constraint = error.constraint().unwrap_or("a constraint").to_owned();
                return StoreError::Conflict { doing, constraint, source };
            }
            StoreError::Query { doing, source }
        }
        _ => StoreError::Query { doing, source },
    }
}

/// An error and its causes in one line, for the log.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
