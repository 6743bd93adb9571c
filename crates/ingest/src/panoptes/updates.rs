//! Updates: finds the run of each update, translates the update, and appends it to the journal, so that it survives the
//! end of this process.

use super::{
    conversations::Open,
    reply,
    routes::{Panoptes, clean},
    translate::{Conversation, Hints},
    wire,
};
use crate::{
    Receipt, Refused, Sender, agent,
    batch::Room,
    journal::{Journal, Reports, Taken},
    weight::{MOST_BYTES, MOST_DEPTH, Weight, cleaned},
};
use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, header},
    response::Response,
};
use bytes::Bytes;
use model::{
    Millis, RunId, UserId,
    cut::letters,
    event::{Event, Report, RunKey, RunStart},
    nul,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json, value::RawValue};
use std::{borrow::Cow, collections::HashMap, sync::Arc, time::Duration};
use store::{StoreError, apply::Incoming, error::chain, panoptes};
use tokio::time::timeout;
use tracing::{debug, warn};
use uuid::Uuid;

/// How long an update may take: clients wait for it, some of them for ever.
const UPDATE_TIMEOUT: Duration = Duration::from_secs(8);
/// How long the lookup of a number's run may take. Shorter than the wait for a connection, so that a hanging database is noticed.
const LOOK_UP: Duration = Duration::from_secs(4);
/// The same limit if the number's run is already known: the database may be hanging.
const BRIEFLY: Duration = Duration::from_millis(500);
/// Longer bodies (bytes) are masked on a blocking thread, so that other requests are not delayed.
const LONG: usize = 64 << 10;
/// How many bytes are kept of a message that cannot be parsed.
const MAX_UNREAD: usize = 1 << 20;
/// The text of a longer message is not stored; its content is.
const MAX_KEPT: usize = 8 << 20;
/// How many letters the name of an event may have.
const MAX_LEVEL: usize = 100;

pub(super) async fn update(State(state): State<Panoptes>, sender: Option<Extension<Sender>>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(Extension(sender)) = sender else { return reply::not_allowed() };
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let room = match state.room(content_type, &body).await {
        Ok(room) => room,
        Err(Refused::TooMuch) => return reply::malformed(Map::from_iter([("msg".to_owned(), json!(["Too many values."]))])),
        Err(refused) => return reply::update(Err(refused)),
    };
    let mut envelope = match wire::fields(content_type, &body).and_then(wire::update) {
        Ok(envelope) => envelope,
        Err(errors) => return reply::malformed(errors),
    };
    let masking = state.writer.masking();
    if body.len() > LONG {
        // Other requests are answered in the meantime.
        let mut msg = std::mem::take(&mut envelope.msg);
        let masked = tokio::task::spawn_blocking(move || {
            masking.message(&mut msg);
            msg
        });
        match masked.await {
            Ok(msg) => envelope.msg = msg,
            Err(_) => return reply::unavailable("the message could not be read"),
        }
    } else {
        masking.message(&mut envelope.msg);
    }
    drop(body);
    let room = match state.room_for(room, &envelope.msg).await {
        Ok(room) => room,
        Err(refused) => return reply::update(Err(refused)),
    };
    let Some(id) = envelope.id.filter(|id| *id != reply::NO_WORKFLOW) else { return reply::ok() };
    let stored = timeout(UPDATE_TIMEOUT, async {
        let open = match state.open(id).await {
            Ok(Some(open)) => open,
            Ok(None) => {
                debug!(id, "An update about no workflow");
                return reply::ok();
            }
            // Whatever is wrong, it is no reason to end somebody's run.
            Err(error) => {
                debug!(error = chain(&error), "An update was refused");
                return reply::update(Err(Refused::Unavailable));
            }
        };
        if !sender.admin && open.owner != sender.user {
            return reply::update(Ok(Receipt::Foreign));
        }
        let received = ReceivedUpdate {
            run: open.run.0,
            user: sender.user,
            name: sender.name,
            version: agent::version(&headers),
            at: state.store.clock().now(),
            envelope,
        };
        state.keep(&open, received, sender.admin, room).await
    });
    stored.await.unwrap_or_else(|_| reply::update(Err(Refused::Overloaded)))
}

/// An update with everything needed to apply it; also the content of a journal line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct ReceivedUpdate {
    run: Uuid,
    user: Option<UserId>,
    name: String,
    version: Option<String>,
    /// When it was received.
    at: Millis,
    envelope: wire::Update,
}

#[derive(Serialize, Deserialize)]
struct JournalLine {
    #[serde(rename = "told")] // Journals of earlier versions use this word.
    received: ReceivedUpdate,
    admin: bool,
    /// Its run had executed jobs before this update.
    executes: bool,
    /// What the client's command line shows about its messages.
    #[serde(default)]
    hints: Hints,
}

