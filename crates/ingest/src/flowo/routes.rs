//! The plugin's three calls, under the paths that are fixed in the plugin.

use super::{reply, translate::translate, wire};
use crate::{
    Sender, Writer, agent,
    mask::Masking,
    weight::{MOST_DEPTH, MOST_VALUES, Weight, cleaned},
};
use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, Query, State},
    http::HeaderMap,
    response::Response,
    routing::post,
};
use bytes::Bytes;
use model::{
    Millis, RunId,
    cut::letters,
    event::{Event, Report, RunKey, RunStart},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use store::apply::Incoming;

/// A start carries the source of every rule; a target rule names all its inputs.
const MAX_BODY: usize = 64 << 20;
/// Heartbeats and closes have no body.
const NO_BODY: usize = 64 << 10;
/// A longer body is parsed on a blocking thread, so that other requests are not delayed.
const LONG: usize = 256 << 10;
/// The text of a longer report is not stored; its content is.
const MAX_KEPT: usize = 8 << 20;
/// How many bytes of such a text are stored.
const BEGINNING: usize = 8000;
/// How many letters the name of an event may have.
const MAX_EVENT: usize = 100;

/// Routes for requests into which a layer has put the [`Sender`].
pub fn routes(writer: Writer) -> Router {
    Router::new()
        .route("/api/v1/reports/", post(report))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .merge(
            Router::new()
                .route("/api/v1/reports/heartbeat", post(heartbeat))
                .route("/api/v1/reports/close", post(close))
                .layer(DefaultBodyLimit::max(NO_BODY)),
        )
        .with_state(writer)
}

async fn report(State(writer): State<Writer>, Extension(sender): Extension<Sender>, headers: HeaderMap, body: Bytes) -> Response {
    let weight = match weigh(&body) {
        Ok(weight) => weight,
        Err(response) => return *response,
    };
    let room = match writer.room(weight.in_all()).await {
        Ok(room) => room,
        Err(refused) => return reply::event(Err(refused)),
    };
    let (client_version, at, masking) = (agent::version(&headers), writer.clock().now(), writer.masking());
    let read = if weight.length > LONG {
        // Other requests are answered in the meantime.
        let read = tokio::task::spawn_blocking(move || read(body, masking, sender, client_version, at)).await;
        read.unwrap_or_else(|_| Err(Box::new(reply::malformed("body", "reading it broke Flowo; it is in the server's log"))))
    } else {
        read(body, masking, sender, client_version, at)
    };
    match read {
        Ok(incoming) => reply::event(writer.submit_in(room, incoming).await),
        Err(response) => *response,
    }
}

type Refusal = Box<Response>;

/// How much memory parsing a body will need.
fn weigh(body: &[u8]) -> Result<Weight, Refusal> {
    let text = std::str::from_utf8(body).map_err(|error| Box::new(reply::malformed("body", &format!("not readable as JSON: {error}"))))?;
    let weight = Weight::of(text);
    if weight.depth > MOST_DEPTH {
        return Err(Box::new(reply::malformed("body", &format!("nested more than {MOST_DEPTH} levels deep"))));
    }
    Ok(weight)
}

/// The parts of a report, unparsed.
#[derive(Deserialize)]
struct Parts<'a> {
    #[serde(borrow, default)]
    event: Option<&'a RawValue>,
    #[serde(borrow, default)]
    record: Option<&'a RawValue>,
    #[serde(borrow, default)]
    context: Option<&'a RawValue>,
}

