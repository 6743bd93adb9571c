//! What Panoptes serves to its clients and to users of its API, under the paths they have compiled in.
//!
//! Each path is there twice: as it is, and behind `/t/{token}` for clients that have no other place for a token.

use super::{
    api::{self, broken},
    conversations::{Conversations, Open},
    reply,
    translate::Conversation,
    wire,
};
use crate::{Receipt, Refused, Sender, Writer};
use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, RawQuery, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::Response,
    routing::{get, post},
};
use bytes::Bytes;
use model::{
    Millis,
    event::{Event, Report, RunKey, RunStart},
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use store::{
    Store, StoreError,
    apply::Incoming,
    clock,
    error::chain,
    panoptes::{self, Creation},
    runs::Audience,
};
use tokio::time::{Instant, timeout};
use tracing::{debug, error, warn};

/// A target rule names all its inputs.
const MAX_BODY: usize = 64 << 20;
/// Bytes of a name that are kept, as everywhere.
const MAX_NAME: usize = 1000;
/// Letters from which on something is taken for a token.
const SECRET: usize = 24;
/// How long an update may take: clients wait for it, some of them for ever.
const PATIENCE: Duration = Duration::from_secs(8);
/// After an update that could not be stored the next ones are refused at once, for so long.
const FUSE: Duration = Duration::from_secs(1);
/// Letters of a message that cannot be read that are kept.
const MAX_UNREAD: usize = 1 << 20;
/// Deeper JSON than any client makes.
const MAX_DEPTH: usize = 64;

/// What the routes share. Cheap to clone.
#[derive(Clone)]
pub struct Panoptes {
    pub(super) store: Store,
    writer: Writer,
    conversations: Conversations,
    /// Seconds of silence after which a workflow is stale; `None`: it never is.
    pub(super) stale: Option<i32>,
    /// Until when updates are refused at once.
    blown: Arc<Mutex<Option<Instant>>>,
}

/// The paths of Panoptes, relative to where they are served.
///
/// For callers whose [`Sender`] and [`Audience`] a layer has put into the request; to an update without them it is
/// said that it may not be sent.
pub fn routes(store: Store, writer: Writer, conversations: Conversations, stale: Option<i32>) -> Router {
    let state = Panoptes { store, writer, conversations, stale, blown: Arc::default() };
    let paths = Router::new()
        .route("/api/service-info", get(service_info))
        .route("/api/workflows", get(api::list))
        .route("/api/workflows/all", axum::routing::delete(api::delete_all))
        .route("/api/workflow/{id}", get(api::one).put(api::rename).delete(api::delete))
        .route("/api/workflow/{id}/jobs", get(api::jobs))
        .route("/api/workflow/{id}/job/{jobid}", get(api::job))
        .route("/api/workflow/{id}/cancel", post(api::cancel))
        .route("/create_workflow", get(create).post(create))
        .route("/update_workflow_status", post(update))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(state);
    paths.clone().nest("/t/{token}", paths)
}

async fn service_info() -> Response {
    reply::json(StatusCode::OK, &json!({ "status": "running" }))
}

/// A name without what cannot be kept.
pub(super) fn tidy_name(name: &str) -> String {
    let name = name.replace('\0', "\u{fffd}");
    let name = name.trim();
    name[..name.floor_char_boundary(MAX_NAME)].to_owned()
}

/// Comes with a body though it is a GET: the clients' HTTP library sends one.
async fn create(
    State(state): State<Panoptes>,
    Extension(sender): Extension<Sender>,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if method == Method::HEAD {
        return reply::empty(StatusCode::OK); // Whoever only looks makes nothing.
    }
    let query: HashMap<String, String> = form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let told = wire::fields(content_type, &body).unwrap_or_default();
    let in_query = |name: &str| query.get(name).map(|text| tidy_name(text)).filter(|text| !text.is_empty());
    let in_body = |name: &str| Some(masked(&told.get(name)?.as_str()?.replace('\0', "\u{fffd}"))).filter(|text| !text.is_empty());
    let now = clock::now();
    let creation = Creation {
        user: sender.user,
        user_name: sender.name,
        client_version: agent(&headers),
        name: in_query("workflow_id").or_else(|| in_query("name")),
        id: in_query("id").and_then(|id| id.parse().ok()),
        command_line: in_body("command"),
        directory: in_body("workdir"),
        snakefile: in_body("snakefile"),
        body: masked(&clean(json!({ "query": query, "body": told })).to_string()),
        received_at: now,
    };
    let made = async {
        let mut tx = state.store.begin().await?;
        let (id, run) = panoptes::create(&mut tx, &creation, state.stale).await?;
        store::commit(tx).await?;
        state.conversations.begin(id, run, Conversation::new()).await;
        panoptes::find(&mut *state.store.conn().await?, Audience::All, id, state.stale).await
    };
    match made.await {
        Ok(Some(workflow)) => reply::json(StatusCode::OK, &reply::workflow(&workflow)),
        Ok(None) => reply::unavailable("it was deleted at once"),
        Err(error) if error.is_unavailable() => broken(&error),
        Err(error) => {
            error!(error = chain(&error), "A workflow could not be made");
            reply::unavailable("the workflow could not be made")
        }
    }
}

/// Without tokens: clients that have one in their address tell it with their command.
fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("flw_") {
        let (before, token) = rest.split_at(at);
        let end = token.find(|letter: char| !letter.is_ascii_alphanumeric() && !matches!(letter, '_' | '-')).unwrap_or(token.len());
        out.push_str(before);
        out.push_str(if end >= SECRET { "flw_…" } else { &token[..end] });
        rest = &token[end..];
    }
    out + rest
}

