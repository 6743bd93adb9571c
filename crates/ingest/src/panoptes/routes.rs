//! The routes for Panoptes clients and users of its API, under the paths that the clients have built in.
//!
//! Each path exists twice: as it is, and below `/t/{token}` for clients that cannot send a token otherwise.

use super::{
    api::{self, broken},
    conversations::Conversations,
    reply,
    translate::{Conversation, Hints},
    updates::update,
    wire,
};
use crate::{Sender, Writer, agent, journal::Journal, protocol::TOKEN_IN_PATH};
use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, RawQuery, Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::Response,
    routing::{get, post},
};
use bytes::Bytes;
use model::{
    cut::{Cut, Part, head},
    nul,
};
use serde_json::{Value, json};
use std::{any::Any, collections::HashMap, time::Duration};
use store::{
    Store,
    error::chain,
    panoptes::{self, Creation},
    runs::Audience,
};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::error;

/// A target rule names all its inputs.
const MAX_UPDATE: usize = 64 << 20;
/// All other requests are short.
const MAX_BODY: usize = 1 << 20;
/// How many bytes of a name are kept, as everywhere.
const MAX_NAME: usize = 1000;
/// Deeper JSON than any client produces.
const MAX_DEPTH: usize = 64;

/// How long creating or renaming a workflow may take: clients wait for it before their first job, some of them for ever.
pub(super) const CREATE_TIMEOUT: Duration = Duration::from_secs(4);

/// The shared state of the routes. Cheap to clone.
#[derive(Clone)]
pub struct Panoptes {
    pub(super) store: Store,
    pub(super) writer: Writer,
    pub(super) journal: Option<Journal>,
    pub(super) conversations: Conversations,
    /// After how many seconds of silence a workflow is stale; `None`: never.
    pub(super) stale: Option<i32>,
}

/// The routes of Panoptes, relative to where they are mounted.
///
/// For requests into which a layer has put the [`Sender`] and the [`Audience`]; an update without them is answered as not allowed.
///
/// Without a journal an update is answered once it is in the database.
pub fn routes(store: Store, writer: Writer, journal: Option<Journal>, conversations: Conversations, stale: Option<i32>) -> Router {
    let state = Panoptes { store, writer, journal, conversations, stale };
    let paths = Router::new()
        .route("/api/workflows", get(api::list))
        .route("/api/workflows/all", axum::routing::delete(api::delete_all))
        .route("/api/workflow/{id}", get(api::one).put(api::rename).delete(api::delete))
        .route("/api/workflow/{id}/jobs", get(api::jobs))
        .route("/api/workflow/{id}/job/{jobid}", get(api::job))
        .route("/api/workflow/{id}/cancel", post(api::cancel))
        .route("/create_workflow", get(create).post(create))
        .layer(from_fn_with_state(state.clone(), settled))
        .route("/api/service-info", get(service_info))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .merge(Router::new().route("/update_workflow_status", post(update)).layer(DefaultBodyLimit::max(MAX_UPDATE)))
        .with_state(state);
    not_broken(paths.clone().nest(TOKEN_IN_PATH, paths))
}

/// Answers a panic with 503. At a 500 clients end their user's run.
fn not_broken(routes: Router) -> Router {
    routes
        .layer(CatchPanicLayer::custom(|_: Box<dyn Any + Send>| reply::unavailable("something in Flowo broke; it is in the server's log")))
}

/// Waits for the journal, so that every answer includes all updates acknowledged earlier.
async fn settled(State(state): State<Panoptes>, request: Request, next: Next) -> Response {
    if let Some(journal) = &state.journal {
        journal.settled().await;
    }
    next.run(request).await
}

async fn service_info() -> Response {
    reply::json(StatusCode::OK, &json!({ "status": "running" }))
}

/// A name without what cannot be stored.
pub(super) fn tidy_name(name: &str) -> String {
    head(nul::replaced(name).trim(), MAX_NAME)
}

/// The request has a body although it may be a GET: the clients' HTTP library sends one.
async fn create(
    State(state): State<Panoptes>,
    Extension(sender): Extension<Sender>,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if method == Method::HEAD {
        return reply::empty(StatusCode::OK); // A request that only checks the route creates nothing.
    }
    let query: HashMap<String, String> = form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let Ok(_room) = state.room(content_type, &body).await else { return reply::unavailable("too much is on its way") };
    let masking = state.writer.masking();
    let mut sent = Value::Object(wire::fields(content_type, &body).unwrap_or_default());
    masking.value(&mut sent);
    let query: HashMap<String, String> = query.into_iter().map(|(name, text)| (name, masking.text(&text).into_owned())).collect();
    let in_query = |name: &str| query.get(name).map(|text| tidy_name(text)).filter(|text| !text.is_empty());
    let in_body = |name: &str| Some(nul::replaced(sent.get(name)?.as_str()?).into_owned()).filter(|text| !text.is_empty());
    let now = state.store.clock().now();
    let command_line = in_body("command");
    let hints = command_line.as_deref().map(Hints::of).unwrap_or_default();
    let long = query.get("workflow_id").or_else(|| query.get("name")).map_or(0, |name| name.trim().len());
    let creation = Creation {
        user: sender.user,
        user_name: sender.name,
        client_version: agent::version(&headers),
        name: in_query("workflow_id").or_else(|| in_query("name")),
        cuts: Cut::new(Part::Name, MAX_NAME, long).into_iter().collect(),
        id: in_query("id").and_then(|id| id.parse().ok()),
        command_line,
        directory: in_body("workdir"),
        snakefile: in_body("snakefile"),
        body: clean(json!({ "query": query, "body": sent })).to_string(),
        received_at: now,
        asks: hints.asks,
    };
    let made = async {
        let mut tx = state.store.begin().await?;
        let (id, run) = panoptes::create(&mut tx, &creation, state.stale).await?;
        store::commit(tx).await?;
        state.conversations.begin(id, run, creation.user, Conversation::new(hints)).await;
        panoptes::find(&mut *state.store.conn().await?, Audience::All, id, state.stale).await
    };
    match state.store.within(CREATE_TIMEOUT, "making a workflow", made).await {
        Ok(Some(workflow)) => reply::json(StatusCode::OK, &reply::workflow(&workflow)),
        Ok(None) => reply::unavailable("it was deleted at once"),
        Err(error) if error.is_unavailable() => broken(&error),
        Err(error) => {
            error!(error = chain(&error), "Could not create a workflow");
            reply::unavailable("the workflow could not be created")
        }
    }
}

/// The value as it can be stored: without U+0000, and without parts that are nested too deeply.
pub(super) fn clean(value: Value) -> Value {
    nul::replaced_in(value, MAX_DEPTH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tower::ServiceExt as _;

    #[tokio::test]
    async fn what_breaks_is_no_500() {
        async fn breaks() -> StatusCode {
            panic!("on purpose")
        }
        let routes = not_broken(Router::new().route("/", get(breaks)));
        let response = routes.oneshot(Request::new(axum::body::Body::empty())).await.expect("an answer");
        assert_eq!((response.status(), response.headers().contains_key("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, true));
    }

    #[test]
    fn names_are_without_what_cannot_be_kept() {
        assert_eq!(tidy_name("  a\0b "), "a\u{fffd}b");
        assert_eq!(tidy_name(&"ä".repeat(1000)), format!("{}…", "ä".repeat(500)), "cut, with a mark");
    }
}
