//! Why something cannot be read, classified by what the caller can do about it.

use std::sync::Arc;
use store::StoreError;

/// Several callers may have waited for one read: all of them get the same error.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReadError {
    /// It does not exist, or this reader may not see it: both look the same.
    #[error("there is no such thing, or this reader may not see it")]
    NotFound,
    /// The request contains an invalid value.
    #[error(transparent)]
    Invalid(#[from] model::Invalid),
    #[error(transparent)]
    Store(Arc<StoreError>),
    /// Too much other work is going on, or the work took too long.
    #[error("no turn came free, or it took too long")]
    Busy,
    /// A fault in Flowo.
    #[error("{0}")]
    Broken(Arc<str>),
}

impl ReadError {
    pub(crate) fn broken(what: impl Into<Arc<str>>) -> Self {
        Self::Broken(what.into())
    }
}

impl From<StoreError> for ReadError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

/// The error of a read that several callers waited for.
pub(crate) fn shared(error: Arc<ReadError>) -> ReadError {
    Arc::unwrap_or_clone(error)
}