fn agent(headers: &HeaderMap) -> Option<String> {
    let agent = headers.get(header::USER_AGENT)?.to_str().ok()?;
    Some(agent.chars().take(200).collect())
}

async fn update(State(state): State<Panoptes>, sender: Option<Extension<Sender>>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(Extension(sender)) = sender else { return reply::not_allowed() };
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let envelope = match wire::fields(content_type, &body).and_then(wire::update) {
        Ok(envelope) => envelope,
        Err(errors) => return reply::malformed(errors),
    };
    drop(body);
    let now = clock::now();
    let Some(id) = envelope.id else { return reply::ok() };
    if state.is_blown() {
        return reply::unavailable("the database is not reachable");
    }
    let stored = timeout(PATIENCE, async {
        // Whatever is wrong, it is no reason to end somebody's run.
        let open = state.open(id).await.map_err(|error| {
            warn!(error = chain(&error), "An update was refused");
            Refused::Unavailable
        })?;
        let Some(open) = open else {
            debug!(id, "An update about no workflow");
            return Ok(Receipt::Unknown);
        };
        let Ok((reports, hash)) = read(&open, &envelope, now) else { return Ok(Receipt::Unknown) };
        let outcome = state.submit(&open, sender, &headers, &envelope, reports, now).await;
        if let (Err(_), Some(hash)) = (&outcome, hash) {
            open.talk().forget(hash);
        }
        outcome
    });
    let outcome = stored.await.unwrap_or(Err(Refused::Overloaded));
    if outcome == Err(Refused::Unavailable) {
        state.blow();
    }
    reply::update(outcome)
}

/// The message came already, or says nothing.
struct Known;

/// A thing that is reported: what it is called, since when it counts, and why it was not understood, if so.
struct Told {
    level: String,
    at: Millis,
    event: Event,
    quarantine: Option<String>,
}

/// What an update tells, and the hash by which a twin of it would be known.
fn read(open: &Open, envelope: &wire::Update, now: Millis) -> Result<(Vec<Told>, Option<u64>), Known> {
    let message = match wire::message(&envelope.msg) {
        Ok(message) => message,
        Err(why) => {
            let level = envelope.msg.as_str().and_then(wire::level_of).unwrap_or("unreadable").replace('\0', "\u{fffd}");
            return Ok((vec![Told { level, at: now, event: Event::Other, quarantine: Some(why) }], None));
        }
    };
    let mut talk = open.talk();
    let hash = match (&envelope.msg, message.get("timestamp")) {
        (Value::String(text), Some(Value::Number(_))) => Some(talk.is_twin(text).map_err(|_| Known)?),
        _ => None,
    };
    let at = talk.time(&message, now);
    let Value::Object(message) = clean(Value::Object(message.into_owned())) else { return Err(Known) };
    let level: String = message.get("level").and_then(Value::as_str).unwrap_or("message").chars().take(100).collect();
    let events = talk.translate(&message, at);
    if events.is_empty() {
        return Err(Known);
    }
    Ok((events.into_iter().map(|event| Told { level: level.clone(), at, event, quarantine: None }).collect(), hash))
}

