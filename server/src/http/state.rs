//! State that the handlers of requests share.

use super::{
    access::{Doors, TokenCache, Watch},
    bodies::Budget,
};
use crate::secrets::Secrets;
use app::state::AppState;
use axum::extract::FromRef;
use ingest::Writer;
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
    pub writer: Writer,
    pub secrets: Secrets,
    pub tokens: TokenCache,
    /// The open streams and downloads.
    pub watch: Watch,
    /// The account of the operating-system user who started Flowo.
    pub owner: UserId,
    pub doors: Doors,
    pub metrics: PrometheusHandle,
    /// The memory budget for large bodies.
    pub bodies: Budget,
    /// Updates that are acknowledged before they are in the database.
    pub journal: Option<ingest::journal::Journal>,
    /// The conversations with Panoptes clients, over either port.
    pub conversations: ingest::panoptes::Conversations,
    /// Seconds of silence after which runs of Panoptes clients are stale; `None` for never.
    pub stale: Option<i32>,
    /// Fires when the server stops: streams then send a last message and end.
    pub stopping: CancellationToken,
}

impl FromRef<ServerState> for LeptosOptions {
    fn from_ref(state: &ServerState) -> Self {
        state.app.options.clone()
    }
}
