//! What pages and server functions get: handles, and the caller. Server only.

use crate::error::{AppError, fail};
use leptos::prelude::*;
use model::{
    RunId,
    access::{Permission, Viewer, may},
};
use read::Reader;
use std::{future::Future, ops::Deref, pin::Pin, sync::Arc};
use view::clients::Clients;

/// [`Handles`], as every request has them. Cheap to clone, because each layer of a request does so.
#[derive(Clone)]
pub struct AppState(Arc<Handles>);

impl AppState {
    pub fn new(handles: Handles) -> Self {
        Self(Arc::new(handles))
    }
}

impl Deref for AppState {
    type Target = Handles;

    fn deref(&self) -> &Handles {
        &self.0
    }
}

/// Everything that a page needs access to.
pub struct Handles {
    pub reader: Reader,
    pub options: LeptosOptions,
    /// The address that clients are told to use.
    pub base_url: Arc<str>,
    /// How to connect each kind of client, and what it never sends.
    pub clients: Arc<Clients>,
    pub demo: Arc<dyn Demo>,
}

/// The demo lab, as the first-run card offers it.
pub trait Demo: Send + Sync {
    /// Starts to play the lab in the background; does nothing if it is playing already.
    fn load(&self) -> Pin<Box<dyn Future<Output = Result<(), AppError>> + Send>>;
    /// Removes every trace of the lab.
    fn clear(&self) -> Pin<Box<dyn Future<Output = Result<(), AppError>> + Send>>;
}

/// The handles of this request.
pub fn state() -> Result<AppState, AppError> {
    use_context::<AppState>().ok_or_else(|| AppError::internal("no state in this request"))
}

/// The caller; an error if nobody is signed in.
pub fn viewer() -> Result<Viewer, AppError> {
    let parts = use_context::<http::request::Parts>();
    parts.and_then(|parts| parts.extensions.get::<Viewer>().cloned()).ok_or(AppError::SignedOut)
}

/// The caller, if that person may change runs.
pub fn editor() -> Result<Viewer, AppError> {
    let viewer = viewer()?;
    may(viewer.grant, Permission::ChangeRuns).map_err(AppError::Refused)?;
    Ok(viewer)
}

/// The handles of this request, if its caller may see the run. Holds no database connection.
pub async fn of_run(id: RunId) -> Result<AppState, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(fail)?);
    read::check(&mut *state.reader.store.conn().await?, &viewer, id).await.map_err(fail)?;
    Ok(state)
}
