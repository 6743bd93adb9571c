//! Approving a program that waits for a token.

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::state::{editor, state};
use leptos::prelude::*;
use server_fn::codec::Json;

/// Lets a waiting program in as the person who is signed in.
#[server(prefix = "/_fn", endpoint = "device/approve", input = Json)]
pub async fn approve_device(code: String) -> Result<(), AppError> {
    let (state, editor) = (state()?, editor().map_err(AppError::told)?);
    if !editor.by_session {
        return Err(AppError::Forbidden.told());
    }
    let hash = (state.hash)(&code);
    let done = store::devices::approve(&mut *state.store.conn().await?, &hash, editor.id).await?;
    if done { Ok(()) } else { Err(AppError::NotFound.told()) }
}
