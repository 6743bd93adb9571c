//! Why something cannot be read, told apart by what whoever asked can do about it.

use std::sync::Arc;
use store::StoreError;

/// One read may have been shared: everybody who waited for it gets the same error.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReadError {
    /// It does not exist, or this reader may not see it: the two look alike.
    #[error("there is no such thing, or this reader may not see it")]
    NotFound,
    /// The question has a value that means nothing.
    #[error(transparent)]
    Invalid(#[from] model::Invalid),
    #[error(transparent)]
    Store(Arc<StoreError>),
    /// Too much else is going on, or the work took too long.
    #[error("no turn came free, or it took too long")]
    Busy,
    /// A fault of ours.
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

/// The error of a read that several waited for.
pub(crate) fn shared(error: Arc<ReadError>) -> ReadError {
    Arc::unwrap_or_clone(error)
}