impl ReceivedUpdate {
    /// The reports of the update, with the hash of a message that may come twice. `Err` if it came before or says nothing.
    fn read(&self, talk: &mut Conversation, admin: bool) -> Result<(Reports, Option<u64>), Known> {
        let message = match self.message() {
            Ok(message) => message,
            Err(why) => {
                let level = self.envelope.msg.as_str().and_then(wire::level_of).unwrap_or("unreadable");
                return Ok((
                    vec![self.report(nul::replaced(level).into_owned(), self.at, Event::Other, self.raw(), Some(why), admin)],
                    None,
                ));
            }
        };
        let hash = match (&self.envelope.msg, message.get("timestamp")) {
            (Value::String(text), Some(Value::Number(_))) => Some(talk.is_twin(text).map_err(|_| Known)?),
            _ => None,
        };
        let at = talk.time(&message, self.at);
        let Value::Object(message) = clean(Value::Object(message.into_owned())) else { return Err(Known) };
        let level = letters(message.get("level").and_then(Value::as_str).unwrap_or("message"), MAX_LEVEL);
        let events = talk.translate(&message, at);
        if events.is_empty() {
            return Err(Known);
        }
        let mut raw = Some(self.raw());
        let reports = events.into_iter().map(|event| {
            let body = raw.take().unwrap_or_else(|| "{}".to_owned());
            self.report(level.clone(), at, event, body, None, admin)
        });
        Ok((reports.collect(), hash))
    }

    /// The message, unless it contains more values than may be read.
    fn message(&self) -> Result<Cow<'_, Map<String, Value>>, String> {
        match &self.envelope.msg {
            // A Python literal has its own limit.
            Value::String(text) if serde_json::from_str::<&RawValue>(text).is_ok() && Weight::of(text).as_values() > MOST_BYTES => {
                Err("too many values".into())
            }
            msg => wire::message(msg),
        }
    }

    fn report(&self, level: String, at: Millis, event: Event, body: String, quarantine: Option<String>, admin: bool) -> Incoming {
        Incoming {
            sender: Sender { user: self.user, name: self.name.clone(), admin },
            source: "panoptes",
            client_version: self.version.clone(),
            received_at: self.at,
            event: level,
            body,
            quarantine,
            report: Report { run: RunKey::Id(RunId(self.run)), at, context: RunStart::default(), event },
        }
    }

    /// The update as it is stored, as JSON text: the message as a value if it is JSON, otherwise as text. For a very
    /// long message, its beginning and its length.
    fn raw(&self) -> String {
        let timestamp = &self.envelope.timestamp;
        let text = match &self.envelope.msg {
            Value::String(text) => text,
            value => return clean(json!({ "msg": value, "timestamp": timestamp })).to_string(),
        };
        let is_shallow = || Weight::of(text).depth < MOST_DEPTH;
        let cleaned = cleaned(text);
        if text.len() <= MAX_KEPT
            && let Ok(msg) = serde_json::from_str::<&RawValue>(&cleaned)
            && is_shallow()
        {
            return format!("{{\"msg\":{msg},\"timestamp\":{}}}", clean(json!(timestamp)));
        }
        let end = text.floor_char_boundary(MAX_UNREAD);
        let mut kept = json!({ "msg": &text[..end], "timestamp": timestamp });
        if end < text.len() {
            kept["left_out"] = json!(text.len() - end);
        }
        clean(kept).to_string()
    }
}

/// The message came before, or says nothing.
struct Known;

/// A function that parses journal lines of another process, in order. It remembers every conversation that it meets.
pub fn journal_reader() -> impl FnMut(&str) -> Reports + Send {
    let mut talks: HashMap<Uuid, Conversation> = HashMap::new();
    move |line| {
        let Ok(JournalLine { received, admin, executes, hints }) = serde_json::from_str(line) else {
            warn!("A line of the journal is not readable");
            return Vec::new();
        };
        let talk = talks.entry(received.run).or_insert_with(|| Conversation::joined(hints, executes));
        received.read(talk, admin).map_or_else(|Known| Vec::new(), |(reports, _)| reports)
    }
}

impl Panoptes {
    /// Reserves memory for what a body contains: JSON consists of values, a form of texts.
    pub(super) async fn room(&self, content_type: Option<&str>, body: &[u8]) -> Result<Room, Refused> {
        let is_json = wire::may_be_json(content_type, body);
        let weight = std::str::from_utf8(body).ok().filter(|_| is_json).map(Weight::of).unwrap_or_default();
        if weight.as_values() > MOST_BYTES {
            return Err(Refused::TooMuch);
        }
        self.writer.room(weight.in_all()).await
    }

