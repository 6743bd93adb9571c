//! Errors between a page and the server; all their texts are in this file.

use leptos::prelude::*;
use leptos::server_fn::{Bytes, Encodes as _, codec::JsonEncoding, error::ServerFnErrorErr};
use serde::{Deserialize, Serialize};

/// An error that is sent from the server to the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum AppError {
    #[error("This does not exist, or you may not see it.")]
    NotFound,
    #[error("You are signed out.")]
    SignedOut,
    #[error("{}", .0.says())]
    Refused(model::access::Refusal),
    #[error("{field}: {rule}")]
    Invalid { field: String, rule: String },
    #[error("The database is not reachable. Workflows keep running, but Flowo refuses their reports until it is back.")]
    Unavailable,
    #[error("This took too long, or the server is busy. Try again, or narrow the request.")]
    Busy,
    #[error("Flowo hit an internal error. The server's log has the details under this incident id.")]
    Internal { incident: String },
    #[error("Flowo's server did not answer. Check that it is running, then try again.")]
    Offline,
}

impl AppError {
    /// A short title for a heading.
    pub const fn title(&self) -> &'static str {
        match self {
            Self::NotFound => "Not found",
            Self::SignedOut => "Signed out",
            Self::Refused(_) => "Not allowed",
            Self::Invalid { .. } => "Invalid request",
            Self::Unavailable => "Database unavailable",
            Self::Busy => "Server busy",
            Self::Internal { .. } => "Internal error",
            Self::Offline => "No connection",
        }
    }

    /// The id under which the server logged the incident.
    pub fn incident(&self) -> Option<&str> {
        match self {
            Self::Internal { incident } => Some(incident),
            _ => None,
        }
    }

    /// Whether trying again may help.
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable | Self::Busy | Self::Offline | Self::Internal { .. })
    }
}

impl FromServerFnError for AppError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Args(rule) | ServerFnErrorErr::MissingArg(rule) | ServerFnErrorErr::Deserialization(rule) => {
                let invalid = Self::Invalid { field: "request".into(), rule };
                #[cfg(feature = "ssr")]
                let invalid = invalid.failed();
                invalid
            }
            // An answer that does not parse comes from a proxy or from another version of the server.
            _ => Self::Offline,
        }
    }

    /// However a server function fails, its answer gets the status of the error.
    fn ser(&self) -> Bytes {
        #[cfg(feature = "ssr")]
        let _ = self.clone().failed();
        JsonEncoding::encode(self).unwrap_or_default()
    }
}

impl From<model::Invalid> for AppError {
    fn from(invalid: model::Invalid) -> Self {
        Self::Invalid { field: invalid.what.into(), rule: invalid.to_string() }
    }
}

#[cfg(feature = "ssr")]
mod server {
    use super::AppError;
    use leptos::prelude::use_context;
    use leptos_axum::ResponseOptions;
    use read::ReadError;
    use store::{StoreError, error::chain};
    use tracing::error;

    impl AppError {
        /// Logs what happened. The viewer gets only an incident id.
        pub fn internal(what: impl std::fmt::Display) -> Self {
            let incident = incident();
            error!(incident, "{what}");
            Self::Internal { incident }
        }

        /// The HTTP status for this error.
        pub const fn status(&self) -> http::StatusCode {
            use http::StatusCode as S;
            match self {
                Self::NotFound => S::NOT_FOUND,
                Self::SignedOut => S::UNAUTHORIZED,
                Self::Refused(_) => S::FORBIDDEN,
                Self::Invalid { .. } => S::BAD_REQUEST,
                Self::Unavailable | Self::Busy | Self::Offline => S::SERVICE_UNAVAILABLE,
                Self::Internal { .. } => S::INTERNAL_SERVER_ERROR,
            }
        }

        /// Sets the status of the answer to this error's.
        #[must_use]
        pub fn failed(self) -> Self {
            if let Some(response) = use_context::<ResponseOptions>() {
                response.set_status(self.status());
            }
            self
        }
    }

    /// Converts an error and sets the status of the answer to it; for `map_err` at the end of a server function.
    pub fn fail(error: impl Into<AppError>) -> AppError {
        error.into().failed()
    }

    impl From<StoreError> for AppError {
        fn from(error: StoreError) -> Self {
            of_store(&error)
        }
    }

    impl From<ReadError> for AppError {
        fn from(error: ReadError) -> Self {
            match error {
                ReadError::NotFound => Self::NotFound,
                ReadError::Invalid(invalid) => invalid.into(),
                ReadError::Store(error) => of_store(&error),
                ReadError::Busy => Self::Busy,
                ReadError::Broken(what) => Self::internal(what),
            }
        }
    }

    fn of_store(error: &StoreError) -> AppError {
        match error {
            StoreError::Unavailable { .. } => {
                error!(error = chain(error), "The database is not reachable");
                AppError::Unavailable
            }
            StoreError::Unfit(rule) => AppError::Invalid { field: "request".into(), rule: rule.clone() },
            other => AppError::internal(chain(other)),
        }
    }

    /// A short id people can read out over the telephone.
    pub fn incident() -> String {
        use std::hash::{BuildHasher as _, RandomState};
        let mut n = RandomState::new().hash_one(());
        let mut text = String::from("inc-");
        for at in 0..8 {
            const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
            if at == 4 {
                text.push('-');
            }
            text.push(char::from(LETTERS[(n % 32) as usize]));
            n /= 32;
        }
        text
    }
}

#[cfg(feature = "ssr")]
pub use server::{fail, incident};
