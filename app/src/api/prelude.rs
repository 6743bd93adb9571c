//! What every server function uses: the page's error, and on the server the handles and the caller.

pub use crate::error::AppError;
#[cfg(feature = "ssr")]
pub use crate::{
    error::fail,
    state::{editor, of_run, state, viewer},
};
pub use leptos::prelude::*;
pub use server_fn::codec::Json;