/// A report in the form in which it is stored and applied. Releases the memory of the body.
fn read(body: Bytes, masking: Masking, sender: Sender, client_version: Option<String>, at: Millis) -> Result<Incoming, Refusal> {
    let wrong = |place: &str, why: &str| Box::new(reply::malformed(place, why));
    let unreadable = |error: &dyn std::fmt::Display| wrong("body", &format!("not readable as JSON: {error}"));
    let text = std::str::from_utf8(&body).map_err(|error| unreadable(&error))?;
    let text = cleaned(text);
    let text = masking.json(&text);
    let whole = text.trim_ascii();
    if !whole.starts_with('{') {
        let not_json = serde_json::from_str::<&RawValue>(whole).err();
        return Err(not_json.map_or_else(|| wrong("record", "an object is needed here"), |error| unreadable(&error)));
    }
    let parts: Parts<'_> = serde_json::from_str(whole).map_err(|error| unreadable(&error))?;
    let record = parts.record.filter(|record| is_object(record)).ok_or_else(|| wrong("record", "an object is needed here"))?;
    let context = parts.context.filter(|context| is_object(context)).ok_or_else(|| wrong("context", "an object is needed here"))?;
    if Weight::of(context.get()).values > MOST_VALUES {
        return Err(wrong("context", &format!("more than {MOST_VALUES} values")));
    }
    let event = parts.event.ok_or_else(|| wrong("envelope", "missing field `event`"))?;
    let envelope = wire::Envelope {
        event: serde_json::from_str(event.get()).map_err(|error| wrong("envelope", &error.to_string()))?,
        record,
        context: serde_json::from_str(context.get()).map_err(|error| wrong("envelope", &error.to_string()))?,
    };
    let body = kept(&envelope, event, whole);
    let event = letters(&envelope.event, MAX_EVENT);
    let translated = translate(envelope, at).map_err(|invalid| wrong("context", &invalid.to_string()))?;
    Ok(Incoming {
        sender,
        source: "flowo",
        client_version,
        received_at: at,
        event,
        body,
        quarantine: translated.quarantine,
        report: translated.report,
    })
}

fn is_object(value: &RawValue) -> bool {
    value.get().starts_with('{')
}

#[derive(Deserialize)]
struct Which {
    workflow_id: String,
}

async fn heartbeat(State(writer): State<Writer>, Extension(sender): Extension<Sender>, Query(which): Query<Which>) -> Response {
    match sign(sender, &which, writer.clock().now(), "heartbeat", Event::Heartbeat) {
        Ok(incoming) => reply::heartbeat(writer.submit(incoming).await),
        Err(response) => *response,
    }
}

async fn close(State(writer): State<Writer>, Extension(sender): Extension<Sender>, Query(which): Query<Which>) -> Response {
    match sign(sender, &which, writer.clock().now(), "close", Event::Closed) {
        Ok(incoming) => reply::close(writer.submit(incoming).await),
        Err(response) => *response,
    }
}

/// A report without a body of its own.
fn sign(sender: Sender, which: &Which, at: Millis, name: &str, event: Event) -> Result<Incoming, Box<Response>> {
    let run: RunId = which.workflow_id.parse().map_err(|_| Box::new(reply::malformed("workflow_id", "a UUID is needed here")))?;
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

#[derive(Serialize)]
struct Kept<'a> {
    event: &'a RawValue,
    record: &'a RawValue,
}

/// What is stored of a report that is too long to be stored whole.
#[derive(Serialize)]
struct Begun<'a> {
    event: &'a str,
    begins: &'a str,
    /// The number of bytes that are not stored.
    left_out: usize,
}