    /// Reserves more for a message that is a text and must itself be parsed; otherwise the existing reservation is enough.
    async fn room_for(&self, room: Room, msg: &Value) -> Result<Room, Refused> {
        let Value::String(text) = msg else { return Ok(room) };
        drop(room);
        self.writer.room(Weight::at_most(text).in_all()).await
    }

    /// Stores an update: in the journal, or directly in the database. If there are several reports, the last answer
    /// counts.
    async fn keep(&self, open: &Open, received: ReceivedUpdate, admin: bool, room: Room) -> Response {
        let (executes, hints, read) = {
            let mut talk = open.talk();
            (talk.executes(), talk.hints(), received.read(&mut talk, admin))
        };
        let Ok((reports, hash)) = read else { return reply::ok() };
        let outcome = if let Some(journal) = &self.journal {
            let line = serde_json::to_string(&JournalLine { received, admin, executes, hints }).unwrap_or_default();
            match journal.take(&line, reports, room.large()).await {
                Ok(Taken::Soon) => return reply::ok(),
                Ok(Taken::Later) => return reply::kept(),
                // As without a journal, but after what the journal contains.
                Ok(Taken::Not(reports)) => {
                    journal.settled().await;
                    self.submit(reports).await
                }
                Err(refused) => Err(refused),
            }
        } else {
            drop(room); // Each report reserves its own.
            self.submit(reports).await
        };
        if let (Err(_), Some(hash)) = (&outcome, hash) {
            open.talk().forget(hash);
        }
        reply::update(outcome)
    }

    async fn submit(&self, reports: Reports) -> Result<Receipt, Refused> {
        let mut outcome = Ok(Receipt::Unknown);
        for report in reports {
            outcome = self.writer.submit(report).await;
            if outcome.is_err() {
                break;
            }
        }
        outcome
    }

