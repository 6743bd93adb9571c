//! State that the handlers of requests share.

use super::{
    access::{Doors, TokenCache, Watch},
    bodies::Budget,
};
use crate::secrets::Secrets;
use app::state::AppState;
use axum::extract::FromRef;
use ingest::{Clients, mask::Masking};
use leptos::prelude::LeptosOptions;
use metrics_exporter_prometheus::PrometheusHandle;
use model::UserId;
use std::{ops::Deref, sync::Arc};
use tokio_util::sync::CancellationToken;

/// [`Shared`], as every request has it. Cheap to clone, because each layer of a request does so.
#[derive(Clone)]
pub struct ServerState(Arc<Shared>);

impl ServerState {
    pub fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }
}

impl Deref for ServerState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// State that handlers share.
pub struct Shared {
    pub app: AppState,
    /// The doors of reporting clients.
    pub clients: Clients,
    pub secrets: Secrets,
    pub tokens: TokenCache,
    /// The open streams and downloads.
    pub watch: Watch,
    /// The account of the operating-system user who started Flowo.
    pub owner: UserId,
    pub doors: Doors,
    pub metrics: PrometheusHandle,
    /// What is done with secrets in what leaves the server as a file.
    pub masking: Masking,
    /// The memory budget for large bodies.
    pub bodies: Budget,
    /// Fires when the server stops: streams end, and say so.
    pub stopping: CancellationToken,
}

impl FromRef<ServerState> for LeptosOptions {
    fn from_ref(state: &ServerState) -> Self {
        state.app.options.clone()
    }
}