/// The text of the report to be stored: whole for a start, or while the client knows no id; otherwise without the
/// context, which is the same in every report. For a very long report, its beginning and its length.
fn kept(envelope: &wire::Envelope<'_>, event: &RawValue, whole: &str) -> String {
    let knows_id = envelope.context.current_workflow_id.is_some();
    let is_short = knows_id && envelope.event != "workflow_started";
    let text = if is_short { envelope.record.get() } else { whole };
    if text.len() > MAX_KEPT {
        let end = text.floor_char_boundary(BEGINNING);
        let begun = Begun { event: &envelope.event, begins: &text[..end], left_out: text.len() - end };
        return serde_json::to_string(&begun).unwrap_or_default();
    }
    if is_short { serde_json::to_string(&Kept { event, record: envelope.record }).unwrap_or_default() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const RUN: &str = "0193a4c2-0000-7000-8000-00000000000a";

    fn incoming(event: &str, record: &str) -> Incoming {
        let body = format!(r#"{{"context":{{"current_workflow_id":"{RUN}","jobs":{{}}}},"record":{record},"event":"{event}","more":1}}"#);
        let sender = Sender { user: None, name: String::new(), admin: false };
        read(body.into(), Masking::default(), sender, None, 0).unwrap_or_else(|response| panic!("{}", response.status()))
    }

    fn body(incoming: &Incoming) -> Value {
        serde_json::from_str(&incoming.body).expect("JSON")
    }

    #[test]
    fn a_report_is_kept_as_it_came_without_what_is_always_the_same() {
        let ended = incoming("job_finished", r#"{"job_id":7,"unknown":[1e2,{"a":null}]}"#);
        assert_eq!(body(&ended), json!({ "event": "job_finished", "record": { "job_id": 7, "unknown": [100.0, { "a": null }] } }));
        let start = incoming("workflow_started", &format!(r#"{{"workflow_id":"{RUN}","rules":[]}}"#));
        assert_eq!((&body(&start)["more"], &body(&start)["context"]["jobs"]), (&json!(1), &json!({})));
    }

    #[test]
    fn names_that_are_not_unicode_cost_no_report() {
        let info = incoming("job_info", r#"{"job_id":7,"input":["data/\udcff.txt","a\u0000b"],"reason":"\\u0000"}"#);
        let Event::JobInfo(job) = &info.report.event else { panic!("{info:?}") };
        assert_eq!(job.files.input, ["data/\u{fffd}.txt", "a\u{fffd}b"]);
        assert_eq!(job.reason.as_deref(), Some(r"\u0000"));
        assert!(!info.body.contains("udcff"));
    }

    #[test]
    fn of_a_very_long_report_the_beginning_is_kept_and_how_much_it_was() {
        let command = "x".repeat(MAX_KEPT);
        let info = incoming("job_info", &format!(r#"{{"job_id":7,"shellcmd":"{command}"}}"#));
        let Event::JobInfo(job) = &info.report.event else { panic!("{:?}", info.event) };
        assert_eq!(job.shell_command.as_ref().map(String::len), Some(MAX_KEPT));
        assert!(body(&info)["begins"].as_str().is_some_and(|text| text.starts_with(r#"{"job_id":7,"#)));
        assert_eq!(body(&info)["left_out"], json!(command.len() + r#"{"job_id":7,"shellcmd":""}"#.len() - BEGINNING));
    }

    #[test]
    fn a_long_name_and_a_long_path_of_a_log_are_cut_visibly() {
        let named = incoming(&"e".repeat(107), "{}");
        assert_eq!(named.event, format!("{}… (7 more letters)", "e".repeat(100)));
        let body = json!({ "event": "job_started", "record": { "job_ids": [1] },
            "context": { "current_workflow_id": RUN, "logfile": format!("/{}", "x".repeat(2_400)) } });
        let sender = Sender { user: None, name: String::new(), admin: false };
        let cut =
            read(body.to_string().into(), Masking::default(), sender, None, 0).unwrap_or_else(|response| panic!("{}", response.status()));
        assert_eq!(cut.report.context.logfile, None);
        let says: Vec<String> = cut.report.context.cuts.iter().map(model::cut::Cut::says).collect();
        assert!(says.len() == 1 && says[0].contains("2\u{202f}401 bytes") && says[0].contains("2\u{202f}000"), "{says:?}");
    }

    #[test]
    fn a_report_of_more_values_than_anybody_has_is_set_aside() {
        let zeros = incoming("job_info", &format!(r#"{{"job_id":7,"input":[{}0]}}"#, "0,".repeat(MOST_VALUES + 100_000)));
        let objects = incoming("rulegraph", &format!(r#"{{"rulegraph":[{}0]}}"#, r#"{"":0},"#.repeat(150_000)));
        for (set_aside, why) in [(zeros, "more than 500000 values"), (objects, "too many values")] {
            assert!(set_aside.quarantine.as_ref().is_some_and(|reason| reason.contains(why)), "{:?}", set_aside.quarantine);
        }
        let wrong = incoming("job_finished", &format!(r#"{{"job_id":"{}"}}"#, "é".repeat(100_000)));
        assert!(wrong.quarantine.is_some_and(|reason| reason.chars().count() < 1100 && reason.ends_with(" more letters)")));
    }

    #[test]
    fn a_target_of_a_hundred_thousand_inputs_is_read() {
        let paths: Vec<String> = (0..100_000).map(|n| format!("results/sample_{n}/calls.vcf.gz")).collect();
        let info = incoming(
            "job_info",
            &json!({ "job_id": 7, "input": paths, "wildcards": { "a": "b" }, "resources": { "mem_mb": 1 } }).to_string(),
        );
        let Event::JobInfo(job) = &info.report.event else { panic!("{:?}", info.quarantine) };
        assert_eq!((job.files.input.len(), job.wildcards.len(), &job.resources["mem_mb"]), (100_000, 1, &json!(1)));
    }
}