impl Panoptes {
    /// The conversation of a number; one that another process began goes on here, and one of an attempt that another
    /// process has begun since ends here.
    async fn open(&self, id: i64) -> Result<Option<Arc<Open>>, StoreError> {
        let held = self.conversations.find(id).await;
        if let Some(open) = held.as_ref().filter(|open| open.is_fresh()) {
            return Ok(Some(Arc::clone(open)));
        }
        let run = panoptes::reported(&mut *self.store.conn().await?, id).await?;
        Ok(match (run, held) {
            (Some(run), Some(open)) if open.run == run => Some(open.refreshed()),
            (Some(run), _) => Some(self.conversations.begin(id, run, Conversation::resumed()).await),
            (None, _) => None,
        })
    }

    fn is_blown(&self) -> bool {
        self.blown.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|until| Instant::now() < until)
    }

    fn blow(&self) {
        *self.blown.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + FUSE);
    }

    /// Hands over all that an update tells; the last answer counts.
    async fn submit(
        &self,
        open: &Open,
        sender: Sender,
        headers: &HeaderMap,
        envelope: &wire::Update,
        told: Vec<Told>,
        now: Millis,
    ) -> Result<Receipt, Refused> {
        let version = agent(headers);
        let mut raw = Some(raw(envelope));
        let mut outcome = Ok(Receipt::Unknown);
        for Told { level, at, event, quarantine } in told {
            let incoming = Incoming {
                sender: sender.clone(),
                source: "panoptes",
                client_version: version.clone(),
                received_at: now,
                event: level,
                body: raw.take().unwrap_or_else(|| "{}".to_owned()),
                quarantine,
                report: Report { run: RunKey::Id(open.run), at, context: RunStart::default(), event },
            };
            outcome = self.writer.submit(incoming).await;
            if outcome.is_err() {
                break;
            }
        }
        outcome
    }
}

/// The update to be kept, as JSON text: its message as a value if it is JSON, else as the text it was.
fn raw(envelope: &wire::Update) -> String {
    let msg = match &envelope.msg {
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(value) => value,
            Err(_) => Value::String(text.chars().take(MAX_UNREAD).collect()),
        },
        value => value.clone(),
    };
    clean(json!({ "msg": msg, "timestamp": envelope.timestamp })).to_string()
}

/// Without U+0000, which PostgreSQL cannot hold; what is nested too deeply is left out.
fn clean(value: Value) -> Value {
    fn inner(value: Value, depth: usize) -> Value {
        if depth > MAX_DEPTH {
            return Value::String("…".into());
        }
        match value {
            Value::String(text) if text.contains('\0') => Value::String(text.replace('\0', "\u{fffd}")),
            Value::Array(items) => Value::Array(items.into_iter().map(|item| inner(item, depth + 1)).collect()),
            Value::Object(fields) => {
                Value::Object(fields.into_iter().map(|(key, value)| (key.replace('\0', "\u{fffd}"), inner(value, depth + 1))).collect())
            }
            value => value,
        }
    }
    inner(value, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_masked() {
        let command = "snakemake --wms-monitor http://me:flw_TESTTOKEN0123456789abcdefghijklmnopqrstuvwx@h:1 -n flw_x flw_";
        assert_eq!(masked(command), "snakemake --wms-monitor http://me:flw_…@h:1 -n flw_x flw_");
    }

    #[test]
    fn names_are_without_what_cannot_be_kept() {
        assert_eq!(tidy_name("  a\0b "), "a\u{fffd}b");
        assert_eq!(tidy_name(&"ä".repeat(1000)).len(), MAX_NAME);
    }
}
