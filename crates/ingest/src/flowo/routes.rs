//! The three calls of the plugin, under the paths it has compiled in.

use super::{reply, translate::translate, wire};
use crate::{Sender, Writer};
use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, Query, State},
    http::HeaderMap,
    response::Response,
    routing::post,
};
use bytes::Bytes;
use model::{
    RunId,
    event::{Event, Report, RunKey, RunStart},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{apply::Incoming, clock};

/// A start carries the source of every rule; a target rule names all its inputs.
const MAX_BODY: usize = 64 << 20;
/// Deeper JSON than any client makes.
const MAX_DEPTH: usize = 64;

/// Routes for callers whose [`Sender`] a layer has put into the request.
pub fn routes(writer: Writer) -> Router {
    Router::new()
        .route("/api/v1/reports/", post(report))
        .route("/api/v1/reports/heartbeat", post(heartbeat))
        .route("/api/v1/reports/close", post(close))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(writer)
}

async fn report(State(writer): State<Writer>, Extension(sender): Extension<Sender>, headers: HeaderMap, body: Bytes) -> Response {
    let mut value: Value = match serde_json::from_slice(&body) {
        Ok(value) => value,
        Err(error) => return reply::malformed("body", &format!("not readable as JSON: {error}")),
    };
    drop(body);
    if let Err(why) = clean(&mut value, 0) {
        return reply::malformed("body", why);
    }
    for part in ["record", "context"] {
        if !value.get(part).is_some_and(Value::is_object) {
            return reply::malformed(part, "an object is needed here");
        }
    }
    let raw = raw(&value);
    let envelope: wire::Envelope = match serde_json::from_value(value) {
        Ok(envelope) => envelope,
        Err(error) => return reply::malformed("envelope", &error.to_string()),
    };
    let at = clock::now();
    let event = envelope.event.chars().take(100).collect();
    match translate(envelope, at) {
        Err(invalid) => reply::malformed("context", &invalid.to_string()),
        Ok(translated) => {
            let incoming = Incoming {
                sender,
                source: "flowo",
                client_version: version(&headers),
                received_at: at,
                event,
                body: raw,
                quarantine: translated.quarantine,
                report: translated.report,
            };
            reply::event(writer.submit(incoming).await)
        }
    }
}

#[derive(Deserialize)]
struct Which {
    workflow_id: String,
}

async fn heartbeat(State(writer): State<Writer>, Extension(sender): Extension<Sender>, Query(which): Query<Which>) -> Response {
    match sign(sender, &which, "heartbeat", Event::Heartbeat) {
        Ok(incoming) => reply::heartbeat(writer.submit(incoming).await),
        Err(response) => *response,
    }
}

async fn close(State(writer): State<Writer>, Extension(sender): Extension<Sender>, Query(which): Query<Which>) -> Response {
    match sign(sender, &which, "close", Event::Closed) {
        Ok(incoming) => reply::close(writer.submit(incoming).await),
        Err(response) => *response,
    }
}

/// A report that has no body of its own.
fn sign(sender: Sender, which: &Which, name: &str, event: Event) -> Result<Incoming, Box<Response>> {
    let run: RunId = which.workflow_id.parse().map_err(|_| Box::new(reply::malformed("workflow_id", "a UUID is needed here")))?;
    let at = clock::now();
    Ok(Incoming {
        sender,
        source: "flowo",
        client_version: None,
        received_at: at,
        event: name.into(),
        body: "{}".into(),
        quarantine: None,
        report: Report { run: RunKey::Id(run), at, context: RunStart::default(), event },
    })
}

/// Replaces U+0000, which PostgreSQL cannot hold, and refuses bottomless nesting.
fn clean(value: &mut Value, depth: usize) -> Result<(), &'static str> {
    if depth > MAX_DEPTH {
        return Err("nested more than 64 levels deep");
    }
    match value {
        Value::String(text) => {
            if text.contains('\0') {
                *text = text.replace('\0', "\u{fffd}");
            }
        }
        Value::Array(items) => {
            for item in items {
                clean(item, depth + 1)?;
            }
        }
        Value::Object(fields) => {
            if fields.keys().any(|key| key.contains('\0')) {
                *fields = std::mem::take(fields).into_iter().map(|(key, value)| (key.replace('\0', "\u{fffd}"), value)).collect();
            }
            for (_, item) in fields.iter_mut() {
                clean(item, depth + 1)?;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    Ok(())
}

#[derive(Serialize)]
struct Kept<'a> {
    event: Option<&'a Value>,
    record: Option<&'a Value>,
}

/// The report to be kept: whole for a start or while the client knows no id; else without the
/// context, which is the same with every report.
fn raw(value: &Value) -> String {
    let knows_id = value.pointer("/context/current_workflow_id").is_some_and(Value::is_string);
    if knows_id && value.get("event").and_then(Value::as_str) != Some("workflow_started") {
        let kept = Kept { event: value.get("event"), record: value.get("record") };
        serde_json::to_string(&kept).unwrap_or_default() // Values have no key that is not a text.
    } else {
        value.to_string()
    }
}

/// What the client says it is; the plugin itself sends only its HTTP library's name.
fn version(headers: &HeaderMap) -> Option<String> {
    let agent = headers.get("user-agent")?.to_str().ok()?;
    Some(agent.chars().take(200).collect())
}