    /// The conversation with a number. It continues one that another process started, and ends one whose number has
    /// since been given to a newer attempt by another process.
    async fn open(&self, id: i64) -> Result<Option<Arc<Open>>, StoreError> {
        let held = self.conversations.find(id).await;
        let is_away = self.journal.as_ref().is_some_and(Journal::is_away);
        if let Some(open) = held.as_ref().filter(|open| is_away || open.is_fresh(self.store.clock().instant())) {
            return Ok(Some(Arc::clone(open)));
        }
        let known = async { panoptes::reported(&mut *self.store.conn().await?, id).await };
        let known = if held.is_some() && self.journal.is_some() {
            self.store.briefly(BRIEFLY, "finding a workflow again", known).await
        } else {
            self.store.within(LOOK_UP, "finding a workflow", known).await
        };
        let run = match (known, &held) {
            (Ok(run), _) => run,
            // The journal accepts the update while the database is unreachable.
            (Err(error), Some(open)) if error.is_unavailable() && self.journal.is_some() => return Ok(Some(Arc::clone(open))),
            (Err(error), _) => return Err(error),
        };
        Ok(match (run, held) {
            (Some((run, ..)), Some(open)) if open.run == run => Some(open.refreshed(self.store.clock().instant())),
            (Some((run, owner, command)), _) => {
                let hints = command.as_deref().map(Hints::of).unwrap_or_default();
                Some(self.conversations.begin(id, run, owner, Conversation::resumed(hints)).await)
            }
            (None, _) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(msg: Value) -> ReceivedUpdate {
        let envelope = wire::Update { msg, timestamp: "Sat\0".into(), id: Some(1) };
        ReceivedUpdate { run: Uuid::nil(), user: None, name: String::new(), version: None, at: 0, envelope }
    }

    fn kept(msg: Value) -> Value {
        serde_json::from_str(&received(msg).raw()).expect("JSON")
    }

    #[test]
    fn a_line_that_an_earlier_version_wrote_is_read() {
        let line = r#"{"told":{"run":"0193a4c2-0000-7000-8000-000000000001","user":null,"name":"ana","version":"7.32.4","at":5,
            "envelope":{"msg":"{'level': 'progress', 'done': 1, 'total': 2}","timestamp":"now","id":1}},"admin":false,"executes":true}"#;

        let reports = journal_reader()(line);

        let [report] = reports.as_slice() else { panic!("{} reports", reports.len()) };
        assert_eq!((report.sender.name.as_str(), report.received_at, report.event.as_str()), ("ana", 5, "progress"));
    }

    #[test]
    fn a_message_is_kept_as_a_value_if_it_is_json_and_else_as_its_text() {
        let wanted = json!({ "msg": { "level": "x", "a": "b\u{fffd}" }, "timestamp": "Sat\u{fffd}" });
        assert_eq!(kept(json!(r#"{"level":"x","a":"b\u0000"}"#)), wanted);
        assert_eq!(kept(json!({ "level": "x", "a": "b\0" })), wanted);
        assert_eq!(kept(json!("{'level': 'x'}"))["msg"], "{'level': 'x'}");
        let deep = format!("{}{}", "[".repeat(90), "]".repeat(90));
        assert_eq!(kept(json!(deep))["msg"], json!(deep));
    }

    #[test]
    fn of_a_very_long_message_the_beginning_is_kept_and_how_much_it_was() {
        let long = format!("{{\"level\":\"{}\"}}", "x".repeat(MAX_KEPT));
        let kept = kept(json!(long));
        assert_eq!(kept["msg"].as_str().map(str::len), Some(MAX_UNREAD));
        assert_eq!(kept["left_out"], json!(long.len() - MAX_UNREAD));
    }

    #[test]
    fn a_message_of_more_values_than_there_is_memory_for_is_not_read() {
        for many in [format!("{{\"level\":[{}0]}}", "0,".repeat(1 << 20)), format!("{{\"level\":[{}0]}}", "{\"\":0},".repeat(100_000))] {
            assert_eq!(received(json!(many)).message(), Err("too many values".into()));
        }
        assert!(received(json!("{\"level\":[0,0]}")).message().is_ok());
    }
}

/// The recorded conversations of Panoptes' clients, translated; see `crate::recorded`.
#[cfg(test)]
mod recorded {
    use super::{Conversation, Hints, ReceivedUpdate};
    use crate::{
        panoptes::wire,
        recorded::{Events, compare, expected, jobs, kept, lines, time},
    };
    use model::{JobStatus, RunStatus};
    use serde_json::Value;
    use uuid::Uuid;

    const GENERATIONS: [&str; 5] =
        ["G1_snakemake-5.31.1", "G2_snakemake-7.31.1", "G3_snakemake-7.32.4", "G4_snakemake-8.30.0", "G5_plugin-0.3.0_snakemake-9.27.1"];

    /// What the lines of a recording mean, run by run.
    fn translated(lines: &[Value]) -> Vec<Events> {
        let mut runs: Vec<(Conversation, Events)> = Vec::new();
        for line in lines {
            let body = match &line["body"] {
                Value::Null => String::new(),
                Value::String(form) => form.clone(),
                value => value.to_string(),
            };
            let fields = || wire::fields(line["headers"]["content-type"].as_str(), body.as_bytes());
            match line["path"].as_str().and_then(|path| path.rsplit('/').next()) {
                Some("create_workflow") => {
                    let command = fields().ok().and_then(|fields| Some(fields.get("command")?.as_str()?.to_owned()));
                    runs.push((Conversation::new(command.as_deref().map(Hints::of).unwrap_or_default()), Vec::new()));
                }
                Some("update_workflow_status") => {
                    let (talk, events) = runs.last_mut().expect("a workflow that was made");
                    let envelope = fields().and_then(wire::update).expect("an envelope");
                    let received =
                        ReceivedUpdate { run: Uuid::nil(), user: None, name: String::new(), version: None, at: time(line), envelope };
                    let Ok((reports, _)) = received.read(talk, false) else { continue };
                    events.extend(reports.into_iter().map(|incoming| (incoming.report.at, incoming.report.event)));
                }
                _ => {}
            }
        }
        runs.into_iter().map(|(_, events)| events).collect()
    }

    #[test]
    fn the_events_of_every_conversation_of_a_panoptes_client_are_the_kept_ones() {
        let run_word = |word: &str| match word {
            "Done" | "No Execution" => RunStatus::Success,
            "Error" => RunStatus::Failed,
            "Running" => RunStatus::Running,
            other => panic!("no word for {other}"),
        };
        let job_word = |word: &str| match word {
            "planned" => JobStatus::Waiting,
            "unknown" => JobStatus::Lost,
            "Done" => JobStatus::Success,
            "Error" => JobStatus::Failed,
            "Running" => JobStatus::Running,
            other => panic!("no word for {other}"),
        };
        for generation in GENERATIONS {
            let client = format!("panoptes/{generation}");
            for (name, wanted) in expected(&client) {
                let runs = translated(&lines(&client, &name));
                let earlier = wanted["expected_earlier_attempts"].as_array().into_iter().flatten();
                let wanted: Vec<&Value> = earlier.chain(wanted["expected_runs"].as_array().expect("runs")).collect();
                assert_eq!(runs.len(), wanted.len(), "{name}");
                for (at, (events, wanted)) in runs.iter().zip(&wanted).enumerate() {
                    let name = if runs.len() > 1 { format!("{name}-{}", at + 1) } else { name.clone() };

                    let fold = kept(&client, &name, events);

                    let status = run_word(wanted["status_any_of"][0].as_str().expect("a word"));
                    compare(&name, &fold, status, &jobs(wanted, "status", job_word));
                }
            }
        }
    }
}
